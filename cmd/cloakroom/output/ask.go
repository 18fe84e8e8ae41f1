package output

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"
)

// Interactive reports whether somebody is there to answer.
func (o *Output) Interactive() bool { return isTerminal(o.In) && isTerminal(o.Err) }

// Confirm asks a question that is answered by yes, and by no otherwise.
func (o *Output) Confirm(question string) (bool, error) {
	fmt.Fprint(o.Err, question+" [yes/no] ")
	answer, err := o.Line()
	return strings.EqualFold(answer, "yes"), err
}

// Password asks for a password without showing it, or reads it from the first
// line of In where nobody is asked.
func (o *Output) Password(prompt string) (string, error) {
	if !o.Interactive() {
		return o.Line()
	}
	fmt.Fprint(o.Err, prompt+": ")
	password, err := term.ReadPassword(int(o.In.Fd()))
	fmt.Fprintln(o.Err)
	return string(password), err
}

// maxLine bounds a line of In.
const maxLine = 1 << 20

// Line reads the first line of In.
func (o *Output) Line() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(o.In, maxLine)).ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}
