package pyjson

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cloakroom-go/cloakroom"
)

// Marshal writes v as Python's json.dumps(v, separators=(",", ":")) does, with
// the names of an object in order so that equal dictionaries give equal bytes.
//
// It takes the plain values of cloakroom.Record and whatever implements
// cloakroom.Value. JSON has neither bytes nor times: []byte becomes a base64
// string, and time.Time what Python's isoformat gives, to the microsecond. What
// cannot be written matches cloakroom.ErrUnencodable.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append is [Marshal] into a buffer: it appends to dst and returns the result.
func Append(dst []byte, v any) ([]byte, error) { return appendValue(dst, v, 0) }

func appendValue(dst []byte, v any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, unencodable("containers nested too deeply")
	}
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case Raw:
		if v.text == "" {
			return append(dst, "null"...), nil
		}
		return append(dst, v.text...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case *big.Int:
		return appendBig(dst, v)
	case float64:
		return appendFloat(dst, v), nil
	case string:
		return appendString(dst, v)
	case []byte:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v)
		return append(dst, '"'), nil
	case time.Time:
		return appendTime(dst, v)
	case []any:
		return appendArray(dst, v, depth)
	case map[string]any:
		return appendObject(dst, v, depth)
	case cloakroom.Value:
		return appendValue(dst, v.Plain(), depth+1)
	}
	return dst, unencodable(fmt.Sprintf("JSON has no %T", v))
}

func unencodable(why string) error {
	return fmt.Errorf("pyjson: %w: %s", cloakroom.ErrUnencodable, why)
}

func appendArray(dst []byte, array []any, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for i, v := range array {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendValue(dst, v, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendObject(dst []byte, object map[string]any, depth int) (_ []byte, err error) {
	names := make([]string, 0, 16) // on the stack, for most
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendString(dst, name); err != nil {
			return dst, err
		}
		dst = append(dst, ':')
		if dst, err = appendValue(dst, object[name], depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func appendBig(dst []byte, i *big.Int) ([]byte, error) {
	if i == nil {
		return append(dst, "null"...), nil
	}
	// The bit length bounds the work before the digits are counted.
	if i.BitLen() <= maxDigits*4 {
		if text := i.Append(nil, 10); len(text) <= maxDigits {
			return append(dst, text...), nil
		}
	}
	return dst, unencodable("an integer that Python refuses to read")
}

// appendFloat writes what Python's repr does: the shortest digits that read
// back as the same number, with an exponent below 1e-4 and from 1e16 up.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if !slices.Contains(dst[start:], '.') {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendTime writes what Python's datetime.isoformat does.
func appendTime(dst []byte, t time.Time) ([]byte, error) {
	if t.Year() < 1 || t.Year() > 9999 {
		return dst, unencodable("a time outside the years 1 to 9999")
	}
	layout := `"2006-01-02T15:04:05.000000`
	if t.Nanosecond() < 1000 {
		layout = `"2006-01-02T15:04:05`
	}
	dst = t.AppendFormat(dst, layout)
	if _, offset := t.Zone(); offset%60 != 0 {
		return t.AppendFormat(dst, `-07:00:00"`), nil
	}
	return t.AppendFormat(dst, `-07:00"`), nil
}

const hexDigits = "0123456789abcdef"

func appendString(dst []byte, s string) ([]byte, error) {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c <= '~' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		if c < utf8.RuneSelf {
			dst = appendASCII(dst, c)
			i++
		} else {
			r, size := decodeRune(s[i:])
			if size == 0 {
				return dst, unencodable("a string that is not UTF-8")
			}
			if r >= 0x10000 {
				r -= 0x10000
				dst = appendUnit(dst, 0xD800+r>>10)
				r = 0xDC00 + r&0x3FF
			}
			dst = appendUnit(dst, r)
			i += size
		}
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"'), nil
}

// decodeRune is utf8.DecodeRuneInString for surrogates too. A size of 0 means
// that s begins with neither.
func decodeRune(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r != utf8.RuneError || size > 1 {
		return r, size
	}
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return 0, 0
}

func appendASCII(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return appendUnit(dst, rune(c))
}

// appendUnit writes one UTF-16 code unit.
func appendUnit(dst []byte, u rune) []byte {
	return append(dst, '\\', 'u',
		hexDigits[u>>12&0xF], hexDigits[u>>8&0xF], hexDigits[u>>4&0xF], hexDigits[u&0xF])
}
