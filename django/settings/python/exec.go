package python

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// frame executes one file.
type frame struct {
	*run
	names  *Namespace
	file   string
	trying int // how many try statements are around
	doubts []doubt
}

// doubt is a point at which an exception may have been raised, or not.
type doubt struct {
	why        *Unknown
	importOnly bool // an ImportError, nothing else
	before     state
}

// raised is an exception that surely is raised.
type raised struct {
	exception string
	why       *Unknown
}

// signal is how a statement ends: "", "break", "continue", or "unsure" where one of
// these may have been.
type signal string

func (f *frame) place(line int) Place { return Place{f.file, line} }

func (f *frame) unknown(line int, format string, args ...any) *Unknown {
	return &Unknown{Why: fmt.Sprintf(format, args...), Place: f.place(line)}
}

func (f *frame) raise(line int, exception, format string, args ...any) {
	panic(raised{exception, f.unknown(line, format, args...)})
}

func (f *frame) exec(block []statement) signal {
	for _, s := range block {
		if end := f.statement(s); end != "" {
			return end
		}
	}
	return ""
}

// statement executes s. Where nothing catches an exception, the site would not
// start here; what s would have set is unknown then.
func (f *frame) statement(s statement) signal {
	f.step(1)
	if f.trying > 0 {
		return f.execute(s)
	}
	end, failure := f.catch(func() signal { return f.execute(s) })
	if failure != nil {
		f.forget([]statement{s}, failure.why)
	}
	return end
}

func (f *frame) catch(do func() signal) (end signal, failure *raised) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case raised:
			failure = &thrown
		default:
			panic(thrown)
		}
	}()
	return do(), nil
}

func (f *frame) execute(s statement) signal {
	switch s := s.(type) {
	case *expressionStatement:
		f.eval(s.x)
		f.changed(s)
	case *assignment:
		value := f.eval(s.value)
		for _, target := range s.targets {
			f.assign(target, value, s.at(), s.value)
		}
	case *augmented:
		f.augment(s)
	case *deletion:
		for _, target := range s.targets {
			f.remove(target)
		}
	case *ifStatement:
		return f.ifElse(s)
	case *forStatement:
		return f.loop(s)
	case *whileStatement:
		return f.while(s)
	case *tryStatement:
		return f.try(s)
	case *withStatement:
		return f.with(s)
	case *importStatement:
		f.importModule(s)
	case *fromImport:
		f.importFrom(s)
	case *raiseStatement:
		f.raiseIt(s)
	case *functionStatement:
		f.bind(s.name, &Function{Name: s.name, body: s}, s.at())
	case *classStatement:
		f.bind(s.name, f.unknown(s.at(), "the class %s is not looked into", s.name), s.at())
		for _, name := range s.sets {
			f.bind(name, f.unknown(s.at(), "it is set inside of the class %s, which is not looked into", s.name), s.at())
		}
	case *jump:
		if s.word != "pass" {
			return signal(s.word)
		}
	case *unknownStatement:
		f.forget([]statement{s}, f.unknown(s.at(), "%s", s.why))
	}
	return ""
}

func (f *frame) bind(name string, value Value, line int) {
	f.names.bind(name, value, f.place(line), nil)
}

// touch notes that a part of the name's value was changed here.
func (f *frame) touch(name string, line int) {
	if b := f.names.names[name]; b != nil {
		b.Place = f.place(line)
	}
}

// changed notes a call such as NAME.update(…).
func (f *frame) changed(s *expressionStatement) {
	if c, ok := s.x.(*call); ok {
		if a, ok := c.function.(*attribute); ok && slices.Contains(mutators, a.name) {
			f.touch(root(a.x), s.at())
		}
	}
}

// root is the name that an expression such as NAME['a'].b starts from.
func root(x expression) string {
	for {
		switch y := x.(type) {
		case *nameExpr:
			return y.name
		case *attribute:
			x = y.x
		case *subscript:
			x = y.x
		case *call:
			x = y.function
		default:
			return ""
		}
	}
}

