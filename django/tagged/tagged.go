// Package tagged reads and writes sessions as JSON for people and scripts, in
// which what JSON lacks has a tag; see [pickle.Tag].
package tagged

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// Marshal returns a session as one JSON object, on one line of ASCII. The names
// are in order.
func Marshal(session map[string]any) ([]byte, error) {
	t, err := pickle.Tag(session)
	if err != nil {
		return nil, err
	}
	return pyjson.Marshal(t)
}

// Unmarshal is the inverse of [Marshal]. It takes any JSON in UTF-8.
func Unmarshal(text []byte) (map[string]any, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	return pickle.Untag(v)
}

// UnmarshalValue reads one value of a session.
func UnmarshalValue(text []byte) (any, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	return pickle.UntagValue(v)
}

// parse reads by pyjson: half a surrogate pair, which Python's strings may hold,
// is nothing that encoding/json would keep.
func parse(text []byte) (any, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	object, err := pyjson.Unmarshal(append(ascii([]byte(`{"":`), text), '}'))
	if err != nil {
		return nil, err
	}
	if raw, ok := object[""].(pyjson.Raw); ok {
		return raw.Plain(), nil
	}
	return object[""], nil
}

func check(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("it is not in UTF-8")
	}
	var v json.RawMessage
	if err := json.Unmarshal(text, &v); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return fmt.Errorf("it is no JSON from byte %d on", syntax.Offset)
		}
		return errors.New("it is no JSON")
	}
	return nil
}

// ascii appends JSON with everything else escaped: pyjson reads bytes.
func ascii(dst, text []byte) []byte {
	for _, r := range string(text) {
		switch {
		case r < utf8.RuneSelf:
			dst = append(dst, byte(r))
		case r < 0x10000:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
		}
	}
	return dst
}
