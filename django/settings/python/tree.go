package python

// The syntax tree: of expressions what a settings file computes with, of
// statements what changes a name.

type expression interface{ at() int }

type position int // the line

func (p position) at() int { return int(p) }

type (
	nameExpr struct {
		position
		name string
	}
	literal struct { // a number, a string, None, True, False, Ellipsis
		position
		value Value
	}
	sequence struct { // (a, b), [a, b], {a, b}
		position
		open  string // which bracket; "(" for a tuple without
		items []expression
	}
	dictExpr struct {
		position
		keys, values []expression // a key that is nil stands before a **value
	}
	starred struct { // *x
		position
		x expression
	}
	unary struct {
		position
		op string // -, +, ~, not
		x  expression
	}
	binary struct { // arithmetic
		position
		op   string
		x, y expression
	}
	boolean struct { // and, or
		position
		op   string
		x, y expression
	}
	comparison struct { // x < y <= z
		position
		first expression
		ops   []string
		rest  []expression
	}
	conditional struct {
		position
		then, condition, otherwise expression
	}
	attribute struct {
		position
		x    expression
		name string
	}
	subscript struct {
		position
		x, index expression
	}
	slice struct {
		position
		low, high, step expression // nil where left out
	}
	argument struct {
		name  string // of a keyword argument
		star  string // "*" or "**"
		value expression
	}
	call struct {
		position
		function  expression
		arguments []argument
	}
	comprehension struct {
		position
		open       string     // (, [ or {
		key, value expression // key of a dict only
		clauses    []clause
	}
	clause struct { // for target in x if …
		target, x  expression
		conditions []expression
	}
	formatted struct { // an f-string
		position
		parts []part
	}
	part struct { // text, or {value!conversion:spec}
		text       string
		value      expression
		conversion string
		spec       []part
	}
	walrus struct { // (name := x)
		position
		name string
		x    expression
	}
	opaque struct { // lambda, await, yield: what is never computed
		position
		what string
	}
)

type statement interface{ at() int }

type (
	expressionStatement struct {
		position
		x expression
	}
	assignment struct {
		position
		targets []expression
		value   expression
	}
	augmented struct {
		position
		op            string // without the =
		target, value expression
	}
	deletion struct {
		position
		targets []expression
	}
	ifStatement struct {
		position
		condition      expression
		body, elseBody []statement
	}
	forStatement struct {
		position
		target, x      expression
		body, elseBody []statement
	}
	whileStatement struct {
		position
		condition      expression
		body, elseBody []statement
	}
	tryStatement struct {
		position
		body, elseBody, finally []statement
		handlers                []handler
	}
	handler struct {
		exception expression // nil: whatever it is
		name      string
		body      []statement
	}
	withStatement struct {
		position
		context, target expression // target may be nil
		body            []statement
	}
	importStatement struct { // import a.b as c
		position
		module, as string
	}
	fromImport struct { // from ..module import a as b; names is nil for *
		position
		dots   int
		module string
		names  [][2]string
	}
	raiseStatement struct {
		position
		x expression
	}
	functionStatement struct {
		position
		name     string
		touches  []string // names outside of it that it may change
		globals  []string // those that it may set
		anything bool     // it may set any name
	}
	classStatement struct {
		position
		name string
		sets []string // the names that its body assigns to
	}
	jump struct { // break, continue
		position
		word string
	}
	unknownStatement struct { // what was not understood
		position
		why      string
		mentions []string
	}
)
