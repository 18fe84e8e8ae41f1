package pickle

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Protocol 0 is made of lines of text.

func (d *decoder) line() part {
	n := strings.IndexByte(d.text[d.pos:], '\n')
	if n < 0 {
		d.fail(errTruncated)
		return part{}
	}
	p := d.take(uint64(n))
	d.pos++
	return p
}

func (d *decoder) index() uint64 {
	i, err := strconv.ParseUint(d.in(d.line()), 10, 64)
	if err != nil {
		d.fail(errNumber)
	}
	return i
}

func (d *decoder) textInt() {
	switch text := d.in(d.line()); text {
	case "00":
		d.push(d.add(kindFalse, 0, 0))
	case "01":
		d.push(d.add(kindTrue, 0, 0))
	default:
		d.decimal(text)
	}
}

func (d *decoder) textLong() { d.decimal(strings.TrimSuffix(d.in(d.line()), "L")) }

func (d *decoder) decimal(text string) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		d.push(d.addInt(i))
		return
	}
	i, ok := new(big.Int), false
	if len(strings.TrimPrefix(text, "-")) <= maxDigits {
		i, ok = i.SetString(text, 10)
	}
	if !ok {
		d.fail(errNumber)
		return
	}
	d.push(d.addBig(i))
}

func (b *builder) addBig(i *big.Int) ref {
	if i.IsInt64() {
		return b.addInt(i.Int64())
	}
	return b.addText(kindBig, string(appendLong(nil, i)))
}

func (d *decoder) textFloat() {
	f, err := strconv.ParseFloat(d.in(d.line()), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // Python reads 1e999 as infinite, too
		d.fail(errNumber)
	}
	d.push(d.addFloat(f))
}

func (d *decoder) textStr() {
	line := d.line()
	text := d.in(line)
	if isASCII(text) && strings.IndexByte(text, '\\') < 0 {
		d.push(d.add(kindStr, line.at, line.size))
		return
	}
	decoded, ok := rawUnicodeUnescape(text)
	if !ok {
		d.fail(errString)
	}
	d.push(d.addText(kindStr, decoded))
}

// global reads the two lines that name a class or function.
func (d *decoder) global() ref {
	module, name := d.line(), d.line()
	if !utf8.ValidString(d.in(module)) || !utf8.ValidString(d.in(name)) {
		d.fail(errString)
	}
	if d.protocol < 3 {
		if m, n := fromPython2(d.in(module), d.in(name)); m != d.in(module) || n != d.in(name) {
			return d.addGlobal(d.addText(kindStr, m), d.addText(kindStr, n))
		}
	}
	return d.addGlobal(d.add(kindStr, module.at, module.size), d.add(kindStr, name.at, name.size))
}

// rawUnicodeUnescape decodes Python's raw-unicode-escape: Latin-1 with \uXXXX
// and \UXXXXXXXX.
func rawUnicodeUnescape(text string) (string, bool) {
	out := make([]byte, 0, len(text)+16)
	for i := 0; i < len(text); i++ {
		digits := 0
		if text[i] == '\\' && i+1 < len(text) {
			switch text[i+1] {
			case 'u':
				digits = 4
			case 'U':
				digits = 8
			default:
				out = append(out, '\\')
				i++
			}
		}
		if digits == 0 {
			out = appendRune(out, rune(text[i]))
			continue
		}
		i++
		if len(text)-i <= digits {
			return "", false
		}
		r, err := strconv.ParseUint(text[i+1:i+1+digits], 16, 32)
		if err != nil || r > utf8.MaxRune {
			return "", false
		}
		out = appendRune(out, rune(r))
		i += digits
	}
	return string(out), true
}

// appendRune is utf8.AppendRune for halves of surrogate pairs too.
func appendRune(dst []byte, r rune) []byte {
	if r >= 0xD800 && r < 0xE000 {
		return append(dst, 0xED, 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
	}
	return utf8.AppendRune(dst, r)
}

// nextRune is utf8.DecodeRuneInString for halves of surrogate pairs too. A size
// of 0 means that s begins with neither.
func nextRune(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r != utf8.RuneError || size > 1 {
		return r, size
	}
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return 0, 0
}

// validStr reports whether s is what a Python str can be: UTF-8, with halves of
// surrogate pairs.
func validStr(s string) bool {
	if utf8.ValidString(s) {
		return true
	}
	for len(s) > 0 {
		_, size := nextRune(s)
		if size == 0 {
			return false
		}
		s = s[size:]
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// appendRawUnicode is the inverse of rawUnicodeUnescape, escaping what would end
// the line and what Python's pickler escapes.
func appendRawUnicode(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for len(s) > 0 {
		r, size := nextRune(s)
		s = s[size:]
		switch {
		case r > 0xFFFF:
			dst = append(dst, '\\', 'U')
			for shift := 28; shift >= 0; shift -= 4 {
				dst = append(dst, hex[r>>shift&0xF])
			}
		case r > 0xFF || r == '\\' || r == 0 || r == '\n' || r == '\r' || r == 0x1A:
			dst = append(dst, '\\', 'u', hex[r>>12], hex[r>>8&0xF], hex[r>>4&0xF], hex[r&0xF])
		default:
			dst = append(dst, byte(r))
		}
	}
	return dst
}

// appendLatin1 encodes s in Latin-1, if it can be.
func appendLatin1(dst []byte, s string) ([]byte, bool) {
	for _, r := range s {
		if r > 0xFF {
			return dst, false
		}
		dst = append(dst, byte(r))
	}
	return dst, true
}

// fromLatin1 decodes Latin-1.
func fromLatin1(s string) string {
	if isASCII(s) {
		return s
	}
	out := make([]byte, 0, len(s)+len(s)/2)
	for i := range len(s) {
		out = utf8.AppendRune(out, rune(s[i]))
	}
	return string(out)
}
