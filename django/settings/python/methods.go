package python

import (
	"cmp"
	"slices"
	"strings"
)

// attribute is v.name: a method, or what a module has.
func (f *frame) attribute(v Value, name string, line int) Value {
	if u := unknown(v); u != nil {
		return u
	}
	switch v := v.(type) {
	case *Module:
		if value, ok := v.Attrs[name]; ok {
			return known(value)
		}
		if sub, _ := f.module(v.Name+"."+name, 0); sub != nil && isInstalled(v.Name) && (f.known[sub.Name] != nil || f.host.Modules[sub.Name] != nil) {
			return sub
		}
		return f.unknown(line, "%s.%s is not looked into", v.Name, name)
	case Path:
		if value := f.pathAttribute(v, name); value != nil {
			return value
		}
	case Delta:
		switch name {
		case "days":
			return Int(v / day)
		case "seconds":
			return Int(v % day / second)
		}
	case *file:
		if name == "name" {
			return Str(v.path)
		}
	}
	method := methods[TypeName(v)][name]
	if method == nil {
		return f.unknown(line, "the %s of a %s is not understood", name, TypeName(v))
	}
	return &Function{
		Name:  name,
		takes: slices.Contains([]string{"dict", "list", "set", "globals"}, TypeName(v)),
		call: func(f *frame, c Call) Value {
			value := method(f, v, c)
			if u := unknown(v); u != nil && value == nil {
				return u
			}
			return value
		},
	}
}

type method func(f *frame, v Value, c Call) Value

var methods map[string]map[string]method

func init() { // they call what refers to them
	methods = map[string]map[string]method{
		"dict": {
			"get":        dictGet,
			"setdefault": dictSetDefault,
			"update":     dictUpdate,
			"pop":        dictPop,
			"copy":       copyValue,
			"keys":       dictKeys,
			"values":     dictValues,
			"items":      dictItems,
			"clear": func(_ *frame, v Value, _ Call) Value {
				v.(*Dict).items, v.(*Dict).index = nil, nil
				return None{}
			},
		},
		"list": {
			"append": listAppend,
			"insert": listInsert,
			"extend": listExtend,
			"remove": listRemove,
			"pop":    listPop,
			"index":  listIndex,
			"copy":   copyValue,
		},
		"set": {
			"add":    setAdd,
			"copy":   copyValue,
			"update": func(f *frame, v Value, c Call) Value { return change(v, c) },
			"remove": func(f *frame, v Value, c Call) Value { return change(v, c) },
		},
		"str": {
			"format":     func(f *frame, v Value, c Call) Value { return f.formatMethod(string(v.(Str)), c) },
			"join":       joinText,
			"split":      split,
			"rsplit":     split,
			"splitlines": splitLines,
			"partition":  partition,
			"replace":    replace,
			"strip":      strip,
			"lstrip":     strip1(strings.TrimLeft, strings.TrimLeftFunc),
			"rstrip":     strip1(strings.TrimRight, strings.TrimRightFunc),
			"lower":      simple(strings.ToLower),
			"upper":      simple(strings.ToUpper),
			"startswith": affix(strings.HasPrefix),
			"endswith":   affix(strings.HasSuffix),
			"encode":     func(_ *frame, v Value, _ Call) Value { return Bytes(v.(Str)) },
			"isdigit":    isDigit,
		},
		"bytes": {
			"decode": func(_ *frame, v Value, _ Call) Value { return Str(v.(Bytes)) },
		},
		"Path":      pathMethods,
		"timedelta": {"total_seconds": func(_ *frame, v Value, _ Call) Value { return Float(float64(v.(Delta)) / 1e6) }},
		"file":      fileMethods,
		"globals": {
			"update": scopeUpdate,
			"get":    scopeGet,
		},
	}
}

// change is a method that changes v in a way that is not understood.
func change(v Value, c Call) Value {
	spoil(v, c.Unknown("a %s changed in a way that is not understood", TypeName(v)))
	return None{}
}

func copyValue(f *frame, v Value, _ Call) Value {
	switch v := v.(type) {
	case *Dict:
		f.step(len(v.items))
		d := &Dict{spoiled: v.spoiled}
		for _, item := range v.items {
			d.set(item.Key, item.Value)
		}
		return d
	case *Set:
		f.step(len(v.items))
		s := &Set{Dict{spoiled: v.spoiled}}
		for _, item := range v.items {
			s.set(item.Key, item.Value)
		}
		return s
	case *List:
		f.charge(len(v.Items))
		return &List{slices.Clone(v.Items), v.spoiled}
	}
	return v
}

func dictGet(f *frame, v Value, c Call) Value {
	key := c.arg(0, "", None{})
	if u := unknown(key); u != nil {
		return u
	}
	if value, ok := v.(*Dict).get(key); ok {
		return known(value)
	}
	return known(c.arg(1, "default", None{}))
}

