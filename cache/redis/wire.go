package redis

import (
	"errors"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// maxSize bounds how many bytes a session may be serialized to, so that no
// compressed value blows up.
const maxSize = 16 << 20

var errTooLong = fmt.Errorf("it takes more than %d bytes", maxSize)

// newProtocol is what django-redis pickles in, on Python before 3.14.
const newProtocol = 4

// Serializer turns sessions into bytes: the SERIALIZER of django-redis.
type Serializer int

const (
	// Pickle is PickleSerializer, the default, and all that Django's own back
	// end and redis_cache know.
	Pickle Serializer = iota + 1
	// JSON is JSONSerializer.
	JSON
	// MessagePack is MSGPackSerializer.
	MessagePack
)

// form is how a value was made. Its zero value says nothing.
type form struct {
	serializer Serializer
	protocol   int // of Pickle
	compressor Compressor
}

// wire is how values are to be made, where it says so.
type wire struct {
	serializer Serializer
	protocol   *int
	compressor Compressor
}

// in is the form to write what was read in form f.
func (w wire) in(f form) form {
	if f.serializer == 0 {
		f = form{Pickle, newProtocol, Uncompressed}
	}
	if w.serializer != 0 && w.serializer != f.serializer {
		f.serializer, f.protocol = w.serializer, newProtocol
	}
	if w.protocol != nil {
		f.protocol = *w.protocol
	}
	if w.compressor != 0 {
		f.compressor = w.compressor
	}
	return f
}

// encode makes the value of a session that was read in form f.
func (w wire) encode(data map[string]any, f form) (version, error) {
	f = w.in(f)
	serialized, err := f.serialize(data)
	if err != nil {
		return version{}, err
	}
	if len(serialized) > maxSize {
		return version{}, &cloakroom.Error{
			Kind: cloakroom.ErrTooLarge, Reason: errTooLong.Error(), Mend: "keep less in the session",
		}
	}
	value, err := f.compressor.compress(serialized)
	return version{rueidis.BinaryString(value), f}, err
}

func (f form) serialize(data map[string]any) ([]byte, error) {
	switch f.serializer {
	case JSON:
		return pyjson.Marshal(data)
	case MessagePack:
		return marshalMessagePack(data)
	default:
		return pickle.Marshal(data, f.protocol)
	}
}

// decode recognizes how a value was made, and returns the session in it. It
// keeps nothing of value.
func decode(value []byte) (map[string]any, form, error) {
	f := form{compressor: recognize(value)}
	serialized, err := f.compressor.decompress(value)
	if err != nil {
		return nil, f, err
	}
	if len(serialized) == 0 {
		return nil, f, errors.New("it is empty")
	}
	var data map[string]any
	switch first := serialized[0]; {
	case first == '{':
		f.serializer = JSON
		data, err = pyjson.Unmarshal(serialized)
	case first == mapEmpty && len(serialized) == 1, first > mapEmpty && first <= mapFixed, first == map16, first == map32:
		f.serializer = MessagePack
		data, err = unmarshalMessagePack(serialized)
	default: // protocols from 2 on begin with 0x80 and their number
		f.serializer = Pickle
		data, f.protocol, err = pickle.UnmarshalProtocol(serialized)
	}
	return data, f, err
}
