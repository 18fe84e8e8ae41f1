package pyjson

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Unmarshal reads the JSON object that Django keeps for a session. All of data
// is checked; members that are objects or arrays stay [Raw], the others become
// nil, bool, int64, *big.Int (beyond int64), float64 or string. The last of
// several equal names wins, and bytes from 0x80 up are Latin-1, both as in
// Django. Data is not kept. An error tells the place and no content.
//
// Nesting deeper than 1,000 and integers longer than 4,300 digits are refused,
// as Python does.
func Unmarshal(data []byte) (map[string]any, error) {
	d := decoder{text: string(data)}
	d.space()
	if !d.take('{') {
		return nil, d.error("a session is an object")
	}
	session := make(map[string]any, 12) // what a signed-in user has fits
	err := d.members(func(name string) error {
		start, container := d.pos, d.at('{') || d.at('[')
		value, err := d.value(1, !container)
		if container {
			value = Raw{d.text[start:d.pos]}
		}
		session[name] = value
		return err
	})
	if err != nil {
		return nil, err
	}
	if d.space(); d.pos < len(d.text) {
		return nil, d.error("something follows the object")
	}
	return session, nil
}

// decoder walks through JSON text. It holds the text as a string so that
// strings without escapes, and Raw values, are parts of it and no copies.
type decoder struct {
	text string
	pos  int
}

func (d *decoder) error(what string) error {
	return fmt.Errorf("pyjson: %s (byte %d)", what, d.pos)
}

func (d *decoder) space() {
	for d.at(' ') || d.at('\t') || d.at('\n') || d.at('\r') {
		d.pos++
	}
}

func (d *decoder) at(c byte) bool { return d.pos < len(d.text) && d.text[d.pos] == c }

func (d *decoder) take(c byte) bool {
	if d.at(c) {
		d.pos++
		return true
	}
	return false
}

// value reads one value. Unless it is to build, it only checks, and returns nil.
func (d *decoder) value(depth int, build bool) (any, error) {
	if depth > maxDepth {
		return nil, d.error("nested too deeply")
	}
	if d.pos == len(d.text) {
		return nil, d.error("a value is missing")
	}
	switch d.text[d.pos] {
	case '{':
		return d.object(depth, build)
	case '[':
		return d.array(depth, build)
	case '"':
		s, err := d.string(build)
		if err != nil || !build {
			return nil, err
		}
		return s, nil
	}
	for _, c := range constants {
		if strings.HasPrefix(d.text[d.pos:], c.text) {
			d.pos += len(c.text)
			return c.value, nil
		}
	}
	return d.number(build)
}

var constants = [...]struct {
	text  string
	value any
}{
	{"null", nil},
	{"true", true},
	{"false", false},
	{"NaN", math.NaN()},
	{"Infinity", math.Inf(1)},
	{"-Infinity", math.Inf(-1)},
}

func (d *decoder) object(depth int, build bool) (any, error) {
	d.pos++
	if !build {
		return nil, d.members(func(string) error {
			_, err := d.value(depth+1, false)
			return err
		})
	}
	object := make(map[string]any)
	err := d.members(func(name string) (err error) {
		object[name], err = d.value(depth+1, true)
		return err
	})
	return object, err
}

// members reads the inside of an object up to its closing brace, and has value
// read each member's value.
func (d *decoder) members(value func(name string) error) error {
	if d.space(); d.take('}') {
		return nil
	}
	for {
		if d.space(); !d.at('"') {
			return d.error("a name is missing")
		}
		name, err := d.string(true)
		if err != nil {
			return err
		}
		if d.space(); !d.take(':') {
			return d.error("a colon is missing")
		}
		d.space()
		if err := value(name); err != nil {
			return err
		}
		d.space()
		if d.take('}') {
			return nil
		}
		if !d.take(',') {
			return d.error("a comma or brace is missing")
		}
	}
}

