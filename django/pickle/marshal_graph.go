package pickle

import (
	"encoding/binary"
	"slices"
	"strings"
)

// walk writes the nodes of one graph.
type walk struct {
	*encoder
	*graph
	memo []uint32 // by node, the place in the reader's memo plus one
}

func (e *encoder) raw(r Raw) {
	if r.graph == nil {
		e.op(opNone)
		return
	}
	e.walk(r.graph).node(r.node)
}

// walk returns the walk through g, begun already if a part of g is written.
func (e *encoder) walk(g *graph) walk {
	for _, k := range e.graphs {
		if k.graph == g {
			return walk{e, g, k.memo}
		}
	}
	n := len(e.graphs)
	if n < cap(e.graphs) {
		e.graphs = e.graphs[:n+1]
	} else {
		e.graphs = append(e.graphs, known{})
	}
	k := &e.graphs[n]
	k.graph = g
	k.memo = slices.Grow(k.memo[:0], len(g.nodes))[:len(g.nodes)]
	clear(k.memo)
	return walk{e, g, k.memo}
}

func (w walk) node(r ref) {
	if w.err != nil {
		return
	}
	if place := w.memo[r]; place != 0 {
		w.recall(place - 1)
		return
	}
	switch n := w.nodes[r]; n.kind {
	case kindNone:
		w.op(opNone)
	case kindTrue:
		w.bool(true)
	case kindFalse:
		w.bool(false)
	case kindInt:
		w.int(n.int())
	case kindFloat:
		w.float(n.float())
	case kindBig:
		w.long(w.graph.str(r))
		// Python writes an int wherever it stands. That must not make a small
		// pickle a large one.
		if n.b > 32 {
			w.memoizeNode(r)
		}
	case kindStr:
		w.memo[r] = w.sharedStr(w.graph.str(r))
	case kindBytes:
		w.bytes(w.graph.str(r))
		w.memo[r] = w.memoized
	case kindByteArray:
		w.byteArray(w.graph.str(r))
		w.memoizeNode(r)
	case kindList:
		w.emptyList()
		w.memo[r] = w.memoized
		w.listItems(n.chain())
	case kindDict:
		w.emptyDict()
		w.memo[r] = w.memoized
		w.dictItems(n.chain())
	case kindTuple:
		count := w.count(n.chain())
		w.openTuple(count)
		for item := range w.items(n.chain()) {
			w.node(item)
		}
		w.closeTuple(count)
		if count > 0 {
			w.memoizeNode(r)
		}
	case kindSet:
		w.set(r, n)
	case kindFrozenSet:
		w.frozenSet(r, n)
	case kindGlobal:
		w.memo[r] = w.encoder.global(w.graph.global(r))
	case kindObject:
		w.object(r)
	}
}

func (w walk) memoizeNode(r ref) { w.memo[r] = w.memoize() + 1 }

func (w walk) listItems(c chain) {
	i, n := 0, w.count(c)
	for item := range w.items(c) {
		w.before(i, n)
		w.node(item)
		w.after(i, n, opAppend, opAppends)
		i++
	}
}

func (w walk) dictItems(c chain) { w.dictItemsFrom(0, w.count(c)/2, c) }

// dictItemsFrom writes the items of a dict, which become the i-th and on of n.
func (w walk) dictItemsFrom(i, n int, c chain) {
	for key, value := range w.graph.pairs(c) {
		w.before(i, n)
		w.node(key)
		w.node(value)
		w.after(i, n, opSetItem, opSetItems)
		i++
	}
}

func (w walk) set(r ref, n node) {
	if w.protocol < 4 {
		w.setCall(r, "set", n)
		return
	}
	w.op(opEmptySet)
	w.memoizeNode(r)
	i := 0
	for item := range w.items(n.chain()) {
		if i%batchSize == 0 {
			w.op(opMark)
		}
		w.node(item)
		if i++; i%batchSize == 0 {
			w.op(opAddItems)
		}
	}
	if i%batchSize != 0 {
		w.op(opAddItems)
	}
}

func (w walk) frozenSet(r ref, n node) {
	if w.protocol < 4 {
		w.setCall(r, "frozenset", n)
		return
	}
	w.op(opMark)
	for item := range w.items(n.chain()) {
		w.node(item)
	}
	w.op(opFrozenSet)
	w.memoizeNode(r)
}

// setCall writes a set as the call of its class with a list.
func (w walk) setCall(r ref, class string, n node) {
	w.encoder.global("builtins", class)
	w.openTuple(1)
	w.emptyList()
	w.listItems(n.chain())
	w.closeTuple(1)
	w.op(opReduce)
	w.memoizeNode(r)
}

func (w walk) byteArray(s string) {
	if w.protocol >= 5 {
		w.op(opByteArray8)
		w.out = binary.LittleEndian.AppendUint64(w.out, uint64(len(s)))
		w.out = append(w.out, s...)
		return
	}
	w.encoder.global("builtins", "bytearray")
	w.openTuple(1)
	w.bytes(s)
	w.closeTuple(1)
	w.op(opReduce)
}

func (w walk) object(r ref) {
	o := w.graph.object(r)
	switch {
	case o.how == reduced:
		w.node(o.class)
		w.node(o.args)
		w.op(opReduce)
	case o.how == newObject && w.protocol >= 2:
		w.node(o.class)
		w.node(o.args)
		w.op(opNewObj)
	case o.how == newObject:
		args := w.nodes[o.args].chain()
		w.encoder.global("copyreg", "__newobj__")
		w.op(opMark)
		w.node(o.class)
		for item := range w.items(args) {
			w.node(item)
		}
		w.op(opTuple)
		w.op(opReduce)
	case w.protocol >= 4:
		w.node(o.class)
		w.node(o.args)
		w.node(o.kwargs)
		w.op(opNewObjEx)
	default:
		w.encoder.global("copyreg", "__newobj_ex__")
		w.openTuple(3)
		w.node(o.class)
		w.node(o.args)
		w.node(o.kwargs)
		w.closeTuple(3)
		w.op(opReduce)
	}
	w.memoizeNode(r)
	w.listItems(o.list)
	w.dictItems(o.dict)
	if o.state != 0 {
		w.node(o.state)
		w.op(opBuild)
	}
}

// textGlobal names a class or function before protocol 4, which cannot name
// what is inside of a class.
func (e *encoder) textGlobal(module, name string) {
	if strings.Contains(module+name, "\n") || strings.Count(name, ".") > maxNested || e.protocol < 3 && !isASCII(module+name) {
		e.fail("a class whose name this protocol cannot say")
		return
	}
	if outer, inner, nested := cutLast(name); nested {
		e.global("builtins", "getattr")
		e.openTuple(2)
		e.global(module, outer)
		e.sharedStr(inner)
		e.closeTuple(2)
		e.op(opReduce)
		return
	}
	e.op(opGlobal)
	e.out = append(e.out, module...)
	e.op('\n')
	e.out = append(e.out, name...)
	e.op('\n')
}

// cutLast cuts a name around its last dot.
func cutLast(name string) (before, after string, found bool) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}
