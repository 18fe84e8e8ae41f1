package python

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	endOfFile kind = iota
	newline        // the end of a logical line
	indent
	dedent
	name    // an identifier or a keyword
	number  // as written
	text    // a string or bytes literal, as written
	op      // an operator or a bracket
	invalid // what is no token of Python's, with the reason as its text
)

type token struct {
	kind   kind
	text   string
	line   int
	source string // of what is no token
}

// operators, longest first.
var operators = []string{
	"**=", "//=", ">>=", "<<=", "...",
	"**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->", ":=", "<>",
	"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=",
	"+", "-", "*", "/", "%", "@", "&", "|", "^", "~", "<", ">",
	"(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=",
}

// scanner splits a file into tokens. It never fails: what it does not know is an
// invalid token, for the parser to get over.
type scanner struct {
	source  string
	at      int
	line    int
	open    int // brackets not closed yet, in which lines do not end
	indents []int
	tokens  []token
}

func scan(source string) []token {
	source = strings.TrimPrefix(source, "\ufeff")
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	s := &scanner{source: source, line: 1, indents: []int{0}}
	for s.at < len(s.source) {
		if s.open == 0 && (s.at == 0 || s.source[s.at-1] == '\n') && !s.continued() {
			s.indentation()
		}
		s.next()
	}
	s.endLine()
	for range s.indents[1:] {
		s.add(dedent, "")
	}
	s.add(endOfFile, "")
	return s.tokens
}

func (s *scanner) add(k kind, text string) {
	s.tokens = append(s.tokens, token{kind: k, text: text, line: s.line})
}

// continued says whether the line before ended in a backslash.
func (s *scanner) continued() bool {
	return s.at >= 2 && s.source[s.at-2] == '\\' && s.lastKind() != newline
}

func (s *scanner) lastKind() kind {
	if len(s.tokens) == 0 {
		return newline
	}
	return s.tokens[len(s.tokens)-1].kind
}

// endLine ends a logical line, unless nothing is on it.
func (s *scanner) endLine() {
	if k := s.lastKind(); k != newline && k != indent && k != dedent {
		s.add(newline, "")
	}
}

// indentation compares the start of a line with the lines around; lines that are
// empty or hold a comment only do not count.
func (s *scanner) indentation() {
	width, at := 0, s.at
	for ; at < len(s.source); at++ {
		switch s.source[at] {
		case ' ':
			width++
			continue
		case '\t':
			width += 8 - width%8
			continue
		case '\f':
			width = 0
			continue
		}
		break
	}
	s.at = at
	if at == len(s.source) || s.source[at] == '\n' || s.source[at] == '#' {
		return
	}
	top := func() int { return s.indents[len(s.indents)-1] }
	if width > top() {
		s.indents = append(s.indents, width)
		s.add(indent, "")
		return
	}
	for width < top() {
		s.indents = s.indents[:len(s.indents)-1]
		s.add(dedent, "")
	}
	if width > top() { // between two levels
		s.indents = append(s.indents, width)
		s.add(indent, "")
		s.add(invalid, "inconsistent indentation")
	}
}

func (s *scanner) next() {
	if s.at >= len(s.source) {
		return
	}
	rest := s.source[s.at:]
	c := rest[0]
	switch {
	case c == '\n':
		s.at++
		if s.open == 0 {
			s.endLine()
		}
		s.line++
	case c == ' ' || c == '\t' || c == '\f':
		s.at++
	case c == '\\' && strings.HasPrefix(rest, "\\\n"):
		s.at += 2
		s.line++
	case c == '#':
		end := strings.IndexByte(rest, '\n')
		if end < 0 {
			end = len(rest)
		}
		s.at += end
	case c >= '0' && c <= '9' || c == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		s.number(rest)
	default:
		if prefix := stringPrefix(rest); prefix >= 0 {
			s.text(rest, prefix)
			return
		}
		if n := identifier(rest); n > 0 {
			s.add(name, rest[:n])
			s.at += n
			return
		}
		s.operator(rest)
	}
}

func (s *scanner) operator(rest string) {
	for _, o := range operators {
		if o[0] != rest[0] || !strings.HasPrefix(rest, o) {
			continue
		}
		switch o {
		case "(", "[", "{":
			s.open++
		case ")", "]", "}":
			s.open = max(0, s.open-1)
		}
		s.add(op, o)
		s.at += len(o)
		return
	}
	r, n := utf8.DecodeRuneInString(rest)
	s.add(invalid, fmt.Sprintf("the character %q", r))
	s.at += n
}

// number takes letters, digits and a sign after an exponent; what they mean is
// found out by whoever needs the value.
func (s *scanner) number(rest string) {
	n := 1
	for n < len(rest) {
		c := rest[n]
		exponent := (rest[n-1] == 'e' || rest[n-1] == 'E') && !strings.HasPrefix(rest, "0x") && !strings.HasPrefix(rest, "0X")
		if c != '.' && c != '_' && !isLetterOrDigit(c) && !(exponent && (c == '+' || c == '-')) {
			break
		}
		n++
	}
	s.add(number, rest[:n])
	s.at += n
}

// stringPrefix returns the length of what stands before the quote that opens a
// string, or -1 if there is no string.
func stringPrefix(rest string) int {
	for i := 0; i < len(rest) && i <= 2; i++ {
		switch rest[i] {
		case '"', '\'':
			return i
		case 'r', 'R', 'b', 'B', 'u', 'U', 'f', 'F':
			continue
		}
		break
	}
	return -1
}

func (s *scanner) text(rest string, prefix int) {
	quote := rest[prefix : prefix+1]
	if strings.HasPrefix(rest[prefix:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	for i := prefix + len(quote); i < len(rest); i++ {
		switch {
		case rest[i] == '\\':
			i++
		case rest[i] == '\n' && len(quote) == 1:
			s.unended(rest[:i])
			return
		case strings.HasPrefix(rest[i:], quote):
			i += len(quote)
			s.add(text, rest[:i])
			s.line += strings.Count(rest[:i], "\n")
			s.at += i
			return
		}
	}
	s.unended(rest)
}

// unended is a string without its end: to the end of the line, or of the file.
func (s *scanner) unended(source string) {
	s.add(invalid, "a string without its end")
	s.tokens[len(s.tokens)-1].source = source
	s.line += strings.Count(source, "\n")
	s.at += len(source)
}

func identifier(rest string) int {
	for i, r := range rest {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.IsMark(r)) {
			return i
		}
	}
	return len(rest)
}

func isLetterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
