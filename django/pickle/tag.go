package pickle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// Tag returns a session in the values of JSON alone (nil, bool, int64, string,
// []any and map[string]any), for people and scripts to read. [Untag] is its
// inverse, but that what Python shares comes out, and goes back, once for every
// place. It is an error if far more comes out that way than was put in.
//
// What JSON lacks is an object with one name, the tag:
//
//	{"$int": "9007199254740993"}        beyond 2^53, where other readers round
//	{"$float": "3.25"}                  as Python's repr
//	{"$bytes": "base64"}, {"$bytearray": "base64"}
//	{"$tuple": […]}, {"$set": […]}, {"$frozenset": […]}
//	{"$dict": [[key, value], …]}        with keys that are no strings, or would be a tag
//	{"$ordereddict": [[key, value], …]}
//	{"$datetime": "2026-11-23T07:42:01.000005+01:00"}   without an offset: naive
//	{"$date": "2026-11-23"}, {"$time": "07:42:01"}
//	{"$timedelta": [days, seconds, microseconds]}
//	{"$decimal": "1.20"}, {"$uuid": "…"}
//	{"$global": "module.name"}          a class or function; "module:Outer.Inner" if nested
//	{"$object": {"class": "module.Name", "args": […], "state": …}}
//
// An object is made by class.__new__(class, *args, **kwargs), or by
// class(*args) where "call" is true. It may have "kwargs", its items as a list
// ("items") or as a dictionary ("pairs"), and a "state".
func Tag(session map[string]any) (any, error) { return TagValue(session) }

// TagValue is [Tag] for any value that a session can hold.
func TagValue(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, string:
		return v, nil
	case int64:
		return tagInt(v), nil
	case *big.Int:
		return tagBig(v), nil
	case float64:
		return tagFloat(v), nil
	case []byte:
		return tag("bytes", base64.StdEncoding.EncodeToString(v)), nil
	case time.Time:
		return tag("datetime", isoFormat(v.UTC())), nil
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = TagValue(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		return tagMap(v)
	case Raw:
		if v.graph == nil {
			return nil, nil
		}
		t := newTagger(v.graph)
		tagged := t.value(v.node)
		return tagged, t.failure()
	case cloakroom.Value:
		return TagValue(v.Plain())
	}
	return nil, unencodable(fmt.Sprintf("Python has no %T", v))
}

func tag(name string, v any) map[string]any { return map[string]any{"$" + name: v} }

// isTag reports whether dict is a tag, or would be taken for one.
func isTag(dict map[string]any) (name string, v any, ok bool) {
	if len(dict) != 1 {
		return "", nil, false
	}
	for name, v = range dict {
	}
	name, ok = strings.CutPrefix(name, "$")
	return name, v, ok
}

