package python

import "slices"

// assignedIn lists the names that the statements set or change (true), or that a
// statement mentions which was not understood (false); anything says that they may
// set any name at all.
func assignedIn(block []statement) (names map[string]bool, anything bool) {
	a := assigns{names: map[string]bool{}}
	a.block(block)
	return a.names, a.anything
}

type assigns struct {
	names    map[string]bool
	anything bool
}

func (a *assigns) block(block []statement) {
	for _, s := range block {
		a.statement(s)
	}
}

func (a *assigns) target(x expression) {
	switch x := x.(type) {
	case *sequence:
		for _, item := range x.items {
			a.target(item)
		}
	case *starred:
		a.target(x.x)
	case nil:
	default:
		if name := root(x); name != "" {
			a.names[name] = true
		}
	}
}

func (a *assigns) statement(s statement) {
	switch s := s.(type) {
	case *expressionStatement:
		if c, ok := s.x.(*call); ok {
			a.call(c)
		}
	case *assignment:
		for _, target := range s.targets {
			a.target(target)
		}
	case *augmented:
		a.target(s.target)
	case *deletion:
		for _, target := range s.targets {
			a.target(target)
		}
	case *ifStatement:
		a.block(s.body)
		a.block(s.elseBody)
	case *forStatement:
		a.target(s.target)
		a.block(s.body)
		a.block(s.elseBody)
	case *whileStatement:
		a.block(s.body)
		a.block(s.elseBody)
	case *tryStatement:
		a.block(s.body)
		a.block(s.elseBody)
		a.block(s.finally)
		for _, h := range s.handlers {
			a.block(h.body)
		}
	case *withStatement:
		a.target(s.target)
		a.block(s.body)
	case *importStatement:
		if s.as != "" {
			a.names[s.as] = true
		}
	case *fromImport:
		a.anything = a.anything || s.names == nil
		for _, n := range s.names {
			a.names[n[1]] = true
		}
	case *functionStatement:
		a.names[s.name] = true
	case *classStatement:
		a.names[s.name] = true
	case *unknownStatement:
		for _, name := range s.mentions {
			if _, known := a.names[name]; !known {
				a.names[name] = false
			}
		}
	}
}

// call adds what a call may change: what its method is called on, and its arguments.
func (a *assigns) call(c *call) {
	switch function := c.function.(type) {
	case *attribute:
		if slices.Contains(mutators, function.name) {
			a.target(function.x)
		}
	case *nameExpr:
		if slices.Contains(scopes, function.name) {
			a.anything = true
		}
		if _, builtin := builtins[function.name]; builtin {
			return
		}
	}
	if inner, ok := c.function.(*attribute); ok {
		if from, ok := inner.x.(*call); ok {
			a.call(from) // globals().update(…)
		}
	}
	for _, argument := range c.arguments {
		if n, ok := argument.value.(*nameExpr); ok {
			a.names[n.name] = true
		}
	}
}

// uses says whether the expression mentions the name.
func uses(x expression, name string) bool {
	found := false
	walk(x, func(x expression) {
		if n, ok := x.(*nameExpr); ok && n.name == name {
			found = true
		}
	})
	return found
}

// walk calls visit for x and all that it is made of.
func walk(x expression, visit func(expression)) {
	if x == nil {
		return
	}
	visit(x)
	all := func(xs ...expression) {
		for _, x := range xs {
			walk(x, visit)
		}
	}
	switch x := x.(type) {
	case *sequence:
		all(x.items...)
	case *dictExpr:
		all(x.keys...)
		all(x.values...)
	case *starred:
		all(x.x)
	case *unary:
		all(x.x)
	case *binary:
		all(x.x, x.y)
	case *boolean:
		all(x.x, x.y)
	case *comparison:
		all(x.first)
		all(x.rest...)
	case *conditional:
		all(x.then, x.condition, x.otherwise)
	case *attribute:
		all(x.x)
	case *subscript:
		all(x.x, x.index)
	case *slice:
		all(x.low, x.high, x.step)
	case *call:
		all(x.function)
		for _, a := range x.arguments {
			all(a.value)
		}
	case *comprehension:
		all(x.key, x.value)
		for _, c := range x.clauses {
			all(c.x)
			all(c.conditions...)
		}
	case *walrus:
		all(x.x)
	case *formatted:
		for _, part := range x.parts {
			all(part.value)
		}
	}
}
