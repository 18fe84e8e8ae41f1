package python

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func parseNumber(s string, line int) Value {
	low := strings.ToLower(strings.ReplaceAll(s, "_", ""))
	if strings.Contains(s, "__") || strings.HasSuffix(s, "_") {
		return &Unknown{Why: "the number " + s + " is not understood", Place: Place{Line: line}}
	}
	if strings.HasPrefix(low, "0") && strings.Trim(low, "0123456789") == "" && strings.Trim(low, "0") != "" {
		return &Unknown{Why: "the number " + s + " is octal in Python 2 and an error in Python 3", Place: Place{Line: line}}
	}
	if n, ok := new(big.Int).SetString(low, 0); ok {
		if n.IsInt64() {
			return Int(n.Int64())
		}
		return &Unknown{Why: "a number is too large", Place: Place{Line: line}}
	}
	if strings.HasSuffix(low, "l") || strings.HasSuffix(low, "j") || strings.HasPrefix(low, "0x") {
		return &Unknown{Why: "the number " + s + " is not understood", Place: Place{Line: line}}
	}
	if f, err := strconv.ParseFloat(low, 64); err == nil {
		return Float(f)
	}
	return &Unknown{Why: "the number " + s + " is not understood", Place: Place{Line: line}}
}

// strings reads literals that stand beside each other, which are one.
func (p *parser) strings() expression {
	line := p.here()
	var parts []part
	isBytes, first, odd := false, true, false
	for p.peek().kind == text {
		t := p.peek()
		n := strings.IndexAny(t.text, `'"`)
		prefix, body := strings.ToLower(t.text[:n]), t.text[n:]
		quote := body[:1]
		if strings.HasPrefix(body, strings.Repeat(quote, 3)) {
			quote = strings.Repeat(quote, 3)
		}
		body = body[len(quote) : len(body)-len(quote)]
		inBytes, raw := strings.Contains(prefix, "b"), strings.Contains(prefix, "r")
		if !slices.Contains([]string{"", "r", "u", "b", "br", "rb", "f", "fr", "rf"}, prefix) || !first && inBytes != isBytes {
			p.fail()
		}
		isBytes, first = inBytes, false
		if strings.Contains(prefix, "f") {
			parts = append(parts, p.formatted(body, raw, t.line, 0)...)
		} else {
			plain, ok := unescape(body, raw, inBytes)
			if !ok {
				odd = true
			}
			parts = append(parts, part{text: plain})
		}
		p.take()
	}
	if odd {
		return &opaque{line, "a text with an escape that is not understood"}
	}
	var whole strings.Builder
	for _, part := range parts {
		if part.value != nil {
			return &formatted{line, parts}
		}
		whole.WriteString(part.text)
	}
	if isBytes {
		return &literal{line, Bytes(whole.String())}
	}
	return &literal{line, Str(whole.String())}
}

var escapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b",
	'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape replaces what stands behind backslashes; false if it is not understood,
