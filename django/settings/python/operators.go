package python

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
)

func (f *frame) unary(x *unary) Value {
	v := f.eval(x.x)
	if u := unknown(v); u != nil {
		return u
	}
	if x.op == "not" {
		yes, _ := truth(v)
		return Bool(!yes)
	}
	real, whole, isWhole, ok := numeric(v)
	if !ok {
		f.raise(x.at(), "TypeError", "%s of a %s", x.op, TypeName(v))
	}
	switch {
	case x.op == "~" && isWhole:
		return Int(^whole)
	case x.op == "-" && isWhole && whole != math.MinInt64:
		return Int(-whole)
	case x.op == "-" && !isWhole:
		return Float(-real)
	case x.op == "+" && isWhole:
		return Int(whole)
	case x.op == "+":
		return Float(real)
	}
	return f.unknown(x.at(), "%s of a %s is not understood", x.op, TypeName(v))
}

func (f *frame) comparison(x *comparison) Value {
	left := f.eval(x.first)
	for i, operator := range x.ops {
		right := f.eval(x.rest[i])
		yes, u := f.compare(operator, left, right, x.at())
		if u != nil {
			return u
		}
		if !yes {
			return Bool(false)
		}
		left = right
	}
	return Bool(true)
}

func (f *frame) compare(operator string, x, y Value, line int) (bool, *Unknown) {
	switch operator {
	case "==", "!=":
		same, u := f.equal(x, y)
		return same == (operator == "=="), u
	case "is", "is not":
		if u := cmp.Or(unknown(x), unknown(y)); u != nil {
			return false, u
		}
		if _, none := y.(None); !none && TypeName(y) != "bool" {
			return false, f.unknown(line, "what is the same object is not known")
		}
		return (x == y) == (operator == "is"), nil
	case "in", "not in":
		has, u := f.contains(y, x, line)
		return has == (operator == "in"), u
	}
	order, u := f.order(x, y, line)
	switch operator {
	case "<":
		return order < 0, u
	case "<=":
		return order <= 0, u
	case ">":
		return order > 0, u
	}
	return order >= 0, u
}

func (f *frame) order(x, y Value, line int) (int, *Unknown) {
	f.step(1)
	if u := cmp.Or(unknown(x), unknown(y)); u != nil {
		return 0, u
	}
	if fx, ix, wx, ok := numeric(x); ok {
		if fy, iy, wy, ok := numeric(y); ok {
			if wx && wy {
				return cmp.Compare(ix, iy), nil
			}
			return cmp.Compare(fx, fy), nil
		}
	}
	switch x := x.(type) {
	case Str:
		if y, ok := y.(Str); ok {
			return cmp.Compare(x, y), nil
		}
	case Tuple, *List:
		if TypeName(x) != TypeName(y) {
			break
		}
		xs, _ := f.elements(x)
		ys, _ := f.elements(y)
		for i := range min(len(xs), len(ys)) {
			if same, u := f.equal(xs[i], ys[i]); u != nil {
				return 0, u
			} else if !same {
				return f.order(xs[i], ys[i], line)
			}
		}
		return cmp.Compare(len(xs), len(ys)), nil
	}
	return 0, f.unknown(line, "a %s and a %s have no order", TypeName(x), TypeName(y))
}

// contains is key in container.
func (f *frame) contains(container, key Value, line int) (bool, *Unknown) {
	if u := cmp.Or(unknown(container), unknown(key)); u != nil {
		return false, u
	}
	switch c := container.(type) {
	case *Dict:
		_, has := c.get(key)
		return has, nil
	case *Set:
		_, has := c.get(key)
		return has, nil
	case *scope:
		name, ok := key.(Str)
		if !ok {
			return false, nil
		}
		b := c.names.Lookup(string(name))
		if b == nil {
			return false, nil
		}
		return true, unknown(b.Value)
	case Str:
		if key, ok := key.(Str); ok {
			f.charge(len(c))
			return strings.Contains(string(c), string(key)), nil
		}
	case *List, Tuple:
		items, _ := f.elements(c)
		var unsure *Unknown
		for _, item := range items {
			same, u := f.equal(item, key)
			if same && u == nil {
				return true, nil
			}
			unsure = cmp.Or(unsure, u)
		}
		return false, unsure
	}
	return false, f.unknown(line, "what is in a %s is not understood", TypeName(container))
}

