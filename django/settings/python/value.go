package python

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Value is a value of Python's: None, Bool, Int, Float, Str, Bytes, Tuple, *List,
// *Dict, *Set, Path, *Function, *Module or *Unknown.
type Value any

type (
	None  struct{}
	Bool  bool
	Int   int64 // a larger one is unknown
	Float float64
	Str   string
	Bytes string
	Tuple []Value
	Path  string // a pathlib.Path
)

// Unknown is a value that cannot be known without running the file.
type Unknown struct {
	Why  string
	Mend string // what can be done about it, where that is special
	Place
}

// List is a list, which several names may share.
type List struct {
	Items   []Value
	spoiled *Unknown // what made its content unknowable
}

// Set is a set. Its items are in the order in which they were added.
type Set struct{ Dict }

// Dict is a dictionary, in the order of its keys' insertion.
type Dict struct {
	items   []Item
	index   map[string]int
	spoiled *Unknown
}

// Item is one of a dictionary's items.
type Item struct{ Key, Value Value }

// Items returns the dictionary's items in order.
func (d *Dict) Items() []Item { return d.items }

// Get returns the value under the string key.
func (d *Dict) Get(key string) (Value, bool) { return d.get(Str(key)) }

func (d *Dict) get(key Value) (Value, bool) {
	k, _ := hash(key)
	if at, ok := d.index[k]; ok {
		return d.items[at].Value, true
	}
	return nil, false
}

// set reports false if the key cannot be one.
func (d *Dict) set(key, value Value) bool {
	k, ok := hash(key)
	if !ok {
		return false
	}
	if at, ok := d.index[k]; ok {
		d.items[at].Value = value
		return true
	}
	if d.index == nil {
		d.index = map[string]int{}
	}
	d.index[k] = len(d.items)
	d.items = append(d.items, Item{key, value})
	return true
}

func (d *Dict) delete(key Value) bool {
	k, _ := hash(key)
	at, ok := d.index[k]
	if !ok {
		return false
	}
	d.items = slices.Delete(d.items, at, at+1)
	delete(d.index, k)
	for other, i := range d.index {
		if i > at {
			d.index[other] = i - 1
		}
	}
	return true
}

// maxKey bounds the keys of dictionaries, in bytes.
const maxKey = 4096

// hash is the same for keys that are the same to Python: 1, 1.0 and True. It reports
// false for what cannot be a key.
func hash(key Value) (string, bool) { return hashAt(key, 0) }

func hashAt(key Value, depth int) (string, bool) {
	switch key := key.(type) {
	case None:
		return "None", true
	case Bool:
		if key {
			return "n1", true
		}
		return "n0", true
	case Int:
		return "n" + strconv.FormatInt(int64(key), 10), true
	case Float:
		if f := float64(key); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return "n" + strconv.FormatInt(int64(f), 10), true
		}
		return "f" + strconv.FormatFloat(float64(key), 'g', -1, 64), true
	case Str:
		return "s" + string(key[:min(len(key), maxKey)]), len(key) <= maxKey
	case Bytes:
		return "b" + string(key[:min(len(key), maxKey)]), len(key) <= maxKey
	case Path:
		return "p" + string(key[:min(len(key), maxKey)]), len(key) <= maxKey
	case Tuple:
		var b strings.Builder
		b.WriteString("t")
		for _, item := range key {
			h, ok := hashAt(item, depth+1)
			if !ok || depth > 20 || b.Len() > maxKey {
				return "", false
			}
			fmt.Fprintf(&b, "%d:%s", len(h), h)
		}
		return b.String(), true
	}
	return "", false
}

// TypeName is Python's name of the value's type.
func TypeName(v Value) string {
	switch v.(type) {
	case None:
		return "None"
	case Bool:
		return "bool"
	case Int:
		return "int"
	case Float:
		return "float"
	case Str:
		return "str"
	case Bytes:
		return "bytes"
	case Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Dict:
		return "dict"
	case *Set:
		return "set"
	case Path:
		return "Path"
	case *Function:
		return "function"
	case *Module:
		return "module"
	case Delta:
		return "timedelta"
	case *file:
		return "file"
	case *scope:
		return "globals"
	}
	return "object"
}

// unknown returns why v cannot be known, nil if it can.
func unknown(v Value) *Unknown {
	switch v := v.(type) {
	case *Unknown:
		return v
	case *List:
		return v.spoiled
	case *Dict:
		return v.spoiled
	case *Set:
		return v.spoiled
	}
	return nil
}

