package pickle

type tagger struct{ plainer }

func (t *tagger) value(r ref) any { return t.plainer.value(r) }
