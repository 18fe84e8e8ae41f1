package session

import (
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// Serializer is Django's SESSION_SERIALIZER.
type Serializer int

const (
	// AsFound is what a session was read with, and JSON for a new one.
	AsFound Serializer = iota
	// JSON is JSONSerializer, Django's default, and Horizon's HorizonSerializer.
	// An object that only Python has is written as the nearest that JSON has.
	JSON
	// Pickle is PickleSerializer, which Django had until 4.2 and which is the
	// default of Horizon 23.
	Pickle
)

// Form is how a session was serialized when it was read. It is comparable, and
// its zero value says nothing.
type Form struct {
	serializer Serializer
	protocol   int // of Pickle
	adopted    bool
}

// in is the form to write what was read in form f.
func (f Form) in(wanted Serializer) Form {
	if wanted == AsFound || wanted == f.serializer {
		return f
	}
	return Form{serializer: wanted, protocol: pickle.DefaultProtocol}
}

func (f Form) appendTo(dst []byte, data map[string]any) ([]byte, error) {
	if f.adopted && !isJSONEnough(data) {
		f = Form{serializer: Pickle, protocol: pickle.DefaultProtocol}
	}
	if f.serializer == Pickle {
		return pickle.Append(dst, data, f.protocol)
	}
	return pyjson.Append(dst, data)
}

// parse keeps nothing of payload.
func parse(payload []byte) (map[string]any, Form, error) {
	if isJSON(payload) {
		data, err := pyjson.Unmarshal(payload)
		return data, Form{serializer: JSON}, err
	}
	data, protocol, err := pickle.UnmarshalProtocol(payload)
	return data, Form{serializer: Pickle, protocol: protocol}, err
}

// isJSON tells JSON from a pickle: an object begins with a brace, before which
// there may be space. No pickle begins with any of these.
func isJSON(payload []byte) bool {
	for _, c := range payload {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == '{'
		}
	}
	return true // and an empty one, as such refused
}