func tagMap(m map[string]any) (any, error) {
	dict := make(map[string]any, len(m))
	var pairs []any
	for name, v := range m {
		var err error
		if name == OtherKeys {
			pairs, err = tagOthers(v)
		} else {
			dict[name], err = TagValue(v)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, _, ok := isTag(dict); !ok && pairs == nil {
		return dict, nil
	}
	for _, name := range sortedNames(dict) {
		pairs = append(pairs, []any{name, dict[name]})
	}
	return tag("dict", pairs), nil
}

func tagOthers(v any) ([]any, error) {
	raw, ok := v.(Raw)
	if !ok || raw.kind() != kindDict {
		return nil, errOthers
	}
	t := newTagger(raw.graph)
	pairs := t.pairs(raw.chain())
	return pairs, t.failure()
}

// maxExact is the last integer that readers of JSON which know but floats get
// right.
const maxExact = 1<<53 - 1

func tagInt(i int64) any {
	if i >= -maxExact && i <= maxExact {
		return i
	}
	return tag("int", strconv.FormatInt(i, 10))
}

func tagBig(i *big.Int) any {
	switch {
	case i == nil:
		return nil
	case i.IsInt64():
		return tagInt(i.Int64())
	case i.BitLen() > maxDigits*3: // where decimal digits take quadratic time
		return tag("int", fmt.Sprintf("%#x", i))
	}
	return tag("int", i.String())
}

func tagFloat(f float64) any {
	switch {
	case math.IsNaN(f):
		return tag("float", "nan")
	case math.IsInf(f, 1):
		return tag("float", "inf")
	case math.IsInf(f, -1):
		return tag("float", "-inf")
	}
	repr, _ := pyjson.Marshal(f) // which is Python's repr, and cannot fail
	return tag("float", string(repr))
}

// isoFormat is Python's datetime.isoformat.
func isoFormat(t time.Time) string {
	layout := "2006-01-02T15:04:05"
	if t.Nanosecond() >= 1000 {
		layout += ".000000"
	}
	layout += "-07:00"
	if _, offset := t.Zone(); offset%60 != 0 {
		layout += ":00"
	}
	return t.Format(layout)
}

// tagger tags values of a graph, as many as are left to it.
type tagger struct {
	plainer
	err error
}

func newTagger(g *graph) tagger { return tagger{plainer: plainer{g, g.allowance()}} }

func (t *tagger) failure() error {
	if t.left < 0 {
		return errors.New("pickle: too much comes out of what Python shares")
	}
	return t.err
}

func (t *tagger) value(r ref) any {
	n := t.nodes[r]
	if t.left--; t.left < 0 || t.err != nil {
		return nil
	}
	t.left -= t.size(r)
	switch n.kind {
	case kindNone:
		return nil
	case kindTrue:
		return true
	case kindFalse:
		return false
	case kindInt:
		return tagInt(n.int())
	case kindBig:
		return tagBig(bigLong(t.str(r)))
	case kindFloat:
		return tagFloat(n.float())
	case kindStr:
		return t.str(r)
	case kindBytes:
		return t.binary("bytes", t.str(r))
	case kindByteArray:
		return t.binary("bytearray", t.str(r))
	case kindList:
		return t.list(n.chain())
	case kindTuple:
		return tag("tuple", t.list(n.chain()))
	case kindSet:
		return tag("set", t.list(n.chain()))
	case kindFrozenSet:
		return tag("frozenset", t.list(n.chain()))
	case kindDict:
		return t.dict(n.chain())
	case kindGlobal:
		return tag("global", t.named(r))
	default:
		return t.instance(r)
	}
}

func (t *tagger) binary(name, s string) any {
	return tag(name, base64.StdEncoding.EncodeToString([]byte(s)))
}

func (t *tagger) named(r ref) string {
	name := t.globalName(r)
	if module, inner := splitGlobal(name); !t.isGlobal(r, module, inner) {
		t.err = errors.New("pickle: a class whose name has a colon")
	}
	return name
}

func (t *tagger) list(c chain) []any {
	list := make([]any, 0, min(t.count(c), max(t.left, 0)))
	for item := range t.items(c) {
		if t.left < 0 {
			break
		}
		list = append(list, t.value(item))
	}
	return list
}

func (t *tagger) pairs(c chain) []any {
	pairs := []any{}
	for key, value := range t.graph.pairs(c) {
		if t.left < 0 {
			break
		}
		pairs = append(pairs, []any{t.value(key), t.value(value)})
	}
	return pairs
}

func (t *tagger) dict(c chain) any {
	pairs := t.pairs(c)
	dict := make(map[string]any, len(pairs))
	for _, pair := range pairs {
		name, ok := pair.([]any)[0].(string)
		if !ok {
			return tag("dict", pairs)
		}
		dict[name] = pair.([]any)[1]
	}
	if _, _, ok := isTag(dict); ok || len(dict) < len(pairs) {
		return tag("dict", pairs)
	}
	return dict
}

func (t *tagger) instance(r ref) any {
	if s, ok := t.bytesOf(r); ok {
		return t.binary("bytes", s)
	}
	m := t.made(r)
	if s, ok := t.special(m); ok {
		if tagged, ok := t.understood(s); ok {
			return tagged
		}
	}
	return t.object(m)
}

func (t *tagger) object(m made) any {
	if t.left--; t.left < 0 {
		return nil
	}
	o := map[string]any{"args": t.list(m.all)}
	if t.nodes[m.class].kind == kindGlobal {
		o["class"] = t.named(m.class)
	} else {
		o["class"] = t.object(t.made(m.class))
	}
	if m.how == reduced {
		o["call"] = true
	}
	if m.kwargs != 0 {
		o["kwargs"] = t.value(m.kwargs)
	}
	if m.object.list.first != 0 {
		o["items"] = t.list(m.object.list)
	}
	if m.object.dict.first != 0 {
		o["pairs"] = t.pairs(m.object.dict)
	}
	if m.state != 0 {
		o["state"] = t.value(m.state)
	}
	return tag("object", o)
}

// understood tags what [graph.special] found, if the tag says all of it.
func (t *tagger) understood(s special) (any, bool) {
	t.left -= len(s.text)
	switch s.tag {
	case "datetime":
		text := isoFormat(s.moment.time())
		if !s.moment.aware {
			text = strings.TrimSuffix(text, "+00:00")
		}
		return tag(s.tag, text), !s.moment.fold && s.moment.aware == s.moment.fixed
	case "timedelta":
		return tag(s.tag, []any{s.delta[0], s.delta[1], s.delta[2]}), true
	case "set", "frozenset":
		return tag(s.tag, t.list(s.items)), true
	case "bytearray":
		return t.binary(s.tag, s.text), true
	case "ordereddict":
		return tag(s.tag, t.pairs(s.items)), true
	default:
		return tag(s.tag, s.text), true
	}
}
