package python

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// scope is what globals() and locals() return.
type scope struct{ names *Namespace }

// eval computes x. What cannot be known is an *Unknown; what surely fails in Python
// is raised.
func (f *frame) eval(x expression) Value {
	f.step(1)
	switch x := x.(type) {
	case *literal:
		if u, ok := x.value.(*Unknown); ok {
			return f.unknown(u.Line, "%s", u.Why)
		}
		return x.value
	case *nameExpr:
		return f.name(x)
	case *sequence:
		items := f.items(x.items)
		if u := unknown(items); u != nil {
			return u
		}
		switch x.open {
		case "(":
			return Tuple(items.Items)
		case "[":
			return items
		}
		return f.set(items.Items, x.at())
	case *dictExpr:
		return f.dict(x)
	case *unary:
		return f.unary(x)
	case *binary:
		return f.operate(x.op, f.eval(x.x), f.eval(x.y), x.at())
	case *boolean:
		left := f.eval(x.x)
		yes, u := truth(left)
		switch {
		case u != nil:
			return u
		case yes == (x.op == "or"):
			return left
		}
		return f.eval(x.y)
	case *comparison:
		return f.comparison(x)
	case *conditional:
		yes, u := truth(f.eval(x.condition))
		switch {
		case u != nil:
			then, otherwise := f.eval(x.then), f.eval(x.otherwise)
			if same, unsure := f.equal(then, otherwise); same && unsure == nil {
				return then
			}
			return dependsOn(u)
		case yes:
			return f.eval(x.then)
		}
		return f.eval(x.otherwise)
	case *attribute:
		return f.attribute(f.eval(x.x), x.name, x.at())
	case *subscript:
		return f.item(f.eval(x.x), x, f.index(x.index))
	case *call:
		return f.call(x)
	case *comprehension:
		return f.comprehension(x)
	case *formatted:
		return f.formatted(x.parts, x.at())
	case *walrus:
		value := f.eval(x.x)
		f.bind(x.name, value, x.at())
		return value
	case *opaque:
		return f.unknown(x.at(), "%s is not computed", x.what)
	}
	return f.unknown(x.at(), "an expression that is not understood")
}

func (f *frame) name(x *nameExpr) Value {
	if b := f.names.Lookup(x.name); b != nil {
		return known(b.Value)
	}
	if builtin, ok := builtins[x.name]; ok {
		return builtin
	}
	switch x.name {
	case "__file__":
		return Str(absolute(f.file))
	case "__name__", "__package__", "__spec__", "__doc__":
		return f.unknown(x.at(), "%s is not known", x.name)
	}
	if slices.Contains(moreBuiltins, x.name) {
		return f.unknown(x.at(), "%s is not looked into", x.name)
	}
	f.raise(x.at(), "NameError", "the name %s is not defined", x.name)
	return nil
}

// items computes the items of a literal, with *x taken apart.
func (f *frame) items(xs []expression) *List {
	list := &List{Items: make([]Value, 0, len(xs))}
	for _, x := range xs {
		star, ok := x.(*starred)
		if !ok {
			list.Items = append(list.Items, f.eval(x))
			continue
		}
		value := f.eval(star.x)
		items, ok := f.elements(value)
		if u := unknown(value); u != nil || !ok {
			list.spoiled = cmp.Or(u, f.unknown(x.at(), "a *%s is not understood", TypeName(value)))
			continue
		}
		f.charge(len(list.Items) + len(items))
		list.Items = append(list.Items, items...)
	}
	return list
}

func (f *frame) set(items []Value, line int) Value {
	s := &Set{}
	for _, item := range items {
		if u := unknown(item); u != nil {
			return u
		}
		if _, had := s.get(item); !had && !s.set(item, None{}) {
			f.raise(line, "TypeError", "a %s cannot be in a set", TypeName(item))
		}
	}
	return s
}

func (f *frame) dict(x *dictExpr) Value {
	d := &Dict{}
	for i := range x.keys {
		if x.keys[i] == nil {
			f.update(d, f.eval(x.values[i]), x.at())
			continue
		}
		key, value := f.eval(x.keys[i]), f.eval(x.values[i])
		if u := unknown(key); u != nil {
			d.spoiled = u
			continue
		}
		if !d.set(key, value) {
			f.raise(x.at(), "TypeError", "a %s cannot be a key", TypeName(key))
		}
	}
	return d
}

// update takes over the items of another dictionary, or pairs.
func (f *frame) update(d *Dict, from Value, line int) {
	if u := unknown(from); u != nil {
		d.spoiled = u
		return
	}
	if other, ok := from.(*Dict); ok {
		for _, item := range slices.Clone(other.items) {
			f.step(1)
			d.set(item.Key, item.Value)
		}
		return
	}
	pairs, ok := f.elements(from)
	if !ok {
		d.spoiled = f.unknown(line, "a dictionary updated from a %s", TypeName(from))
		return
	}
	for _, pair := range pairs {
		f.step(1)
		kv, ok := f.elements(pair)
		if u := unknown(pair); u != nil || !ok || len(kv) != 2 || unknown(kv[0]) != nil || !d.set(kv[0], kv[1]) {
			d.spoiled = cmp.Or(u, f.unknown(line, "a dictionary updated from what are no pairs"))
			return
		}
	}
}

