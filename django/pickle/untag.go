package pickle

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Untag is the inverse of [Tag]. It takes JSON as pyjson.Unmarshal returns it,
// and encoding/json with or without UseNumber; without, every number is a float.
// What has a tag becomes [Raw], for any engine to keep.
func Untag(tagged any) (map[string]any, error) {
	v, err := UntagValue(tagged)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case Raw:
		if v.kind() == kindDict {
			b := builder{graph: *v.graph}
			return b.session(v.node), nil
		}
	}
	return nil, errors.New("pickle: a session is a dict")
}

// UntagValue is the inverse of [TagValue].
func UntagValue(tagged any) (any, error) {
	switch v := tagged.(type) {
	case nil, bool, int64, *big.Int, float64, string:
		return v, nil
	case json.Number:
		return build(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = UntagValue(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		if _, _, ok := isTag(v); ok {
			return build(v)
		}
		dict := make(map[string]any, len(v))
		for name := range v {
			var err error
			if dict[name], err = UntagValue(v[name]); err != nil {
				return nil, err
			}
		}
		return dict, nil
	case cloakroom.Value:
		return UntagValue(v.Plain())
	}
	return nil, fmt.Errorf("pickle: JSON has no %T", tagged)
}

// build makes a value of what is one number or has a tag.
func build(tagged any) (any, error) {
	var b builder
	b.reset("")
	r := b.json(tagged, 0)
	if b.err != nil {
		return nil, fmt.Errorf("pickle: %w", b.err)
	}
	g := b.finish()
	if v, ok := g.scalar(r); ok {
		return v, nil
	}
	return Raw{g, r}, nil
}

// json adds a tagged value.
func (b *builder) json(v any, depth int) ref {
	if depth > maxDepth {
		b.fail(errDeep)
	}
	if b.err != nil {
		return 0
	}
	switch v := v.(type) {
	case nil:
		return b.add(kindNone, 0, 0)
	case bool:
		if v {
			return b.add(kindTrue, 0, 0)
		}
		return b.add(kindFalse, 0, 0)
	case int64:
		return b.addInt(v)
	case float64:
		return b.addFloat(v)
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return b.parseFloat(string(v))
		}
		return b.parseInt(string(v))
	case *big.Int:
		return b.addBig(v)
	case string:
		if !validStr(v) {
			b.fail(errString)
		}
		return b.addText(kindStr, v)
	case []any:
		return b.container(kindList, v, depth)
	case map[string]any:
		if name, content, ok := isTag(v); ok {
			r := b.tagged(name, content, depth+1)
			if b.err == errTag {
				b.err = fmt.Errorf("the tag $%s holds something else than it says", name)
			}
			return r
		}
		items := make([]ref, 0, 2*len(v))
		for _, name := range sortedNames(v) {
			items = append(items, b.json(name, depth), b.json(v[name], depth+1))
		}
		dict := b.add(kindDict, 0, 0)
		b.extend(dict, items)
		return dict
	case cloakroom.Value:
		return b.json(v.Plain(), depth+1)
	}
	b.fail(fmt.Errorf("JSON has no %T", v))
	return 0
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func (b *builder) container(k kind, items []any, depth int) ref {
	r := b.add(k, 0, 0)
	b.extend(r, b.list(items, depth))
	return r
}

func (b *builder) list(items []any, depth int) []ref {
	refs := make([]ref, len(items))
	for i, item := range items {
		refs[i] = b.json(item, depth+1)
	}
	return refs
}

func (b *builder) tagPairs(content any, depth int) (items []ref) {
	pairs, ok := content.([]any)
	for _, pair := range pairs {
		pair, isPair := pair.([]any)
		if !isPair || len(pair) != 2 {
			ok = false
			break
		}
		items = append(items, b.list(pair, depth)...)
	}
	if !ok {
		b.fail(errTag)
	}
	return items
}

// errTag says that the innermost tag, which then gets its name, is to blame.
var errTag = errors.New("a tag holds something else than it says")

// of adds what the content of a tag says, if it is of the kind that the tag takes.
func of[Content any](b *builder, content any, add func(Content) ref) ref {
	if c, ok := content.(Content); ok {
		return add(c)
	}
	b.fail(errTag)
	return 0
}

// tagged adds what a tag says.
func (b *builder) tagged(name string, content any, depth int) ref {
	if v, ok := content.(cloakroom.Value); ok {
		content = v.Plain()
	}
	text := func(add func(string) ref) ref { return of(b, content, add) }
	binary := func(k kind) ref { return text(func(s string) ref { return b.base64(k, s) }) }
	container := func(k kind) ref {
		return of(b, content, func(items []any) ref { return b.container(k, items, depth) })
	}
	switch name {
	case "int":
		return text(b.parseInt)
	case "float":
		return text(b.parseFloat)
	case "bytes":
		return binary(kindBytes)
	case "bytearray":
		return binary(kindByteArray)
	case "tuple":
		return container(kindTuple)
	case "set":
		return container(kindSet)
	case "frozenset":
		return container(kindFrozenSet)
	case "dict":
		dict := b.add(kindDict, 0, 0)
		b.extend(dict, b.tagPairs(content, depth))
		return dict
	case "ordereddict":
		r := b.call("collections", "OrderedDict")
		o := b.object(r)
		b.link(r, &o.dict, b.tagPairs(content, depth))
		return r
	case "datetime":
		return text(b.parseDatetime)
	case "date":
		return text(b.parseDate)
	case "time":
		return text(b.parseClock)
	case "timedelta":
		return of(b, content, func(fields []any) ref { return b.timedelta(fields, depth) })
	case "decimal":
		return text(func(digits string) ref { return b.call("decimal", "Decimal", b.json(digits, depth)) })
	case "uuid":
		return text(b.parseUUID)
	case "global":
		return text(b.parseGlobal)
	case "object":
		return of(b, content, func(fields map[string]any) ref { return b.parseObject(fields, depth) })
	}
	b.fail(fmt.Errorf("unknown tag $%s", name))
	return 0
}

func (b *builder) check(err error) {
	if err != nil {
		b.fail(errTag)
	}
}

func (b *builder) parseInt(text string) ref {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return b.addInt(i)
	}
	digits, base := strings.TrimPrefix(text, "-"), 10
	if rest, ok := strings.CutPrefix(digits, "0x"); ok {
		digits, base = rest, 16
	} else if len(digits) > maxDigits {
		b.fail(errNumber)
		return 0
	}
	i, ok := new(big.Int).SetString(digits, base)
	if !ok {
		b.fail(errNumber)
		return 0
	}
	if text[0] == '-' {
		i.Neg(i)
	}
	return b.addBig(i)
}

func (b *builder) parseFloat(text string) ref {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		b.fail(errNumber)
	}
	return b.addFloat(f)
}

