package pickle

import (
	"errors"
	"iter"
	"math"
	"slices"
)

// graph is what a pickle says, as a table: values refer to one another by their
// place in it, so that what Python shares stays shared. It takes a handful of
// allocations, and is never written to once it is made.
type graph struct {
	text    string // what strings, bytes and large integers are parts of
	nodes   []node // the first stands for nothing
	links   []link // the first ends every list
	objects []object
}

// ref is the place of a node. Zero refers to nothing.
type ref uint32

// node is one value.
type node struct {
	kind  kind
	used  bool   // part of another value already, and so complete
	depth uint16 // of the values below

	// a and b are the halves of an int and of the bits of a float; the place
	// and length in the text of a str, bytes, bytearray or big int; the first
	// and last link of a container; module and name of a global; the object.
	a, b uint32
}

type kind uint8

const (
	kindNothing kind = iota
	kindNone
	kindFalse
	kindTrue
	kindInt
	kindBig // an int beyond int64: two's complement, little end first, as short as can be
	kindFloat
	kindStr
	kindBytes
	kindByteArray
	kindList
	kindTuple
	kindDict // links are key, value, key, value
	kindSet
	kindFrozenSet
	kindGlobal // a class or function, by name
	kindObject
)

// link is one item of a container.
type link struct {
	node ref
	next uint32
}

// object is the result of calling a class or function, which nobody here calls.
type object struct {
	how    how
	class  ref
	args   ref // a tuple
	kwargs ref // only for newObjectEx
	list   chain
	dict   chain
	state  ref // what BUILD was given, if it was
}

// how an object is to be made.
type how uint8

const (
	reduced     how = iota // class(*args)
	newObject              // class.__new__(class, *args)
	newObjectEx            // class.__new__(class, *args, **kwargs)
)

// chain is a list of items.
type chain struct{ first, last uint32 }

func (g *graph) items(c chain) iter.Seq[ref] {
	return func(yield func(ref) bool) {
		for at := c.first; at != 0; at = g.links[at].next {
			if !yield(g.links[at].node) {
				return
			}
		}
	}
}

// pairs are the keys and values of a dict.
func (g *graph) pairs(c chain) iter.Seq2[ref, ref] {
	return func(yield func(key, value ref) bool) {
		for at := c.first; at != 0; {
			key := g.links[at]
			value := g.links[key.next]
			if !yield(key.node, value.node) {
				return
			}
			at = value.next
		}
	}
}

// few returns the first items of a chain, one more than any class that is
// understood has arguments.
func (g *graph) few(c chain) []ref {
	items := make([]ref, 0, 5)
	for item := range g.items(c) {
		if len(items) == cap(items) {
			break
		}
		items = append(items, item)
	}
	return items
}

func (g *graph) count(c chain) (n int) {
	for at := c.first; at != 0; at = g.links[at].next {
		n++
	}
	return n
}

func (n node) chain() chain   { return chain{n.a, n.b} }
func (n node) int() int64     { return int64(uint64(n.a) | uint64(n.b)<<32) }
func (n node) float() float64 { return math.Float64frombits(uint64(n.a) | uint64(n.b)<<32) }
func (g *graph) str(r ref) string {
	n := g.nodes[r]
	return g.text[n.a : n.a+n.b]
}

func (g *graph) object(r ref) *object { return &g.objects[g.nodes[r].a] }

var (
	errCycle = errors.New("a value that contains itself")
	errDeep  = errors.New("nested too deeply")
	errLarge = errors.New("more than 4 GiB")
	errName  = errors.New("a class of too long a name")
	errCall  = errors.New("a call of what cannot be called")
)

// builder makes a graph. After its first error it goes on to no effect.
type builder struct {
	graph
	extra []byte // text beyond what the graph started with
	err   error
}

func (b *builder) reset(text string) {
	b.text, b.extra, b.err = text, b.extra[:0], nil
	b.nodes = append(b.nodes[:0], node{})
	b.links = append(b.links[:0], link{})
	b.objects = b.objects[:0]
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) add(k kind, x, y uint32) ref {
	b.nodes = append(b.nodes, node{kind: k, a: x, b: y})
	return ref(len(b.nodes) - 1)
}

func (b *builder) addInt(i int64) ref { return b.add(kindInt, uint32(i), uint32(i>>32)) }

func (b *builder) addFloat(f float64) ref {
	bits := math.Float64bits(f)
	return b.add(kindFloat, uint32(bits), uint32(bits>>32))
}

// addText adds a str, bytes, bytearray or big int that is no part of the text.
func (b *builder) addText(k kind, s string) ref {
	at := len(b.text) + len(b.extra)
	if at+len(s) > math.MaxUint32 {
		b.fail(errLarge)
		return 0
	}
	b.extra = append(b.extra, s...)
	return b.add(k, uint32(at), uint32(len(s)))
}

// addGlobal adds a class or function. Its name is written wherever it stands,
// so it must be short for a small pickle not to become a large one.
func (b *builder) addGlobal(module, name ref) ref {
	if b.nodes[module].b > maxName || b.nodes[name].b > maxName {
		b.fail(errName)
	}
	return b.add(kindGlobal, uint32(module), uint32(name))
}

func (b *builder) addTuple(items ...ref) ref {
	tuple := b.add(kindTuple, 0, 0)
	b.extend(tuple, items)
	return tuple
}

func (b *builder) addObject(o object) ref {
	class := b.nodes[o.class].kind
	if class != kindGlobal && class != kindObject || b.nodes[o.args].kind != kindTuple ||
		o.kwargs != 0 && b.nodes[o.kwargs].kind != kindDict {
		b.fail(errCall)
		return 0
	}
	r := b.add(kindObject, uint32(len(b.objects)), 0)
	b.objects = append(b.objects, o)
	b.own(r, o.class, o.args, o.kwargs)
	return r
}

// own makes items part of owner.
//
// Python's pickler finishes every value before it makes it part of another,
// unless a value contains itself. So adding to what is part of another already
// is an error, and no graph has a cycle: the edge that would close one would
// start at a value with a parent.
func (b *builder) own(owner ref, items ...ref) {
	depth := b.nodes[owner].depth
	for _, item := range items {
		n := &b.nodes[item]
		n.used = true
		depth = max(depth, n.depth+1)
	}
	o := &b.nodes[owner]
	if o.used {
		b.fail(errCycle)
	}
	if o.depth = depth; depth > maxDepth {
		b.fail(errDeep)
	}
}

// extend adds items to a container.
func (b *builder) extend(container ref, items []ref) {
	c := b.nodes[container].chain()
	b.link(container, &c, items)
	b.nodes[container].a, b.nodes[container].b = c.first, c.last
}

// link adds items to a chain that is part of owner.
func (b *builder) link(owner ref, c *chain, items []ref) {
	if len(items) == 0 {
		return
	}
	b.own(owner, items...)
	at := uint32(len(b.links))
	if c.first == 0 {
		c.first = at
	} else {
		b.links[c.last].next = at
	}
	for _, item := range items {
		at++
		b.links = append(b.links, link{item, at})
	}
	c.last = at - 1
	b.links[c.last].next = 0
}

// settle makes the text whole.
func (b *builder) settle() {
	if len(b.extra) > 0 {
		b.text += string(b.extra)
		b.extra = b.extra[:0]
	}
}

// finish returns the graph, which shares nothing with the builder.
func (b *builder) finish() *graph {
	b.settle()
	return &graph{b.text, slices.Clone(b.nodes), slices.Clone(b.links), slices.Clone(b.objects)}
}