func (f *frame) index(x expression) Value {
	s, ok := x.(*slice)
	if !ok {
		return f.eval(x)
	}
	bounds := sliceValue{}
	for i, bound := range []expression{s.low, s.high, s.step} {
		if bound != nil {
			bounds[i] = f.eval(bound)
			if u := unknown(bounds[i]); u != nil {
				return u
			}
		}
	}
	return bounds
}

// sliceValue is [low:high:step]; nil where left out.
type sliceValue [3]Value

// item is container[index].
func (f *frame) item(container Value, x *subscript, index Value) Value {
	if u := cmp.Or(unknown(container), unknown(index)); u != nil {
		return u
	}
	if bounds, ok := index.(sliceValue); ok {
		return f.slice(container, bounds, x.at())
	}
	switch c := container.(type) {
	case *Dict:
		if value, ok := c.get(index); ok {
			return known(value)
		}
		if c == f.environ {
			u := f.unknown(x.at(), "the environment variable %s is not set", display(index))
			u.Mend = "set it as the site has it"
			panic(raised{"KeyError", u})
		}
		f.raise(x.at(), "KeyError", "there is no key %s", display(index))
	case *scope:
		if name, ok := index.(Str); ok {
			return f.name(&nameExpr{x.position, string(name)})
		}
	case *parentsOf:
		if i, ok := index.(Int); ok && i >= 0 && i < 100 {
			path := string(c.path)
			for range i + 1 {
				path = parent(path)
			}
			return Path(path)
		}
	case *List, Tuple, Str:
		i, ok := index.(Int)
		if !ok {
			break
		}
		items, _ := f.elements(c)
		at := indexOf(int(i), len(items))
		if at < 0 {
			f.raise(x.at(), "IndexError", "there is no item %d", i)
		}
		return known(items[at])
	}
	return f.unknown(x.at(), "a %s with an index is not understood", TypeName(container))
}

func (f *frame) slice(container Value, bounds sliceValue, line int) Value {
	items, ok := f.elements(container)
	if _, isDict := container.(*Dict); !ok || isDict {
		return f.unknown(line, "a slice of a %s is not understood", TypeName(container))
	}
	at := func(v Value, otherwise int) (int, bool) {
		switch v := v.(type) {
		case nil, None:
			return otherwise, true
		case Int:
			i := int(max(min(v, maxString), -maxString))
			if i < 0 {
				i += len(items)
			}
			return min(max(i, 0), len(items)), true
		}
		return 0, false
	}
	low, ok1 := at(bounds[0], 0)
	high, ok2 := at(bounds[1], len(items))
	step, ok3 := bounds[2].(Int)
	backwards := ok3 && step == -1 && bounds[0] == nil && bounds[1] == nil
	if !ok1 || !ok2 || bounds[2] != nil && !ok3 || ok3 && step != 1 && !backwards {
		return f.unknown(line, "this slice is not understood")
	}
	part := slices.Clone(items[low:max(low, high)])
	f.charge(len(part))
	if backwards {
		slices.Reverse(part)
	}
	switch container.(type) {
	case Str:
		var b strings.Builder
		for _, c := range part {
			b.WriteString(string(c.(Str)))
		}
		return Str(b.String())
	case Tuple:
		return Tuple(part)
	}
	return &List{Items: part}
}

func (f *frame) comprehension(x *comprehension) Value {
	names := f.names.state // its own names end with it
	inner := state{make(map[string]*Binding, len(names.names)), names.fog}
	for name, b := range names.names {
		f.step(1)
		inner.names[name] = b
	}
	f.names.state = inner
	defer func() { f.names.state = names }()

	var keys, values []Value
	var u *Unknown
	var each func(clauses []clause)
	each = func(clauses []clause) {
		f.step(1)
		if len(clauses) == 0 {
			if x.key != nil {
				keys = append(keys, f.eval(x.key))
			}
			values = append(values, f.eval(x.value))
			f.bound(len(values))
			return
		}
		c := clauses[0]
		over := f.eval(c.x)
		items, ok := f.elements(over)
		if why := unknown(over); why != nil || !ok {
			u = cmp.Or(u, why, f.unknown(x.at(), "a loop over what is not understood"))
			return
		}
		for _, item := range items {
			f.assign(c.target, item, x.at(), nil)
			pass := true
			for _, condition := range c.conditions {
				yes, why := truth(f.eval(condition))
				u = cmp.Or(u, why)
				pass = pass && yes
			}
			if pass && u == nil {
				each(clauses[1:])
			}
		}
	}
	each(x.clauses)
	switch {
	case u != nil:
		return u
	case x.key != nil:
		d := &Dict{}
		for i, key := range keys {
			if why := unknown(key); why != nil || !d.set(key, values[i]) {
				return cmp.Or(why, f.unknown(x.at(), "a %s cannot be a key", TypeName(key)))
			}
		}
		return d
	case x.open == "{":
		return f.set(values, x.at())
	}
	return &List{Items: values}
}

