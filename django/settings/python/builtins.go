package python

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// builtins are the functions that are always there.
var builtins map[string]*Function

func init() { // they call each other
	builtins = map[string]*Function{
		"dict":       {call: makeDict, takes: true},
		"list":       {call: makeList, takes: true},
		"tuple":      {call: makeTuple, takes: true},
		"set":        {call: makeSet},
		"frozenset":  {call: makeSet},
		"sorted":     {call: sorted},
		"str":        {call: makeStr},
		"int":        {call: makeInt},
		"float":      {call: makeFloat},
		"bool":       {call: makeBool},
		"len":        {call: length, takes: true},
		"range":      {call: makeRange},
		"min":        {call: extreme(-1)},
		"max":        {call: extreme(1)},
		"any":        {call: decided(true)},
		"all":        {call: decided(false)},
		"sum":        {call: sum},
		"abs":        {call: magnitude},
		"repr":       {call: makeRepr},
		"isinstance": {call: isInstance, takes: true},
		"type":       {call: func(_ *frame, c Call) Value { return c.Unknown("a type is not looked into") }},
		"print":      {call: func(*frame, Call) Value { return None{} }, takes: true},
		"open":       {call: openFile},
		"compile":    {call: func(_ *frame, c Call) Value { return c.arg(0, "source", None{}) }},
		"exec":       {call: execute, takes: true},
		"eval":       {call: func(_ *frame, c Call) Value { return c.Unknown("eval is not looked into") }},
		"globals":    {call: func(f *frame, _ Call) Value { return &scope{f.names} }},
		"locals":     {call: func(f *frame, _ Call) Value { return &scope{f.names} }},
		"vars":       {call: func(f *frame, _ Call) Value { return &scope{f.names} }},
		"enumerate":  {call: enumerate, takes: true},
		"zip":        {call: zip, takes: true},
		"reversed":   {call: reversed, takes: true},
		"getattr":    {call: getAttribute, takes: true},
		"hasattr":    {call: hasAttribute, takes: true},
		"setattr":    {call: setAttribute, takes: true},
	}
	for name, function := range builtins {
		function.Name = name
	}
}

// moreBuiltins are always there too, and not looked into.
var moreBuiltins = []string{
	"aiter", "anext", "ascii", "bin", "breakpoint", "bytearray", "bytes", "callable",
	"chr", "classmethod", "complex", "copyright", "credits", "delattr", "dir", "divmod",
	"exit", "filter", "format", "hash", "help", "hex", "id", "input", "issubclass", "iter",
	"license", "map", "memoryview", "next", "object", "oct", "ord", "pow", "property",
	"quit", "round", "slice", "staticmethod", "super", "NotImplemented", "Ellipsis",
	"__import__", "__build_class__", "__builtins__", "__debug__", "__loader__",
	"ArithmeticError", "AssertionError", "AttributeError", "BaseException",
	"BaseExceptionGroup", "BlockingIOError", "BrokenPipeError", "BufferError",
	"BytesWarning", "ChildProcessError", "ConnectionAbortedError", "ConnectionError",
	"ConnectionRefusedError", "ConnectionResetError", "DeprecationWarning", "EOFError",
	"EncodingWarning", "EnvironmentError", "Exception", "ExceptionGroup",
	"FileExistsError", "FileNotFoundError", "FloatingPointError", "FutureWarning",
	"GeneratorExit", "IOError", "ImportError", "ImportWarning", "IndentationError",
	"IndexError", "InterruptedError", "IsADirectoryError", "KeyError",
	"KeyboardInterrupt", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError",
	"NotADirectoryError", "NotImplementedError", "OSError", "OverflowError",
	"PendingDeprecationWarning", "PermissionError", "ProcessLookupError",
	"RecursionError", "ReferenceError", "ResourceWarning", "RuntimeError",
	"RuntimeWarning", "StopAsyncIteration", "StopIteration", "SyntaxError",
	"SyntaxWarning", "SystemError", "SystemExit", "TabError", "TimeoutError", "TypeError",
	"UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError",
	"UnicodeTranslateError", "UnicodeWarning", "UserWarning", "ValueError", "Warning",
	"ZeroDivisionError",
}

// arg is the argument at i, or of that name.
func (c Call) arg(i int, name string, otherwise Value) Value {
	if i < len(c.Args) {
		return c.Args[i]
	}
	if v, ok := c.Named[name]; ok && name != "" {
		return v
	}
	return otherwise
}

func (c Call) odd(v Value) Value {
	if u := unknown(v); u != nil {
		return u
	}
	return c.Unknown("a call with a %s is not understood", TypeName(v))
}

func makeDict(f *frame, c Call) Value {
	d := &Dict{}
	for _, arg := range c.Args {
		f.update(d, arg, c.Place.Line)
	}
	for _, name := range sortedNames(c.Named) {
		d.set(Str(name), c.Named[name])
	}
	return known(d)
}