func dictSetDefault(f *frame, v Value, c Call) Value {
	d, key := v.(*Dict), c.arg(0, "", None{})
	if u := unknown(key); u != nil {
		spoil(v, u)
		return u
	}
	if value, ok := d.get(key); ok {
		return known(value)
	}
	value := c.arg(1, "default", None{})
	f.store(d, key, value, c.Place.Line)
	return known(value)
}

func dictUpdate(f *frame, v Value, c Call) Value {
	d := v.(*Dict)
	for _, arg := range c.Args {
		f.update(d, arg, c.Place.Line)
	}
	for _, name := range sortedNames(c.Named) {
		d.set(Str(name), c.Named[name])
	}
	return None{}
}

func dictPop(f *frame, v Value, c Call) Value {
	d, key := v.(*Dict), c.arg(0, "", None{})
	if u := unknown(key); u != nil {
		spoil(v, u)
		return u
	}
	value, ok := d.get(key)
	if !ok {
		if len(c.Args) < 2 {
			f.raise(c.Place.Line, "KeyError", "there is no key %s", display(key))
		}
		return known(c.Args[1])
	}
	f.step(len(d.items))
	d.delete(key)
	return known(value)
}

func dictKeys(f *frame, v Value, _ Call) Value {
	f.step(len(v.(*Dict).items))
	return &List{Items: v.(*Dict).keys()}
}

func dictValues(f *frame, v Value, _ Call) Value {
	f.step(len(v.(*Dict).items))
	list := &List{}
	for _, item := range v.(*Dict).items {
		list.Items = append(list.Items, item.Value)
	}
	return list
}

func dictItems(f *frame, v Value, _ Call) Value {
	f.step(len(v.(*Dict).items))
	list := &List{}
	for _, item := range v.(*Dict).items {
		list.Items = append(list.Items, Tuple{item.Key, item.Value})
	}
	return list
}

func listAppend(f *frame, v Value, c Call) Value {
	list := v.(*List)
	f.charge(1)
	list.Items = append(list.Items, c.arg(0, "", None{}))
	return None{}
}

func listInsert(f *frame, v Value, c Call) Value {
	list := v.(*List)
	i, ok := c.arg(0, "", None{}).(Int)
	if !ok || len(c.Args) != 2 {
		return change(v, c)
	}
	at := int(min(i, Int(len(list.Items))))
	if at < 0 {
		at = max(0, at+len(list.Items))
	}
	f.charge(len(list.Items))
	list.Items = slices.Insert(list.Items, at, c.Args[1])
	return None{}
}

func listExtend(f *frame, v Value, c Call) Value {
	list, from := v.(*List), c.arg(0, "", None{})
	items, ok := f.elements(from)
	if u := unknown(from); u != nil || !ok {
		list.spoiled = cmp.Or(u, c.Unknown("a list extended by a %s", TypeName(from)))
		return None{}
	}
	f.charge(len(list.Items) + len(items))
	list.Items = append(list.Items, items...)
	return None{}
}

func (f *frame) find(list *List, item Value, c Call) (int, *Unknown) {
	for i := range list.Items {
		same, u := f.equal(list.Items[i], item)
		if u != nil {
			return 0, u
		}
		if same {
			return i, nil
		}
	}
	f.raise(c.Place.Line, "ValueError", "a value is not in the list")
	return 0, nil
}

func listRemove(f *frame, v Value, c Call) Value {
	list := v.(*List)
	at, u := f.find(list, c.arg(0, "", None{}), c)
	if u != nil {
		list.spoiled = u
		return None{}
	}
	list.Items = slices.Delete(list.Items, at, at+1)
	return None{}
}

func listIndex(f *frame, v Value, c Call) Value {
	at, u := f.find(v.(*List), c.arg(0, "", None{}), c)
	if u != nil {
		return u
	}
	return Int(at)
}

func listPop(f *frame, v Value, c Call) Value {
	list := v.(*List)
	i, ok := c.arg(0, "", Int(-1)).(Int)
	at := indexOf(int(i), len(list.Items))
	if !ok || at < 0 {
		return change(v, c)
	}
	value := list.Items[at]
	f.charge(len(list.Items))
	list.Items = slices.Delete(list.Items, at, at+1)
	return known(value)
}

func setAdd(_ *frame, v Value, c Call) Value {
	if !v.(*Set).set(c.arg(0, "", None{}), None{}) {
		return change(v, c)
	}
	return None{}
}