// Call is what a function is called with.
type Call struct {
	Args  []Value
	Named map[string]Value
	Place Place
}

// Unknown is a result that cannot be known.
func (c Call) Unknown(format string, args ...any) *Unknown {
	return &Unknown{Why: fmt.Sprintf(format, args...), Place: c.Place}
}

// Function is a function, a class or a bound method.
type Function struct {
	Name  string
	call  func(f *frame, c Call) Value
	takes bool               // takes arguments that are unknown
	body  *functionStatement // of one that the file defines, which is not called
}

// NewFunction makes a function for the modules of a Host. It is called with known
// arguments only.
func NewFunction(name string, do func(Call) Value) *Function {
	return &Function{Name: name, call: func(_ *frame, c Call) Value { return do(c) }}
}

// Module is an imported module.
type Module struct {
	Name  string
	Attrs map[string]Value
}

func (f *frame) call(x *call) Value {
	function := f.eval(x.function)
	c := Call{Place: f.place(x.at())}
	var u *Unknown
	for _, a := range x.arguments {
		value := f.eval(a.value)
		switch a.star {
		case "*":
			items, ok := f.elements(value)
			if why := unknown(value); why != nil || !ok {
				u = cmp.Or(u, why, f.unknown(x.at(), "a *%s is not understood", TypeName(value)))
			}
			f.charge(len(items))
			c.Args = append(c.Args, items...)
			continue
		case "**":
			d, ok := value.(*Dict)
			if why := unknown(value); why != nil || !ok {
				u = cmp.Or(u, why, f.unknown(x.at(), "a **%s is not understood", TypeName(value)))
				continue
			}
			for _, item := range d.items {
				if key, ok := item.Key.(Str); ok {
					c.name(string(key), item.Value)
				}
			}
			continue
		}
		if a.name != "" {
			c.name(a.name, value)
		} else {
			c.Args = append(c.Args, value)
		}
	}
	fn, ok := function.(*Function)
	switch {
	case ok && fn.body != nil:
		return f.local(fn, c)
	case !ok:
		return f.foreign(unknown(function), c, root(x.function))
	case u == nil && !fn.takes:
		for _, arg := range c.Args {
			u = cmp.Or(u, unknown(arg))
		}
		for _, arg := range c.Named {
			u = cmp.Or(u, unknown(arg))
		}
	}
	if u != nil {
		return u
	}
	return fn.call(f, c)
}

func (c *Call) name(name string, value Value) {
	if c.Named == nil {
		c.Named = map[string]Value{}
	}
	c.Named[name] = value
}

// local is a call of a function that the file defines, which is not looked into.
func (f *frame) local(fn *Function, c Call) Value {
	u := c.Unknown("the function %s is not looked into", fn.Name)
	if fn.body.anything {
		f.names.obscure(u)
	}
	for _, name := range fn.body.globals {
		f.lose(name, u)
	}
	for _, name := range fn.body.touches {
		if f.names.names[name] != nil {
			f.lose(name, u)
		}
	}
	f.spoilArguments(c, u)
	f.doubt(u, false)
	return u
}

// lose makes what the name stands for unknown.
func (f *frame) lose(name string, u *Unknown) {
	b := f.names.names[name]
	if b == nil {
		f.names.names[name] = &Binding{Value: u, Place: u.Place}
		return
	}
	switch b.Value.(type) {
	case *Module, *Function:
		return
	}
	spoil(b.Value, u)
	b.Value, b.Place = u, u.Place
}

// foreign is a call of what nobody knows; it may change what it is given.
func (f *frame) foreign(why *Unknown, c Call, name string) Value {
	u := c.Unknown("%s is not looked into", cmp.Or(name, "what is called"))
	if why != nil {
		u.Why = why.Why
	}
	f.spoilArguments(c, u)
	f.doubt(u, false)
	return u
}

func (f *frame) spoilArguments(c Call, u *Unknown) {
	spoilOne := func(v Value) {
		if s, ok := v.(*scope); ok {
			s.names.obscure(u)
			return
		}
		if fn, ok := v.(*Function); ok && fn.body != nil {
			f.local(fn, Call{Place: c.Place})
		} else if v != Value(f.environ) {
			spoil(v, u)
		}
	}
	for _, arg := range c.Args {
		spoilOne(arg)
	}
	for _, arg := range c.Named {
		spoilOne(arg)
	}
}