func sortedNames(m map[string]Value) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// items takes the one argument apart.
func (c Call) items(f *frame) ([]Value, Value) {
	if len(c.Args) == 0 {
		return nil, nil
	}
	items, ok := f.elements(c.Args[0])
	if u := unknown(c.Args[0]); u != nil || !ok {
		return nil, c.odd(c.Args[0])
	}
	f.charge(len(items))
	return items, nil
}

func makeList(f *frame, c Call) Value {
	items, odd := c.items(f)
	if odd != nil {
		return odd
	}
	return &List{Items: slices.Clone(items)}
}

func makeTuple(f *frame, c Call) Value {
	items, odd := c.items(f)
	if odd != nil {
		return odd
	}
	return Tuple(slices.Clone(items))
}

func makeSet(f *frame, c Call) Value {
	items, odd := c.items(f)
	if odd != nil {
		return odd
	}
	return f.set(items, c.Place.Line)
}

func sorted(f *frame, c Call) Value {
	items, odd := c.items(f)
	if odd != nil || c.Named["key"] != nil {
		return cmp.Or(odd, Value(c.Unknown("a sort by a key is not understood")))
	}
	items = slices.Clone(items)
	var unsure *Unknown
	slices.SortStableFunc(items, func(x, y Value) int {
		order, u := f.order(x, y, c.Place.Line)
		unsure = cmp.Or(unsure, u)
		return order
	})
	if unsure != nil {
		return unsure
	}
	if back, _ := truth(c.arg(9, "reverse", Bool(false))); back {
		slices.Reverse(items)
	}
	return &List{Items: items}
}

func makeStr(f *frame, c Call) Value {
	v := c.arg(0, "object", Str(""))
	if s, ok := f.text(v); ok && len(c.Args) < 2 {
		f.charge(len(s))
		return Str(s)
	}
	return c.odd(v)
}

func makeRepr(f *frame, c Call) Value {
	if s, ok := f.repr(c.arg(0, "", None{}), 0); ok {
		return Str(s)
	}
	return c.odd(c.arg(0, "", None{}))
}

func makeInt(f *frame, c Call) Value {
	switch v := c.arg(0, "", Int(0)).(type) {
	case Str:
		if len(c.Args) > 1 {
			return c.Unknown("a number to another base is not understood")
		}
		s := strings.TrimSpace(string(v))
		if strings.Contains(s, "__") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") {
			f.raise(c.Place.Line, "ValueError", "a text is no number")
		}
		n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
		if err != nil {
			f.raise(c.Place.Line, "ValueError", "a text is no number")
		}
		return Int(n)
	default:
		real, whole, isWhole, ok := numeric(v)
		switch {
		case !ok:
			return c.odd(v)
		case isWhole:
			return Int(whole)
		case math.Abs(real) < 1<<62:
			return Int(int64(real))
		}
		return c.Unknown("a number is too large")
	}
}

func makeFloat(f *frame, c Call) Value {
	v := c.arg(0, "", Float(0))
	if s, ok := v.(Str); ok {
		n, err := strconv.ParseFloat(strings.TrimSpace(string(s)), 64)
		if err != nil {
			f.raise(c.Place.Line, "ValueError", "a text is no number")
		}
		return Float(n)
	}
	real, _, _, ok := numeric(v)
	if !ok {
		return c.odd(v)
	}
	return Float(real)
}

func makeBool(_ *frame, c Call) Value {
	yes, u := truth(c.arg(0, "", Bool(false)))
	if u != nil {
		return u
	}
	return Bool(yes)
}

func length(f *frame, c Call) Value {
	v := c.arg(0, "", None{})
	if s, ok := v.(Str); ok {
		f.charge(len(s))
		return Int(utf8.RuneCountInString(string(s)))
	}
	if items, ok := f.elements(v); ok && unknown(v) == nil {
		return Int(len(items))
	}
	return c.odd(v)
}

func makeRange(f *frame, c Call) Value {
	bounds := []int64{0, 0, 1}
	for i, arg := range c.Args {
		n, ok := arg.(Int)
		if !ok || i > 2 {
			return c.odd(arg)
		}
		bounds[i] = int64(n)
	}
	if len(c.Args) == 1 {
		bounds[0], bounds[1] = 0, bounds[0]
	}
	if bounds[2] < 1 {
		return c.Unknown("a range that goes backwards is not understood")
	}
	list := &List{}
	for i := bounds[0]; i < bounds[1]; i += bounds[2] {
		f.step(1)
		list.Items = append(list.Items, Int(i))
		if i > math.MaxInt64-bounds[2] {
			break
		}
	}
	return list
}

// extreme makes min (sign -1) and max (sign 1).
func extreme(sign int) func(*frame, Call) Value {
	return func(f *frame, c Call) Value {
		items := c.Args
		if len(items) == 1 {
			var odd Value
			if items, odd = c.items(f); odd != nil {
				return odd
			}
		}
		if len(items) == 0 || c.Named != nil {
			return c.Unknown("this min or max is not understood")
		}
		best := items[0]
		for _, item := range items[1:] {
			order, u := f.order(item, best, c.Place.Line)
			if u != nil {
				return u
			}
			if order*sign > 0 {
				best = item
			}
		}
		return best
	}
}