func (d *decoder) array(depth int, build bool) (any, error) {
	d.pos++
	var array []any
	if build {
		array = []any{}
	}
	if d.space(); d.take(']') {
		return array, nil
	}
	for {
		d.space()
		v, err := d.value(depth+1, build)
		if err != nil {
			return nil, err
		}
		if build {
			array = append(array, v)
		}
		d.space()
		if d.take(']') {
			return array, nil
		}
		if !d.take(',') {
			return nil, d.error("a comma or bracket is missing")
		}
	}
}

// number reads -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][-+]?[0-9]+)?
func (d *decoder) number(build bool) (any, error) {
	start := d.pos
	d.take('-')
	digits := d.pos
	if !d.take('0') && !d.digits() {
		return nil, d.error("a value is missing")
	}
	integer := true
	if d.take('.') {
		integer = false
		if !d.digits() {
			return nil, d.error("a digit is missing")
		}
	}
	if d.take('e') || d.take('E') {
		integer = false
		if !d.take('+') {
			d.take('-')
		}
		if !d.digits() {
			return nil, d.error("a digit is missing")
		}
	}
	text := d.text[start:d.pos]
	switch {
	case integer && d.pos-digits > maxDigits:
		return nil, d.error("an integer is too long")
	case !build:
		return nil, nil
	case !integer:
		f, _ := strconv.ParseFloat(text, 64) // out of range is infinite, as in Python
		return f, nil
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	i, _ := new(big.Int).SetString(text, 10)
	return i, nil
}

func (d *decoder) digits() bool {
	start := d.pos
	for d.pos < len(d.text) && d.text[d.pos]-'0' <= 9 {
		d.pos++
	}
	return d.pos > start
}

// string reads a string, from its opening to its closing quote.
func (d *decoder) string(build bool) (string, error) {
	d.pos++
	start := d.pos
	for d.pos < len(d.text) {
		switch c := d.text[d.pos]; {
		case c == '"':
			d.pos++
			return d.text[start : d.pos-1], nil
		case c == '\\' || c >= utf8.RuneSelf:
			return d.escaped(start, build)
		case c < ' ':
			return "", d.error("a control character in a string")
		}
		d.pos++
	}
	return "", d.error("a string does not end")
}

// escaped reads the rest of a string that is not its own text.
func (d *decoder) escaped(start int, build bool) (string, error) {
	var out []byte
	if build {
		out = append(make([]byte, 0, d.pos-start+64), d.text[start:d.pos]...)
	}
	for d.pos < len(d.text) {
		c := d.text[d.pos]
		r := rune(c) // Latin-1
		d.pos++
		switch {
		case c == '"':
			return string(out), nil
		case c < ' ':
			return "", d.error("a control character in a string")
		case c == '\\':
			var ok bool
			if r, ok = d.escape(); !ok {
				return "", d.error("an escape that JSON does not have")
			}
		}
		if build {
			out = appendRune(out, r)
		}
	}
	return "", d.error("a string does not end")
}

// escape reads what follows a backslash.
func (d *decoder) escape() (rune, bool) {
	if d.pos == len(d.text) {
		return 0, false
	}
	c := d.text[d.pos]
	d.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
	default:
		return 0, false
	}
	r, ok := d.hex()
	if !ok || !utf16.IsSurrogate(r) || !strings.HasPrefix(d.text[d.pos:], `\u`) {
		return r, ok
	}
	half := d.pos
	d.pos += 2
	low, ok := d.hex()
	if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
		return pair, ok
	}
	d.pos = half // no pair: each half stands for itself
	return r, true
}

func (d *decoder) hex() (rune, bool) {
	if len(d.text)-d.pos < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(d.text[d.pos : d.pos+4]) {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' <= 'f'-'a':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	d.pos += 4
	return r, true
}

// appendRune is utf8.AppendRune for surrogates too.
func appendRune(out []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(out, r)
}
