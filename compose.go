package cloakroom

// Wrapper is an Engine that stands before another and is asked in its place, to
// guard it, to measure it, to keep a cache before it. It implements [Engine] and
// those optional interfaces that it changes something about; all others are
// found in what it stands before, by [As].
type Wrapper interface {
	Engine

	// Unwrap returns the engine behind.
	Unwrap() Engine

	// Wrap returns the same wrapper before another engine.
	Wrap(behind Engine) Engine
}

// As finds the first engine that is a T, such as a [Lister]: e itself, or what
// stands behind it. For what returns an Engine, [Signed] and [Carrier], there is
// [With], which keeps what stands before.
func As[T any](e Engine) (T, bool) {
	for {
		if found, ok := e.(T); ok {
			return found, true
		}
		wrapper, ok := e.(Wrapper)
		if !ok {
			var none T
			return none, false
		}
		e = wrapper.Unwrap()
	}
}

// With returns e with the first engine that is a T changed, and all that stands
// before it as it was. It answers false, and e itself, where there is no T.
func With[T any](e Engine, change func(T) Engine) (Engine, bool) {
	if found, ok := e.(T); ok {
		return change(found), true
	}
	wrapper, ok := e.(Wrapper)
	if !ok {
		return e, false
	}
	behind, ok := With(wrapper.Unwrap(), change)
	if !ok {
		return e, false
	}
	return wrapper.Wrap(behind), true
}