// operate is x op y.
func (f *frame) operate(op string, x, y Value, line int) Value {
	if u := cmp.Or(unknown(x), unknown(y)); u != nil {
		return u
	}
	if fx, ix, wx, ok := numeric(x); ok {
		if fy, iy, wy, ok := numeric(y); ok {
			return f.calculate(op, fx, fy, ix, iy, wx && wy, line)
		}
	}
	switch a := x.(type) {
	case Str:
		switch b := y.(type) {
		case Str:
			if op == "+" {
				f.charge(len(a) + len(b))
				return a + b
			}
		case Int:
			if op == "*" {
				f.charge(times(len(a), b))
				return Str(strings.Repeat(string(a), max(0, int(b))))
			}
		}
		if op == "%" {
			return f.percent(string(a), y, line)
		}
		if b, ok := y.(Path); ok && op == "/" {
			return Path(join(string(a), string(b)))
		}
	case Path:
		if b, ok := y.(Str); ok && op == "/" {
			f.charge(len(a) + len(b))
			return Path(join(string(a), string(b)))
		}
		if b, ok := y.(Path); ok && op == "/" {
			f.charge(len(a) + len(b))
			return Path(join(string(a), string(b)))
		}
	case Bytes:
		if b, ok := y.(Bytes); ok && op == "+" {
			f.charge(len(a) + len(b))
			return a + b
		}
	case Tuple:
		if b, ok := y.(Tuple); ok && op == "+" {
			f.charge(len(a) + len(b))
			return append(slices.Clip(a), b...)
		}
		if b, ok := y.(Int); ok && op == "*" {
			f.charge(times(len(a), b))
			return Tuple(slices.Repeat(a, max(0, int(b))))
		}
	case *List:
		if b, ok := y.(*List); ok && op == "+" {
			f.charge(len(a.Items) + len(b.Items))
			return &List{Items: append(slices.Clip(a.Items), b.Items...)}
		}
		if b, ok := y.(Int); ok && op == "*" {
			f.charge(times(len(a.Items), b))
			return &List{Items: slices.Repeat(a.Items, max(0, int(b)))}
		}
	case *Dict:
		if b, ok := y.(*Dict); ok && op == "|" {
			d := &Dict{}
			f.update(d, a, line)
			f.update(d, b, line)
			return d
		}
	case *Set:
		if b, ok := y.(*Set); ok && (op == "|" || op == "-" || op == "&") {
			return f.sets(op, a, b)
		}
	case Delta:
		switch b := y.(type) {
		case Delta:
			switch op {
			case "+":
				return a + b
			case "-":
				return a - b
			}
		case Int:
			if op == "*" && abs(float64(a)*float64(b)) < 1<<53 {
				return a * Delta(b)
			}
		}
	case Int:
		switch y.(type) {
		case Str, *List, Tuple, Delta:
			if op == "*" {
				return f.operate(op, y, x, line)
			}
		}
	}
	return f.unknown(line, "%s of a %s and a %s is not understood", op, TypeName(x), TypeName(y))
}

// times is length * n, or more than any bound where that is larger.
func times(length int, n Int) int {
	if n <= 0 || length == 0 {
		return 0
	}
	if int64(n) > maxString {
		return maxString + 1
	}
	return length * int(n)
}

func (f *frame) sets(op string, a, b *Set) Value {
	s := &Set{}
	for _, key := range a.keys() {
		f.step(1)
		if _, has := b.get(key); op == "|" || has == (op == "&") {
			s.set(key, None{})
		}
	}
	if op == "|" {
		for _, key := range b.keys() {
			f.step(1)
			s.set(key, None{})
		}
	}
	return s
}

// calculate does arithmetic as Python does it; what a 64-bit integer cannot hold
// is unknown.
func (f *frame) calculate(op string, x, y float64, i, j int64, whole bool, line int) Value {
	large := f.unknown(line, "a number is too large")
	if (op == "/" || op == "//" || op == "%") && y == 0 {
		f.raise(line, "ZeroDivisionError", "a division by zero")
	}
	if op == "/" {
		return Float(x / y)
	}
	if !whole {
		switch op {
		case "+":
			return Float(x + y)
		case "-":
			return Float(x - y)
		case "*":
			return Float(x * y)
		case "**":
			return Float(math.Pow(x, y))
		case "//":
			return Float(math.Floor(x / y))
		}
		return f.unknown(line, "%s of these numbers is not understood", op)
	}
	switch op {
	case "+":
		if sum := i + j; (sum > i) == (j > 0) {
			return Int(sum)
		}
		return large
	case "-":
		if difference := i - j; (difference < i) == (j > 0) {
			return Int(difference)
		}
		return large
	case "*":
		high, low := bits.Mul64(uint64(max(i, -i)), uint64(max(j, -j)))
		if high != 0 || low > math.MaxInt64 || i == math.MinInt64 || j == math.MinInt64 {
			return large
		}
		return Int(i * j)
	case "//":
		q := i / j
		if i%j != 0 && (i < 0) != (j < 0) {
			q--
		}
		return Int(q)
	case "%":
		m := i % j
		if m != 0 && (m < 0) != (j < 0) {
			m += j
		}
		return Int(m)
	case "**":
		if j < 0 {
			return Float(math.Pow(x, y))
		}
		power := Value(Int(1))
		for n := j; n > 0; n-- {
			p, ok := power.(Int)
			if !ok {
				return large
			}
			if p == 0 || p == 1 && i == 1 {
				break
			}
			f.step(1)
			power = f.calculate("*", 0, 0, int64(p), i, true, line)
		}
		return power
	case "<<":
		if j < 0 || j > 62 || i > math.MaxInt64>>j || i < math.MinInt64>>j {
			return large
		}
		return Int(i << j)
	case ">>":
		if j < 0 {
			return large
		}
		return Int(i >> min(j, 63))
	case "|":
		return Int(i | j)
	case "&":
		return Int(i & j)
	case "^":
		return Int(i ^ j)
	}
	return f.unknown(line, "%s of these numbers is not understood", op)
}