func (b *builder) base64(k kind, text string) ref {
	data, err := base64.StdEncoding.DecodeString(text)
	b.check(err)
	return b.addText(k, string(data))
}

func (b *builder) name(module, name string) ref {
	return b.addGlobal(b.addText(kindStr, module), b.addText(kindStr, name))
}

func (b *builder) call(module, name string, args ...ref) ref {
	class := b.name(module, name)
	return b.addObject(object{how: reduced, class: class, args: b.addTuple(args...)})
}

func (b *builder) parseDate(text string) ref {
	t, err := time.Parse("2006-01-02", text)
	b.check(err)
	return b.call("datetime", "date", b.addText(kindBytes, dateBytes(t)))
}

func (b *builder) parseClock(text string) ref {
	t, err := time.Parse("15:04:05.999999", text)
	b.check(err)
	return b.call("datetime", "time", b.addText(kindBytes, clockBytes(t)))
}

func (b *builder) timedelta(fields []any, depth int) ref {
	if len(fields) != 3 {
		b.fail(errTag)
	}
	return b.call("datetime", "timedelta", b.list(fields, depth)...)
}

func (b *builder) parseDatetime(text string) ref {
	if t, err := time.Parse("2006-01-02T15:04:05.999999", text); err == nil {
		return b.call("datetime", "datetime", b.addText(kindBytes, datetimeBytes(t)))
	}
	t, err := time.Parse("2006-01-02T15:04:05.999999-07:00", text)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05.999999-07:00:00", text)
	}
	b.check(err)
	_, offset := t.Zone()
	days := int64(0)
	if offset < 0 {
		days, offset = -1, offset+86400
	}
	delta := b.call("datetime", "timedelta", b.addInt(days), b.addInt(int64(offset)), b.addInt(0))
	return b.call("datetime", "datetime", b.addText(kindBytes, datetimeBytes(t)), b.call("datetime", "timezone", delta))
}

func (b *builder) parseUUID(text string) ref {
	data, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if len(data) != 16 {
		err = errTag
	}
	b.check(err)
	state := b.add(kindDict, 0, 0)
	b.extend(state, []ref{b.addText(kindStr, "int"), b.addBig(new(big.Int).SetBytes(data))})
	class := b.name("uuid", "UUID")
	r := b.addObject(object{how: newObject, class: class, args: b.addTuple()})
	b.object(r).state = state
	b.own(r, state)
	return r
}

// splitGlobal takes the name of a class or function apart.
func splitGlobal(text string) (module, name string) {
	if module, name, ok := strings.Cut(text, ":"); ok {
		return module, name
	}
	i := strings.LastIndexByte(text, '.')
	return text[:max(i, 0)], text[i+1:]
}

func (b *builder) parseGlobal(text string) ref {
	module, name := splitGlobal(text)
	if !validStr(text) {
		b.fail(errString)
	}
	return b.name(module, name)
}

func (b *builder) parseObject(fields map[string]any, depth int) ref {
	var o object
	o.how = newObject
	var items, pairs []ref
	args := b.add(kindTuple, 0, 0)
	for _, name := range sortedNames(fields) {
		v := fields[name]
		list, isList := v.([]any)
		switch {
		case name == "class":
			if text, ok := v.(string); ok {
				o.class = b.parseGlobal(text)
			} else {
				o.class = b.json(v, depth)
			}
		case name == "call" && v == true:
			o.how = reduced
		case name == "args" && isList:
			b.extend(args, b.list(list, depth))
		case name == "kwargs":
			o.how, o.kwargs = newObjectEx, b.json(v, depth)
		case name == "items" && isList:
			items = b.list(list, depth)
		case name == "pairs" && isList:
			pairs = b.tagPairs(v, depth)
		case name == "state":
			o.state = b.json(v, depth)
		default:
			b.fail(errTag)
		}
	}
	o.args = args
	state := o.state
	o.state = 0
	r := b.addObject(o)
	if b.err != nil {
		return 0
	}
	made := b.object(r)
	b.link(r, &made.list, items)
	b.link(r, &made.dict, pairs)
	if state != 0 {
		made.state = state
		b.own(r, state)
	}
	return r
}
