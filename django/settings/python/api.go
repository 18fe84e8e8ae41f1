package python

import (
	"iter"
	"maps"
)

// What those outside need of values.

// WhyUnknown returns why v cannot be known; nil if it can.
func WhyUnknown(v Value) *Unknown { return unknown(v) }

// Sequence returns the items of a tuple, a list or a set.
func Sequence(v Value) ([]Value, bool) {
	switch v.(type) {
	case Tuple, *List, *Set:
		return elements(v)
	}
	return nil, false
}

// Repr shows a key as Python writes it.
func Repr(v Value) string { return display(v) }

// Set puts a value under a string key.
func (d *Dict) Set(key string, value Value) { d.set(Str(key), value) }

// Arg is the argument at i, or of that name; nil if there is none.
func (c Call) Arg(i int, name string) Value { return c.arg(i, name, nil) }

// Names are all names that are set.
func (n *Namespace) Names() iter.Seq[string] { return maps.Keys(n.names) }

// Imports are the modules that the files of this reading import from.
func (n *Namespace) Imports() iter.Seq[string] { return maps.Keys(n.run.imported) }