// such as \N{a character's name}.
func unescape(s string, raw, inBytes bool) (string, bool) {
	if raw || !strings.Contains(s, `\`) {
		return s, true
	}
	var b strings.Builder
	for s != "" {
		at := strings.IndexByte(s, '\\')
		if at < 0 || at+1 == len(s) {
			break
		}
		b.WriteString(s[:at])
		s = s[at+1:]
		digits, base := 0, 16
		switch c := s[0]; {
		case c >= '0' && c <= '7':
			for digits < min(3, len(s)) && s[digits] >= '0' && s[digits] <= '7' {
				digits++
			}
			base = 8
		case c == 'x':
			digits, s = 2, s[1:]
		case c == 'u' && !inBytes:
			digits, s = 4, s[1:]
		case c == 'U' && !inBytes:
			digits, s = 8, s[1:]
		case c == 'N' && !inBytes:
			return "", false
		default:
			plain, ok := escapes[c]
			if !ok {
				plain = s[:1]
				b.WriteByte('\\')
			}
			b.WriteString(plain)
			s = s[1:]
			continue
		}
		if digits > len(s) {
			return "", false
		}
		code, err := strconv.ParseUint(s[:digits], base, 32)
		switch {
		case err != nil:
			return "", false
		case inBytes:
			b.WriteByte(byte(code))
		case code <= utf8.MaxRune && utf8.ValidRune(rune(code)):
			b.WriteRune(rune(code))
		default:
			return "", false
		}
		s = s[digits:]
	}
	return b.String() + s, true
}

func (p *parser) unescape(s string, raw bool) string {
	plain, ok := unescape(s, raw, false)
	if !ok {
		p.fail()
	}
	return plain
}

// formatted reads what an f-string holds.
func (p *parser) formatted(s string, raw bool, line, depth int) []part {
	if depth > 2 {
		p.fail()
	}
	var all []part
	var plain strings.Builder
	for s != "" {
		at := strings.IndexAny(s, "{}")
		if at < 0 {
			break
		}
		plain.WriteString(s[:at])
		brace := s[at : at+1]
		s = s[at+1:]
		if strings.HasPrefix(s, brace) && depth == 0 {
			plain.WriteString(brace)
			s = s[1:]
			continue
		}
		if brace == "}" {
			p.fail()
		}
		all = append(all, part{text: p.unescape(plain.String(), raw)})
		plain.Reset()
		field, length := p.field(s, raw, line, depth)
		all = append(all, field)
		s = s[length:]
	}
	return append(all, part{text: p.unescape(plain.String()+s, raw)})
}

// field reads one {…} of an f-string, and how long it is.
func (p *parser) field(s string, raw bool, line, depth int) (part, int) {
	end := fieldEnd(s)
	if end < 0 {
		p.fail()
	}
	inner := &parser{tokens: scan("(" + s[:end] + ")"), depth: p.depth}
	for i := range inner.tokens {
		inner.tokens[i].line = line
	}
	f := part{value: inner.expressionList()}
	if inner.peek().kind != newline {
		p.fail()
	}
	rest := s[end:]
	if strings.HasPrefix(rest, "!") && len(rest) > 1 {
		f.conversion, rest = rest[1:2], rest[2:]
	}
	if strings.HasPrefix(rest, ":") {
		end, open := 1, 0
		for ; end < len(rest) && (rest[end] != '}' || open > 0); end++ {
			switch rest[end] {
			case '{':
				open++
			case '}':
				open--
			}
		}
		if end == len(rest) {
			p.fail()
		}
		f.spec = p.formatted(rest[1:end], raw, line, depth+1)
		rest = rest[end:]
	}
	if !strings.HasPrefix(rest, "}") {
		p.fail()
	}
	return f, len(s) - len(rest) + 1
}

// fieldEnd finds where the expression of a field ends: at }, !r or a colon that is
// in no brackets and no string.
func fieldEnd(s string) int {
	open := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'', '"':
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				return -1
			}
			i += end + 1
		case '(', '[', '{':
			open++
		case ')', ']':
			open--
		case '}':
			if open == 0 {
				return i
			}
			open--
		case ':':
			if open == 0 {
				return i
			}
		case '!':
			if open == 0 && !strings.HasPrefix(s[i:], "!=") {
				return i
			}
		}
	}
	return -1
}

// repr writes v as Python's repr does; false if it cannot be known.
func (r *run) repr(v Value, depth int) (string, bool) {
	r.step(1)
	if depth > maxDepth || unknown(v) != nil {
		return "", false
	}
	list := func(open string, items []Value, end string) (string, bool) {
		var b strings.Builder
		b.WriteString(open)
		for i, item := range items {
			s, ok := r.repr(item, depth+1)
			if !ok {
				return "", false
			}
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(s)
			r.bound(b.Len())
		}
		return b.String() + end, true
	}
	switch v := v.(type) {
	case Str:
		return quote(string(v)), true
	case Path:
		return "PosixPath(" + quote(string(v)) + ")", true
	case Tuple:
		if len(v) == 1 {
			return list("(", v, ",)")
		}
		return list("(", v, ")")
	case *List:
		return list("[", v.Items, "]")
	case *Dict:
		var b strings.Builder
		for i, item := range v.items {
			key, ok := r.repr(item.Key, depth+1)
			value, ok2 := r.repr(item.Value, depth+1)
			if !ok || !ok2 {
				return "", false
			}
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(key + ": " + value)
			r.bound(b.Len())
		}
		return "{" + b.String() + "}", true
	}
	return str(v)
}

// str writes a plain value as Python's str does.
func str(v Value) (string, bool) {
	switch v := v.(type) {
	case None:
		return "None", true
	case Bool:
		if v {
			return "True", true
		}
		return "False", true
	case Int:
		return strconv.FormatInt(int64(v), 10), true
	case Float:
		return floatString(float64(v)), true
	case Str:
		return string(v), true
	case Path:
		return string(v), true
	}
	return "", false
}

func floatString(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if plain := strconv.FormatFloat(f, 'f', -1, 64); f == 0 || abs(f) >= 1e-4 && abs(f) < 1e16 {
		s = plain
		if !strings.Contains(s, ".") {
			s += ".0"
		}
	}
	return strings.TrimPrefix(strings.ToLower(s), "+")
}

func abs(f float64) float64 {
	if f < 0 {
		return -f
	}
	return f
}

func quote(s string) string {
	q := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = `"`
	}
	var b strings.Builder
	b.WriteString(q)
	for _, c := range s {
		switch {
		case c == '\\' || string(c) == q:
			b.WriteString(`\` + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String() + q
}
