package redis

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// How a dictionary begins.
const (
	mapEmpty = 0x80
	mapFixed = 0x8f // the longest that needs no length of its own
	map16    = 0xde
	map32    = 0xdf
)

// maxNesting is how deeply Python's msgpack lets containers nest.
const maxNesting = 511

var errNesting = errors.New("msgpack: containers nested too deeply")

// packed is a value that has not been taken apart: a container, or something of
// a type that only Python knows. It goes back byte for byte.
type packed struct{ text string }

// Plain implements [cloakroom.Value].
func (p packed) Plain() any {
	v, _ := plainPacked(msgpack.NewDecoder(bytes.NewReader([]byte(p.text)))) // checked before
	return v
}

func unmarshalMessagePack(text []byte) (map[string]any, error) {
	in := bytes.NewReader(text)
	d := msgpack.NewDecoder(in)
	n, err := d.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	data := make(map[string]any, min(n, len(text)/2))
	for range n {
		name, err := unpackName(d)
		if err != nil {
			return nil, err
		}
		start := len(text) - in.Len()
		if err := skip(d, 1); err != nil {
			return nil, err
		}
		if data[name], err = unpack(text[start : len(text)-in.Len()]); err != nil {
			return nil, err
		}
	}
	if in.Len() > 0 {
		return nil, errors.New("msgpack: something follows the session")
	}
	return data, nil
}

func unpackName(d *msgpack.Decoder) (string, error) {
	code, err := d.PeekCode()
	if err != nil {
		return "", err
	}
	if !msgpcode.IsString(code) {
		return "", errors.New("msgpack: a name that is no string")
	}
	return d.DecodeString()
}

// skip passes over a value, however deep, without going too deep itself.
func skip(d *msgpack.Decoder, depth int) error {
	code, err := d.PeekCode()
	if err != nil {
		return err
	}
	if depth > maxNesting {
		return errNesting
	}
	n := 0
	switch {
	case isMap(code):
		n, err = d.DecodeMapLen()
		n *= 2
	case isArray(code):
		n, err = d.DecodeArrayLen()
	default:
		return d.Skip()
	}
	for ; n > 0 && err == nil; n-- {
		err = skip(d, depth+1)
	}
	return err
}

func isMap(code byte) bool {
	return msgpcode.IsFixedMap(code) || code == map16 || code == map32
}

func isArray(code byte) bool {
	return msgpcode.IsFixedArray(code) || code == msgpcode.Array16 || code == msgpcode.Array32
}

// unpack makes a scalar plain, and leaves all else packed.
func unpack(text []byte) (any, error) {
	if isMap(text[0]) || isArray(text[0]) || msgpcode.IsExt(text[0]) {
		return packed{string(text)}, nil
	}
	return plainPacked(msgpack.NewDecoder(bytes.NewReader(text)))
}

func plainPacked(d *msgpack.Decoder) (any, error) {
	code, err := d.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case isMap(code):
		return plainMap(d)
	case isArray(code):
		n, err := d.DecodeArrayLen()
		list := []any{}
		for ; n > 0 && err == nil; n-- {
			var item any
			item, err = plainPacked(d)
			list = append(list, item)
		}
		return list, err
	case msgpcode.IsExt(code):
		return plainExtension(d)
	}
	return plainScalar(d, code)
}

func plainScalar(d *msgpack.Decoder, code byte) (any, error) {
	switch {
	case code == msgpcode.Nil:
		return nil, d.DecodeNil()
	case code == msgpcode.False, code == msgpcode.True:
		return d.DecodeBool()
	case code == msgpcode.Float, code == msgpcode.Double:
		return d.DecodeFloat64()
	case msgpcode.IsString(code):
		return d.DecodeString()
	case msgpcode.IsBin(code):
		return d.DecodeBytes()
	case code == msgpcode.Uint64:
		n, err := d.DecodeUint64()
		if n > math.MaxInt64 {
			return new(big.Int).SetUint64(n), err
		}
		return int64(n), err
	}
	return d.DecodeInt64()
}

func plainMap(d *msgpack.Decoder) (any, error) {
	n, err := d.DecodeMapLen()
	dict := map[string]any{}
	for ; n > 0 && err == nil; n-- {
		var name, item any
		if name, err = plainPacked(d); err != nil {
			break
		}
		item, err = plainPacked(d)
		switch name := name.(type) {
		case string:
			dict[name] = item
		case []byte:
			dict[string(name)] = item
		default: // which Python itself refuses to read
			dict[fmt.Sprint(name)] = item
		}
	}
	return dict, err
}

// timestamp is the one extension that MessagePack itself defines.
const timestamp = -1

func plainExtension(d *msgpack.Decoder) (any, error) {
	raw, err := d.DecodeRaw()
	if err != nil {
		return nil, err
	}
	id, n, err := msgpack.NewDecoder(bytes.NewReader(raw)).DecodeExtHeader()
	if err != nil || n > len(raw) {
		return nil, err
	}
	if id == timestamp {
		return msgpack.NewDecoder(bytes.NewReader(raw)).DecodeTime()
	}
	return []byte(raw[len(raw)-n:]), nil
}

// marshalMessagePack writes what Python's msgpack.dumps does, with the names of
// a dictionary in order. It has no times, which become what isoformat gives.
func marshalMessagePack(data map[string]any) ([]byte, error) {
	var out bytes.Buffer
	err := pack(msgpack.NewEncoder(&out), data, 0)
	return out.Bytes(), err
}

func unpackable(why string) error {
	return fmt.Errorf("msgpack: %w: %s", cloakroom.ErrUnencodable, why)
}

func pack(e *msgpack.Encoder, v any, depth int) error {
	if depth > maxNesting {
		return unpackable("containers nested too deeply")
	}
	switch v := v.(type) {
	case nil:
		return e.EncodeNil()
	case bool:
		return e.EncodeBool(v)
	case int64:
		return e.EncodeInt(v)
	case *big.Int:
		return packBig(e, v)
	case float64:
		return e.EncodeFloat64(v)
	case string:
		if !utf8.ValidString(v) {
			return unpackable("a string that is not UTF-8")
		}
		return e.EncodeString(v)
	case []byte:
		if v == nil {
			v = []byte{}
		}
		return e.EncodeBytes(v)
	case time.Time:
		quoted, err := pyjson.Marshal(v)
		if err != nil {
			return err
		}
		return e.EncodeString(string(quoted[1 : len(quoted)-1]))
	case []any:
		err := e.EncodeArrayLen(len(v))
		for i := 0; i < len(v) && err == nil; i++ {
			err = pack(e, v[i], depth+1)
		}
		return err
	case map[string]any:
		err := e.EncodeMapLen(len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if err == nil {
				err = pack(e, name, depth+1)
			}
			if err == nil {
				err = pack(e, v[name], depth+1)
			}
		}
		return err
	case packed:
		return e.Encode(msgpack.RawMessage(v.text))
	case cloakroom.Value:
		return pack(e, v.Plain(), depth+1)
	}
	return unpackable(fmt.Sprintf("it has no %T", v))
}

func packBig(e *msgpack.Encoder, n *big.Int) error {
	switch {
	case n == nil:
		return e.EncodeNil()
	case n.IsInt64():
		return e.EncodeInt(n.Int64())
	case n.IsUint64():
		return e.EncodeUint(n.Uint64())
	}
	return unpackable("an integer of more than 64 bits")
}
