package output

import (
	"bufio"
	"encoding/json"
)

// Array is a JSON document that is an array, written item by item. Close it, also
// after an error, so that it is a whole document.
type Array struct {
	out  *bufio.Writer
	used bool
}

// Array begins the one JSON document.
func (o *Output) Array() *Array { return &Array{out: bufio.NewWriter(o.Out)} }

// Add writes an item, on a line of its own.
func (a *Array) Add(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	before := ",\n "
	if !a.used {
		before, a.used = "[", true
	}
	a.out.WriteString(before)
	_, err = a.out.Write(text)
	return err
}

// Close ends the document.
func (a *Array) Close() error {
	end := "]\n"
	if !a.used {
		end = "[]\n"
	}
	a.out.WriteString(end)
	return a.out.Flush()
}