// decided makes any, which the first true item decides, and all, which the first
// false one does.
func decided(by bool) func(*frame, Call) Value {
	return func(f *frame, c Call) Value {
		items, odd := c.items(f)
		if odd != nil {
			return odd
		}
		for _, item := range items {
			yes, u := truth(item)
			if u != nil {
				return u
			}
			if yes == by {
				return Bool(by)
			}
		}
		return Bool(!by)
	}
}

func sum(f *frame, c Call) Value {
	items, odd := c.items(f)
	if odd != nil {
		return odd
	}
	total := c.arg(1, "start", Int(0))
	for _, item := range items {
		f.step(1)
		total = f.operate("+", total, item, c.Place.Line)
	}
	return total
}

func magnitude(f *frame, c Call) Value {
	if n, ok := c.arg(0, "", None{}).(Int); ok && n > math.MinInt64 {
		return Int(max(n, -n))
	}
	return c.odd(c.arg(0, "", None{}))
}

func isInstance(_ *frame, c Call) Value {
	v, class := c.arg(0, "", None{}), c.arg(1, "", None{})
	if u := unknown(v); u != nil {
		return u
	}
	function, ok := class.(*Function)
	if !ok || builtins[function.Name] != function {
		return c.Unknown("this isinstance is not understood")
	}
	is := TypeName(v)
	return Bool(is == function.Name || is == "bool" && function.Name == "int")
}

func enumerate(f *frame, c Call) Value {
	items, odd := c.items(f)
	start, ok := c.arg(1, "start", Int(0)).(Int)
	if odd != nil || !ok {
		return cmp.Or(odd, Value(c.Unknown("this enumerate is not understood")))
	}
	list := &List{}
	for i, item := range items {
		list.Items = append(list.Items, Tuple{start + Int(i), item})
	}
	return list
}

func zip(f *frame, c Call) Value {
	list := &List{}
	for i := 0; len(c.Args) > 0; i++ {
		var tuple Tuple
		for _, arg := range c.Args {
			f.step(1)
			items, ok := f.elements(arg)
			if u := unknown(arg); u != nil || !ok {
				return c.odd(arg)
			}
			if i >= len(items) {
				return list
			}
			tuple = append(tuple, items[i])
		}
		list.Items = append(list.Items, tuple)
	}
	return list
}

func reversed(f *frame, c Call) Value {
	items, odd := c.items(f)
	if odd != nil {
		return odd
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	return &List{Items: items}
}

func getAttribute(f *frame, c Call) Value {
	name, ok := c.arg(1, "", None{}).(Str)
	if !ok || len(c.Args) < 2 {
		return c.odd(c.arg(1, "", None{}))
	}
	if m, ok := c.Args[0].(*Module); ok && m.Attrs[string(name)] == nil && len(c.Args) == 3 {
		return c.Unknown("what %s has as %s is not known", m.Name, name)
	}
	return f.attribute(c.Args[0], string(name), c.Place.Line)
}

func hasAttribute(_ *frame, c Call) Value {
	m, ok := c.arg(0, "", None{}).(*Module)
	name, isStr := c.arg(1, "", None{}).(Str)
	if ok && isStr && m.Attrs[string(name)] != nil {
		return Bool(true)
	}
	return c.Unknown("this hasattr is not understood")
}

// setAttribute may set a name of this very module.
func setAttribute(f *frame, c Call) Value {
	f.spoilArguments(c, c.Unknown("setattr is not looked into"))
	return None{}
}

// execute is exec(text): in the same names, as settings do it.
func execute(f *frame, c Call) Value {
	source, ok := c.arg(0, "", None{}).(Str)
	if !ok || unknown(c.arg(0, "", None{})) != nil {
		u := c.Unknown("what exec executes is not known")
		if why := unknown(c.arg(0, "", None{})); why != nil {
			u.Why = "it may be set by what exec executes, and " + why.Why
		}
		f.names.obscure(u)
		return None{}
	}
	for _, arg := range c.Args[1:] {
		if s, ok := arg.(*scope); !ok || s.names != f.names {
			return None{} // in names of its own
		}
	}
	file := f.file
	if path, ok := f.read[string(source)]; ok {
		file = path
	}
	return f.include(file, string(source))
}

func (f *frame) include(file, source string) Value {
	if f.depth++; f.depth > maxImports {
		panic(boundError("too many settings files execute each other"))
	}
	f.names.exec(file, source)
	f.depth--
	return None{}
}

// display shows a value in a message: what it is, not what it holds where that may
// be a secret. Keys are shown.
func display(v Value) string {
	if s, ok := v.(Str); ok && len(s) <= 64 {
		return quote(string(s))
	}
	if s, ok := str(v); ok && len(s) <= 64 {
		return s
	}
	return "(" + TypeName(v) + ")"
}
