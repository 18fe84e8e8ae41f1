package pickle

import (
	"strings"

	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// Raw is a value that has not been taken apart: a part of what Python wrote.
// The zero Raw is None. It implements cloakroom.Value and is safe for
// concurrent use.
type Raw struct {
	graph *graph
	node  ref
}

func (r Raw) kind() kind {
	if r.graph == nil {
		return kindNone
	}
	return r.graph.nodes[r.node].kind
}

func (r Raw) chain() chain { return r.graph.nodes[r.node].chain() }

// Plain returns the nearest plain value. Every call makes it anew, so the caller
// may change what it gets.
//
//   - A list, tuple, set or frozenset becomes []any, a bytearray []byte.
//   - A dict becomes map[string]any. A key that is no string becomes the JSON of
//     its tagged form (see [Tag]): 1, null, {"$tuple":[1,2]}.
//   - A datetime becomes a time.Time, one without a time zone in UTC; a date and
//     a time of day ISO 8601 text; a timedelta its seconds; a Decimal, a UUID and
//     a lazy translation their text.
//   - Any other object becomes what is nearest to it: its attributes by name, the
//     items it has as a dict or list, or what it was made of.
//   - A class or function becomes its name.
//
// What Python shares comes out once for every place it is shared in. A pickle
// can be made to grow without bounds that way, so where far more comes out than
// was put in, Plain returns nil.
func (r Raw) Plain() any {
	if r.graph == nil {
		return nil
	}
	p := plainer{r.graph, r.graph.allowance()}
	v := p.value(r.node)
	if p.left < 0 {
		return nil
	}
	return v
}

// allowance is how many values and bytes may come out of a graph.
func (g *graph) allowance() int { return 1<<16 + 16*len(g.text) }

// plainer makes plain values, as many as are left to it.
type plainer struct {
	*graph
	left int
}

func (p *plainer) value(r ref) any {
	n := p.nodes[r]
	if p.left--; p.left < 0 {
		return nil
	}
	p.left -= p.size(r)
	if v, ok := p.scalar(r); ok {
		return v
	}
	switch n.kind {
	case kindByteArray:
		return []byte(p.str(r))
	case kindList, kindTuple, kindSet, kindFrozenSet:
		return p.list(n.chain())
	case kindDict:
		return p.dict(n.chain())
	case kindGlobal:
		return p.globalName(r)
	default:
		return p.instance(r)
	}
}

// scalar returns what is plain as it stands.
func (g *graph) scalar(r ref) (any, bool) {
	switch n := g.nodes[r]; n.kind {
	case kindNone:
		return nil, true
	case kindFalse:
		return false, true
	case kindTrue:
		return true, true
	case kindInt:
		return n.int(), true
	case kindBig:
		return bigLong(g.str(r)), true
	case kindFloat:
		return n.float(), true
	case kindStr:
		return g.str(r), true
	case kindBytes, kindObject:
		if s, ok := g.bytesOf(r); ok {
			return []byte(s), true
		}
	}
	return nil, false
}

func (p *plainer) list(c chain) []any {
	list := make([]any, 0, min(p.count(c), max(p.left, 0)))
	for item := range p.items(c) {
		if p.left < 0 {
			break
		}
		list = append(list, p.value(item))
	}
	return list
}

func (p *plainer) dict(c chain) map[string]any {
	dict := make(map[string]any)
	p.addTo(dict, c)
	return dict
}

func (p *plainer) addTo(dict map[string]any, c chain) {
	for key, value := range p.pairs(c) {
		if p.left < 0 {
			return
		}
		dict[p.name(key)] = p.value(value)
	}
}

func (p *plainer) name(key ref) string {
	p.left--
	if p.nodes[key].kind == kindStr {
		return p.str(key)
	}
	t := tagger{plainer: plainer{p.graph, p.left}}
	text, err := pyjson.Marshal(t.value(key))
	if p.left = t.left - len(text); err != nil || t.left < 0 {
		p.left = -1
	}
	return string(text)
}

// size is how long the text of a value is.
func (g *graph) size(r ref) int {
	switch n := g.nodes[r]; n.kind {
	case kindStr, kindBytes, kindByteArray, kindBig:
		return int(n.b)
	}
	return 0
}

// globalName is the module and name of a class or function. Where the name has
// dots, a colon tells where it begins.
func (g *graph) globalName(r ref) string {
	module, name := g.global(r)
	if strings.Contains(name, ".") {
		return module + ":" + name
	}
	return module + "." + name
}

// instance returns what is nearest to an object.
func (p *plainer) instance(r ref) any {
	m := p.made(r)
	if s, ok := p.special(m); ok {
		if v, ok := p.understood(s); ok {
			return v
		}
	}
	if m.state != 0 {
		if dict, ok := p.attributes(m.state); ok {
			return dict
		}
	}
	switch {
	case m.object.dict.first != 0, m.is("collections", "defaultdict"):
		return p.dict(m.object.dict)
	case m.object.list.first != 0, m.is("collections", "deque"):
		return p.list(m.object.list)
	case m.is("django.utils.functional", "_lazy_proxy_unpickle") && len(m.args) > 1:
		// A function that translates, and its arguments: the text to translate.
		if text := p.tuple(m.args[1]); len(text) == 1 {
			return p.value(text[0])
		}
	case len(m.args) == 1:
		return p.value(m.args[0])
	}
	return p.list(m.all)
}

// understood returns the plain value of what [graph.special] found.
func (p *plainer) understood(s special) (any, bool) {
	p.left -= len(s.text)
	switch s.tag {
	case "datetime":
		return s.moment.time(), !s.moment.aware || s.moment.location != nil
	case "timedelta":
		return float64(s.delta[0])*86400 + float64(s.delta[1]) + float64(s.delta[2])/1e6, true
	case "set", "frozenset":
		return p.list(s.items), true
	case "bytearray":
		return []byte(s.text), true
	case "ordereddict":
		return p.dict(s.items), true
	default:
		return s.text, true
	}
}

// attributes reads the state of an object: a dict, or a pair of which the second
// is for attributes in slots.
func (p *plainer) attributes(state ref) (map[string]any, bool) {
	parts := []ref{state}
	if pair := p.tuple(state); len(pair) == 2 {
		parts = pair
	}
	dict := make(map[string]any)
	for _, part := range parts {
		switch n := p.nodes[part]; n.kind {
		case kindDict:
			p.addTo(dict, n.chain())
		case kindNone:
		default:
			return nil, false
		}
	}
	return dict, true
}