func joinText(f *frame, v Value, c Call) Value {
	items, ok := f.elements(c.arg(0, "", None{}))
	if !ok {
		return c.odd(c.arg(0, "", None{}))
	}
	var b strings.Builder
	for i, item := range items {
		if u := unknown(item); u != nil {
			return u
		}
		s, ok := item.(Str)
		if !ok {
			f.raise(c.Place.Line, "TypeError", "a %s cannot be joined", TypeName(item))
		}
		if i > 0 {
			b.WriteString(string(v.(Str)))
		}
		b.WriteString(string(s))
		f.step(len(s) / 64)
		f.bound(b.Len())
	}
	return Str(b.String())
}

func strList(f *frame, parts []string) Value {
	f.step(len(parts))
	list := &List{}
	for _, part := range parts {
		list.Items = append(list.Items, Str(part))
	}
	return list
}

func split(f *frame, v Value, c Call) Value {
	s := string(v.(Str))
	f.charge(len(s))
	if len(c.Args) > 1 || c.Named["maxsplit"] != nil {
		return c.Unknown("a split with a limit is not understood")
	}
	switch sep := c.arg(0, "sep", None{}).(type) {
	case None:
		return strList(f, strings.Fields(s))
	case Str:
		if sep == "" {
			f.raise(c.Place.Line, "ValueError", "an empty separator")
		}
		return strList(f, strings.Split(s, string(sep)))
	default:
		return c.odd(sep)
	}
}

func splitLines(f *frame, v Value, c Call) Value {
	s := strings.ReplaceAll(strings.ReplaceAll(string(v.(Str)), "\r\n", "\n"), "\r", "\n")
	f.charge(len(s))
	if s == "" {
		return &List{}
	}
	return strList(f, strings.Split(strings.TrimSuffix(s, "\n"), "\n"))
}

func partition(f *frame, v Value, c Call) Value {
	sep, ok := c.arg(0, "", None{}).(Str)
	if !ok || sep == "" {
		return c.odd(c.arg(0, "", None{}))
	}
	before, after, found := strings.Cut(string(v.(Str)), string(sep))
	if !found {
		return Tuple{v, Str(""), Str("")}
	}
	return Tuple{Str(before), sep, Str(after)}
}

func replace(f *frame, v Value, c Call) Value {
	old, ok1 := c.arg(0, "", None{}).(Str)
	with, ok2 := c.arg(1, "", None{}).(Str)
	if !ok1 || !ok2 || len(c.Args) != 2 {
		return c.Unknown("this replace is not understood")
	}
	n := strings.Count(string(v.(Str)), string(old))
	f.charge(len(v.(Str)) + times(len(with), Int(n)))
	return Str(strings.ReplaceAll(string(v.(Str)), string(old), string(with)))
}

func strip1(trim func(string, string) string, space func(string, func(rune) bool) string) method {
	return func(f *frame, v Value, c Call) Value {
		f.charge(len(v.(Str)))
		switch chars := c.arg(0, "", None{}).(type) {
		case None:
			return Str(space(string(v.(Str)), isSpace))
		case Str:
			return Str(trim(string(v.(Str)), string(chars)))
		default:
			return c.odd(chars)
		}
	}
}

var strip = strip1(strings.Trim, strings.TrimFunc)

func simple(do func(string) string) method {
	return func(f *frame, v Value, _ Call) Value {
		f.charge(len(v.(Str)))
		return Str(do(string(v.(Str))))
	}
}

func affix(has func(string, string) bool) method {
	return func(f *frame, v Value, c Call) Value {
		arg := c.arg(0, "", None{})
		tries, isTuple := arg.(Tuple)
		if !isTuple {
			tries = Tuple{arg}
		}
		for _, try := range tries {
			s, ok := try.(Str)
			if !ok || len(c.Args) > 1 {
				return c.odd(try)
			}
			if has(string(v.(Str)), string(s)) {
				return Bool(true)
			}
		}
		return Bool(false)
	}
}

func isDigit(f *frame, v Value, c Call) Value {
	s := string(v.(Str))
	f.charge(len(s))
	return Bool(s != "" && strings.Trim(s, "0123456789") == "")
}

func scopeUpdate(f *frame, v Value, c Call) Value {
	d, ok := c.arg(0, "", &Dict{}).(*Dict)
	if !ok || unknown(d) != nil {
		v.(*scope).names.obscure(c.Unknown("it may be set by globals().update(…)"))
		return None{}
	}
	for _, item := range d.items {
		if name, ok := item.Key.(Str); ok {
			v.(*scope).names.bind(string(name), item.Value, c.Place, nil)
		}
	}
	for name, value := range c.Named {
		v.(*scope).names.bind(name, value, c.Place, nil)
	}
	return None{}
}

func scopeGet(_ *frame, v Value, c Call) Value {
	name, ok := c.arg(0, "", None{}).(Str)
	if !ok {
		return c.odd(c.arg(0, "", None{}))
	}
	if b := v.(*scope).names.Lookup(string(name)); b != nil {
		return known(b.Value)
	}
	return c.arg(1, "", None{})
}