// known passes v on, or what made it unknowable.
func known(v Value) Value {
	if u := unknown(v); u != nil {
		return u
	}
	return v
}

// spoil makes what v holds unknowable, for all who share it.
func spoil(v Value, u *Unknown) {
	switch v := v.(type) {
	case *List:
		v.spoiled = u
	case *Dict:
		v.spoiled = u
	case *Set:
		v.spoiled = u
	}
}

// truth says whether v counts as true; of what is unknown, nobody knows.
func truth(v Value) (yes bool, u *Unknown) {
	switch v := v.(type) {
	case None:
		return false, nil
	case Bool:
		return bool(v), nil
	case Int:
		return v != 0, nil
	case Float:
		return v != 0, nil
	case Str:
		return v != "", nil
	case Bytes:
		return v != "", nil
	case Tuple:
		return len(v) > 0, nil
	case *List:
		return len(v.Items) > 0, v.spoiled
	case *Dict:
		return len(v.items) > 0, v.spoiled
	case *Set:
		return len(v.items) > 0, v.spoiled
	case *Unknown:
		return false, v
	}
	return true, nil
}

// elements is what a loop over v yields, at its cost.
func (r *run) elements(v Value) ([]Value, bool) {
	switch v := v.(type) {
	case Str:
		r.step(len(v) / 4)
	case *Dict:
		r.step(len(v.items) / 4)
	case *Set:
		r.step(len(v.items) / 4)
	}
	return elements(v)
}

// elements returns what a loop over v yields.
func elements(v Value) ([]Value, bool) {
	switch v := v.(type) {
	case Tuple:
		return v, true
	case *List:
		return v.Items, true
	case *Set:
		return v.keys(), true
	case *Dict:
		return v.keys(), true
	case Str:
		var all []Value
		for _, r := range v {
			all = append(all, Str(r))
		}
		return all, true
	}
	return nil, false
}

func (d *Dict) keys() []Value {
	all := make([]Value, len(d.items))
	for i, item := range d.items {
		all[i] = item.Key
	}
	return all
}

func numeric(v Value) (f float64, i int64, whole, ok bool) {
	switch v := v.(type) {
	case Bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case Int:
		return float64(v), int64(v), true, true
	case Float:
		return float64(v), 0, false, true
	}
	return 0, 0, false, false
}

// equal compares as == does.
func (r *run) equal(x, y Value) (same bool, u *Unknown) {
	return r.equalAt(x, y, 0)
}

func (r *run) equalAt(x, y Value, depth int) (bool, *Unknown) {
	r.step(1)
	if depth > maxDepth {
		return false, &Unknown{Why: "it is nested too deep"}
	}
	if u := cmp.Or(unknown(x), unknown(y)); u != nil {
		return false, u
	}
	all := func(xs, ys []Value) (bool, *Unknown) {
		if len(xs) != len(ys) {
			return false, nil
		}
		var unsure *Unknown
		for i := range xs {
			same, u := r.equalAt(xs[i], ys[i], depth+1)
			if !same && u == nil {
				return false, nil
			}
			unsure = cmp.Or(unsure, u)
		}
		return unsure == nil, unsure
	}
	if fx, ix, wx, ok := numeric(x); ok {
		fy, iy, wy, ok := numeric(y)
		return ok && (wx && wy && ix == iy || !(wx && wy) && fx == fy), nil
	}
	switch x := x.(type) {
	case Tuple:
		y, ok := y.(Tuple)
		if !ok {
			return false, nil
		}
		return all(x, y)
	case *List:
		y, ok := y.(*List)
		if !ok {
			return false, nil
		}
		return all(x.Items, y.Items)
	case *Set:
		y, ok := y.(*Set)
		return ok && len(x.items) == len(y.items) && !slices.ContainsFunc(x.keys(), func(key Value) bool {
			_, has := y.get(key)
			return !has
		}), nil
	case *Dict:
		y, ok := y.(*Dict)
		if !ok || len(x.items) != len(y.items) {
			return false, nil
		}
		var xs, ys []Value
		for _, item := range x.items {
			other, has := y.get(item.Key)
			if !has {
				return false, nil
			}
			xs, ys = append(xs, item.Value), append(ys, other)
		}
		return all(xs, ys)
	}
	if s, ok := x.(Str); ok {
		r.step(len(s) / 1024)
	}
	return x == y, nil
}