// described is the last name of an expression such as contextlib.suppress.
func described(x expression) string {
	if a, ok := x.(*attribute); ok {
		return a.name
	}
	return root(x)
}

// assign gives target the value; from is the expression it is from, if any.
func (f *frame) assign(target expression, value Value, line int, from expression) {
	switch target := target.(type) {
	case *nameExpr:
		if before := f.names.names[target.name]; before != nil && from != nil && uses(from, target.name) {
			// X = X + […] overrides nothing.
			f.names.names[target.name] = &Binding{value, f.place(line), before.Overridden}
			return
		}
		f.bind(target.name, value, line)
	case *subscript:
		container := f.eval(target.x)
		if ns, ok := container.(*scope); ok {
			if key, ok := f.eval(target.index).(Str); ok {
				f.bind(string(key), value, line)
			} else {
				ns.names.obscure(f.unknown(line, "it may be set by globals()[…]"))
			}
			return
		}
		f.store(container, f.index(target.index), value, line)
		f.touch(root(target.x), line)
	case *attribute:
		f.eval(target.x) // which has no attributes that matter
	case *starred:
		f.assign(target.x, value, line, from)
	case *sequence:
		f.unpack(target.items, value, line, from)
	}
}

func (f *frame) unpack(targets []expression, value Value, line int, from expression) {
	values, ok := f.elements(value)
	if u := unknown(value); u != nil || !ok {
		u = cmp.Or(u, f.unknown(line, "what is assigned cannot be taken apart"))
		for _, target := range targets {
			f.assign(target, u, line, from)
		}
		return
	}
	star := slices.IndexFunc(targets, func(x expression) bool { _, is := x.(*starred); return is })
	if star >= 0 && len(values) >= len(targets)-1 {
		end := len(values) - (len(targets) - star - 1)
		middle := &List{Items: slices.Clone(values[star:end])}
		values = append(append(slices.Clone(values[:star]), middle), values[end:]...)
	}
	if len(values) != len(targets) {
		f.raise(line, "ValueError", "%d values cannot be assigned to %d names", len(values), len(targets))
	}
	for i, target := range targets {
		f.assign(target, values[i], line, from)
	}
}

// store is container[key] = value.
func (f *frame) store(container, key, value Value, line int) {
	if u := unknown(container); u != nil {
		return
	}
	if u := unknown(key); u != nil {
		spoil(container, u)
		return
	}
	switch c := container.(type) {
	case *Dict:
		if !c.set(key, value) {
			spoil(c, f.unknown(line, "a %s cannot be a key", TypeName(key)))
		}
	case *List:
		i, ok := key.(Int)
		if at := indexOf(int(i), len(c.Items)); ok && at >= 0 {
			c.Items[at] = value
			return
		}
		spoil(c, f.unknown(line, "a list changed in a way that is not understood"))
	default:
		f.raise(line, "TypeError", "a %s has no items to assign to", TypeName(container))
	}
}

// position2 is the index that Python means by i, or -1.
func indexOf(i, length int) int {
	if i < 0 {
		i += length
	}
	if i < 0 || i >= length {
		return -1
	}
	return i
}

func (f *frame) augment(s *augmented) {
	before := f.eval(s.target)
	y := f.eval(s.value)
	if list, ok := before.(*List); ok && s.op == "+" && list.spoiled == nil { // in place
		items, ok := f.elements(y)
		if u := unknown(y); u != nil || !ok {
			spoil(list, cmp.Or(u, f.unknown(s.at(), "a list and a %s cannot be added", TypeName(y))))
		} else {
			f.charge(len(list.Items) + len(items))
			list.Items = append(list.Items, items...)
		}
		f.touch(root(s.target), s.at())
		return
	}
	if dict, ok := before.(*Dict); ok && s.op == "|" && dict.spoiled == nil {
		f.update(dict, y, s.at())
		f.touch(root(s.target), s.at())
		return
	}
	f.assign(s.target, f.operate(s.op, before, y, s.at()), s.at(), s.target)
}

