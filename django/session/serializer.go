package session

import "github.com/cloakroom-go/cloakroom/django/pyjson"

// Serializer is Django's SESSION_SERIALIZER.
type Serializer int

const (
	// AsFound is what a session was read with, and JSON for a new one.
	AsFound Serializer = iota
	// JSON is JSONSerializer, Django's default, and Horizon's HorizonSerializer.
	JSON
)

// Form is how a session was serialized when it was read. It is comparable, and
// its zero value says nothing.
type Form struct {
	serializer Serializer
}

// in is the form to write what was read in form f.
func (f Form) in(wanted Serializer) Form {
	if wanted != AsFound {
		f.serializer = wanted
	}
	return f
}

func (f Form) appendTo(dst []byte, data map[string]any) ([]byte, error) {
	return pyjson.Append(dst, data)
}

// parse keeps nothing of payload.
func parse(payload []byte) (map[string]any, Form, error) {
	data, err := pyjson.Unmarshal(payload)
	return data, Form{JSON}, err
}
