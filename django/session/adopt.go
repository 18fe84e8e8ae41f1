package session

import (
	"reflect"

	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// Adopt is the form for a session that comes from another engine, which may have
// kept what JSON has not: where no serializer is asked for, that is pickle then,
// and JSON otherwise.
func (c Codec) Adopt(data map[string]any) Form {
	if c.serializer == AsFound && !isJSONEnough(data) {
		return Form{Pickle, pickle.DefaultProtocol}
	}
	return Form{}
}

// Keeps reports whether data comes back as it was from what Encode writes of it.
// With JSON, an object that only Python has comes back as what JSON can say of
// it, as with Horizon's own serializer.
func (c Codec) Keeps(data map[string]any) bool {
	return c.serializer != JSON || isJSONEnough(data)
}

// isJSONEnough compares what was written with what comes back, types included.
func isJSONEnough(data map[string]any) bool {
	text, err := pyjson.Marshal(data)
	if err != nil {
		return false
	}
	back, err := pyjson.Unmarshal(text)
	if err != nil {
		return false
	}
	want, err := pickle.Tag(data)
	if err != nil {
		return false
	}
	got, err := pickle.Tag(back)
	return err == nil && reflect.DeepEqual(want, got)
}