func (f *frame) remove(target expression) {
	switch t := target.(type) {
	case *nameExpr:
		if _, ok := f.names.names[t.name]; !ok {
			f.raise(t.at(), "NameError", "%s is not defined", t.name)
		}
		delete(f.names.names, t.name)
		if f.names.fog != nil {
			f.bind(t.name, f.unknown(t.at(), "it was deleted"), t.at())
		}
	case *subscript:
		container, key := f.eval(t.x), f.index(t.index)
		if u := cmp.Or(unknown(container), unknown(key)); u != nil {
			spoil(container, u)
			return
		}
		switch c := container.(type) {
		case *Dict:
			f.step(len(c.items))
			if !c.delete(key) {
				f.raise(t.at(), "KeyError", "there is no key %s to delete", display(key))
			}
		case *List:
			i, ok := key.(Int)
			at := indexOf(int(i), len(c.Items))
			if !ok || at < 0 {
				spoil(c, f.unknown(t.at(), "a list changed in a way that is not understood"))
				return
			}
			f.charge(len(c.Items))
			c.Items = slices.Delete(c.Items, at, at+1)
		}
		f.touch(root(t.x), t.at())
	}
}

// condition is the truth of x, or why it is unknown.
func (f *frame) condition(x expression) (bool, *Unknown) {
	if f.trying > 0 {
		return truth(f.eval(x))
	}
	var value Value
	_, failure := f.catch(func() signal { value = f.eval(x); return "" })
	if failure != nil {
		return false, failure.why
	}
	return truth(value)
}

func (f *frame) ifElse(s *ifStatement) signal {
	yes, u := f.condition(s.condition)
	switch {
	case u != nil:
		return f.either(u, s, func() signal { return f.exec(s.body) }, func() signal { return f.exec(s.elseBody) })
	case yes:
		return f.exec(s.body)
	default:
		return f.exec(s.elseBody)
	}
}

const depends = "it depends on what cannot be known: "

func dependsOn(u *Unknown) *Unknown {
	return &Unknown{Why: depends + strings.TrimPrefix(u.Why, depends), Mend: u.Mend, Place: u.Place}
}

// either executes the two ways that s may go; what they do not agree on is unknown.
func (f *frame) either(u *Unknown, s statement, one, other func() signal) signal {
	why := dependsOn(u)
	second := f.names.state.copy(f.run)
	end1, failure1 := f.catch(one)
	first := f.names.state
	f.names.state = second
	end2, failure2 := f.catch(other)
	f.names.state = first.merge(f.names.state, why, f.run)
	if failure1 != nil || failure2 != nil { // in a try: maybe raised
		f.forget([]statement{s}, why)
		f.doubt(why, false)
	}
	if end1 != end2 {
		return "unsure"
	}
	return end1
}

func (f *frame) loop(s *forStatement) signal {
	x := f.eval(s.x)
	items, ok := f.elements(x)
	if u := unknown(x); u != nil || !ok {
		u = cmp.Or(u, f.unknown(s.at(), "a loop over what is not understood"))
		f.forget([]statement{s}, u)
		return ""
	}
	f.charge(len(items))
	for _, item := range slices.Clone(items) {
		f.step(1)
		f.assign(s.target, item, s.at(), nil)
		switch f.exec(s.body) {
		case "break":
			return ""
		case "unsure":
			f.forget([]statement{s}, f.unknown(s.at(), "a loop that may end at any time"))
			return ""
		}
	}
	return f.exec(s.elseBody)
}

func (f *frame) while(s *whileStatement) signal {
	for {
		f.step(1)
		yes, u := f.condition(s.condition)
		if u != nil {
			f.forget([]statement{s}, u)
			return ""
		}
		if !yes {
			return f.exec(s.elseBody)
		}
		switch f.exec(s.body) {
		case "break":
			return ""
		case "unsure":
			f.forget([]statement{s}, f.unknown(s.at(), "a loop that may end at any time"))
			return ""
		}
	}
}

