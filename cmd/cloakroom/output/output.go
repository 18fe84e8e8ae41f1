// Package output is what the command says: to people in a terminal, to a pipe, and
// as JSON.
package output

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// Output is where a command reads and writes. What a command is asked for goes
// to Out, what it has to say beside it to Err.
type Output struct {
	In, Out, Err *os.File
	JSON         bool // Out gets one JSON document and nothing else
	unsaid       error
}

// Document writes the one JSON document.
func (o *Output) Document(v any) error {
	encoder := json.NewEncoder(o.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// Say writes a line to people, and nothing where JSON is asked for.
func (o *Output) Say(format string, args ...any) {
	if o.JSON {
		return
	}
	_, err := fmt.Fprintf(o.Out, format+"\n", args...)
	o.unsaid = cmp.Or(o.unsaid, err)
}

// Unsaid is why a line of Say's could not be written; nil if all were.
func (o *Output) Unsaid() error { return o.unsaid }

// Note writes a line beside the answer.
func (o *Output) Note(format string, args ...any) {
	fmt.Fprintf(o.Err, "cloakroom: "+format+"\n", args...)
}

// Style is how text looks in a terminal.
type Style string

// Styles, as terminals number them.
const (
	Bold   Style = "1"
	Faint  Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
)

// Styled returns text for Out, in a style if people look at it; see
// https://no-color.org.
func (o *Output) Styled(style Style, text string) string {
	if text == "" || o.JSON || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !isTerminal(o.Out) {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Clean returns text that is safe in a terminal, on one line: anybody may have
// written what a session holds.
func Clean(text string) string {
	if strings.IndexFunc(text, unsafe) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unsafe(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// ReadAll reads all of In, at most limit bytes.
func (o *Output) ReadAll(limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(o.In, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("standard input has more than %d bytes", limit)
	}
	return data, err
}

func isTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// width is how wide people see Out; 0 where there is no limit.
func (o *Output) width() int {
	if !isTerminal(o.Out) {
		return 0
	}
	width, _, err := term.GetSize(int(o.Out.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// Binary writes bytes to Out, though not to somebody's terminal.
func (o *Output) Binary(data []byte) error {
	if isTerminal(o.Out) {
		return errors.New("binary data is not for a terminal: send it into a file or a pipe")
	}
	_, err := o.Out.Write(data)
	return err
}