func (f *frame) with(s *withStatement) signal {
	if c, ok := s.context.(*call); ok && strings.HasSuffix(described(c.function), "suppress") {
		caught := &sequence{position: s.position, open: "("}
		for _, a := range c.arguments {
			caught.items = append(caught.items, a.value)
		}
		return f.try(&tryStatement{position: s.position, body: s.body, handlers: []handler{{exception: caught}}})
	}
	context := f.eval(s.context)
	if s.target != nil {
		f.assign(s.target, context, s.at(), nil)
	}
	return f.exec(s.body)
}

// doubt notes that an exception may be raised here.
func (f *frame) doubt(why *Unknown, importOnly bool) {
	if f.trying > 0 && len(f.doubts) < 8 {
		f.doubts = append(f.doubts, doubt{why, importOnly, f.names.state.copy(f.run)})
	}
}

func (f *frame) try(s *tryStatement) signal {
	around := f.doubts
	f.doubts = nil
	f.trying++
	end, failure := f.catch(func() signal { return f.exec(s.body) })
	f.trying--
	doubts := f.doubts
	f.doubts = around

	switch {
	case failure != nil && len(doubts) > 0:
		f.forget([]statement{s}, doubts[0].why)
		failure = nil
	case failure != nil:
		if h := f.handler(s, failure.exception); h != nil {
			failure = nil
			end = f.exec(h.body)
		}
	default:
		if end == "" {
			end = f.exec(s.elseBody)
		}
		for _, d := range doubts {
			for _, h := range s.handlers {
				if d.importOnly && !f.matches(h, "ModuleNotFoundError") {
					continue
				}
				after := f.names.state
				f.names.state = d.before.copy(f.run)
				if _, thrown := f.catch(func() signal { return f.exec(h.body) }); thrown == nil {
					after = after.merge(f.names.state, dependsOn(d.why), f.run)
				}
				f.names.state = after
				if d.importOnly {
					break
				}
			}
		}
	}
	if last := f.exec(s.finally); last != "" {
		end = last
	}
	if failure != nil {
		if f.trying > 0 {
			panic(*failure)
		}
		f.forget(s.body, failure.why)
	}
	return end
}

func (f *frame) handler(s *tryStatement, exception string) *handler {
	for i := range s.handlers {
		if f.matches(s.handlers[i], exception) {
			return &s.handlers[i]
		}
	}
	return nil
}

// parents of exceptions, below Exception.
var parents = map[string]string{
	"ModuleNotFoundError": "ImportError", "KeyError": "LookupError", "IndexError": "LookupError",
	"FileNotFoundError": "OSError", "ZeroDivisionError": "ArithmeticError", "PermissionError": "OSError",
}

func (f *frame) matches(h handler, exception string) bool {
	if h.exception == nil {
		return true
	}
	for _, x := range flatten(h.exception) {
		name := described(x)
		switch name {
		case "IOError", "EnvironmentError":
			name = "OSError"
		case "Exception", "BaseException":
			return true
		}
		if name == exception || name == parents[exception] {
			return true
		}
	}
	return false
}

func (f *frame) raiseIt(s *raiseStatement) {
	x := s.x
	if c, ok := x.(*call); ok {
		x = c.function
	}
	name := cmp.Or(described(x), "an exception")
	f.raise(s.at(), name, "%s is raised", name)
}

// forget makes unknown what the statements would have set or changed.
func (f *frame) forget(block []statement, u *Unknown) {
	names, anything := assignedIn(block)
	if anything {
		f.names.obscure(u)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		b := f.names.names[name]
		if b == nil {
			if _, builtin := builtins[name]; !builtin {
				f.names.names[name] = &Binding{Value: u, Place: u.Place}
			}
			continue
		}
		if !names[name] { // mentioned only
			switch b.Value.(type) {
			case *Module, *Function:
				continue
			}
		}
		spoil(b.Value, u)
		b.Value, b.Place = u, u.Place
	}
}
