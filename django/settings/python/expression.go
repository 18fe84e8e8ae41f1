package python

import "slices"

// maxChain bounds how many operators of one kind may follow each other, such as
// a + b + c: each makes the tree deeper.
const maxChain = 1000

func (p *parser) limit(n int) {
	if n > maxChain {
		panic(syntaxError{p.peek().line, "more operators in a row than are read"})
	}
}

// expressionList is one expression, or a tuple without brackets.
func (p *parser) expressionList() expression {
	line := p.here()
	x := p.starExpression()
	if !p.peek().is(",") {
		return x
	}
	tuple := &sequence{line, "(", []expression{x}}
	for p.accept(",") && p.startsExpression() {
		tuple.items = append(tuple.items, p.starExpression())
	}
	return tuple
}

func (p *parser) startsExpression() bool {
	t := p.peek()
	switch t.kind {
	case name:
		return !slices.Contains(keywords, t.text) ||
			slices.Contains([]string{"None", "True", "False", "not", "lambda", "await", "yield"}, t.text)
	case op:
		return slices.Contains([]string{"(", "[", "{", "-", "+", "~", "*", "..."}, t.text)
	}
	return t.kind == number || t.kind == text
}

func (p *parser) starExpression() expression {
	if line := p.here(); p.accept("*") {
		return &starred{line, p.binary(0)}
	}
	return p.namedExpression()
}

// namedExpression is one that may be (name := value).
func (p *parser) namedExpression() expression {
	x := p.expression()
	if n, ok := x.(*nameExpr); ok && p.accept(":=") {
		return &walrus{n.position, n.name, p.expression()}
	}
	return x
}

func (p *parser) targetList() expression {
	line := p.here()
	x := p.target()
	if !p.peek().is(",") {
		return x
	}
	tuple := &sequence{line, "(", []expression{x}}
	for p.accept(",") && p.startsExpression() {
		tuple.items = append(tuple.items, p.target())
	}
	return tuple
}

// target stops before "in", which binary would take for an operator.
func (p *parser) target() expression {
	line := p.here()
	if p.accept("*") {
		return &starred{line, p.target()}
	}
	x := p.postfix()
	p.assignable(x)
	return x
}

func (p *parser) expression() expression {
	defer p.nested()()
	line := p.here()
	switch {
	case p.peek().is("lambda"):
		for depth := 0; ; { // up to the colon that ends its parameters
			t := p.take()
			switch {
			case t.kind == newline || t.kind == endOfFile:
				p.fail()
			case t.is("(") || t.is("[") || t.is("{") || t.is("lambda"):
				depth++
			case t.is(")") || t.is("]") || t.is("}"):
				depth--
			}
			if t.is(":") {
				if depth--; depth <= 0 {
					break
				}
			}
		}
		p.expression()
		return &opaque{line, "a lambda"}
	case p.accept("yield"):
		p.accept("from")
		if p.startsExpression() {
			p.expressionList()
		}
		return &opaque{line, "a yield"}
	}
	x := p.binary(0)
	if !p.accept("if") {
		return x
	}
	c := &conditional{position: line, then: x, condition: p.binary(0)}
	p.expect("else")
	c.otherwise = p.expression()
	return c
}

// levels of precedence, the loosest first; "not" is between and and comparisons.
var levels = [][]string{
	{"or"},
	{"and"},
	{"in", "not", "is", "<", "<=", ">", ">=", "==", "!=", "<>"},
	{"|"},
	{"^"},
	{"&"},
	{"<<", ">>"},
	{"+", "-"},
	{"*", "/", "//", "%", "@"},
}

const comparisonLevel = 2

func (p *parser) binary(level int) expression {
	if level == len(levels) {
		return p.unary()
	}
	line := p.here()
	if level == comparisonLevel {
		if p.accept("not") {
			defer p.nested()()
			return &unary{line, "not", p.binary(comparisonLevel)}
		}
		return p.comparison(line)
	}
	x := p.binary(level + 1)
	for n := 0; ; n++ {
		t := p.peek()
		if t.kind != op && t.kind != name || !slices.Contains(levels[level], t.text) {
			return x
		}
		p.limit(n)
		p.take()
		y := p.binary(level + 1)
		if level < comparisonLevel {
			x = &boolean{line, t.text, x, y}
		} else {
			x = &binary{line, t.text, x, y}
		}
	}
}

func (p *parser) comparison(line position) expression {
	c := &comparison{position: line, first: p.binary(comparisonLevel + 1)}
	for {
		t := p.peek()
		if t.kind != op && t.kind != name || !slices.Contains(levels[comparisonLevel], t.text) {
			break
		}
		p.take()
		operator := t.text
		switch operator {
		case "not":
			p.expect("in")
			operator = "not in"
		case "is":
			if p.accept("not") {
				operator = "is not"
			}
		case "<>":
			operator = "!="
		}
		c.ops = append(c.ops, operator)
		c.rest = append(c.rest, p.binary(comparisonLevel+1))
	}
	if c.ops == nil {
		return c.first
	}
	return c
}

func (p *parser) unary() expression {
	defer p.nested()()
	line, t := p.here(), p.peek()
	if t.kind == op && (t.text == "-" || t.text == "+" || t.text == "~") {
		p.take()
		return &unary{line, t.text, p.unary()}
	}
	x := p.postfix()
	if p.accept("**") {
		return &binary{line, "**", x, p.unary()}
	}
	return x
}

// postfix is an atom with what follows it: .name, [index], (arguments).
func (p *parser) postfix() expression {
	line := p.here()
	if p.accept("await") {
		p.unary()
		return &opaque{line, "an await"}
	}
	x := p.atom()
	for n := 0; ; n++ {
		p.limit(n)
		line := p.here()
		switch {
		case p.accept("."):
			x = &attribute{line, x, p.identifier()}
		case p.accept("["):
			x = &subscript{line, x, p.index()}
			p.expect("]")
		case p.accept("("):
			x = &call{line, x, p.arguments()}
		default:
			return x
		}
	}
}

func (p *parser) index() expression {
	defer p.nested()()
	line := p.here()
	s := &slice{position: line}
	bounds, n := [3]expression{}, 0
	for n < 3 {
		if !p.peek().is(":") && !p.peek().is("]") {
			bounds[n] = p.expressionList()
		}
		if !p.accept(":") {
			break
		}
		n++
	}
	if n == 0 {
		if bounds[0] == nil {
			p.fail()
		}
		return bounds[0]
	}
	s.low, s.high, s.step = bounds[0], bounds[1], bounds[2]
	return s
}

func (p *parser) arguments() []argument {
	defer p.nested()()
	var all []argument
	for !p.accept(")") {
		var a argument
		line := p.here()
		switch {
		case p.accept("*"):
			a.star, a.value = "*", p.expression()
		case p.accept("**"):
			a.star, a.value = "**", p.expression()
		default:
			a.value = p.namedExpression()
			if n, ok := a.value.(*nameExpr); ok && p.accept("=") {
				a.name, a.value = n.name, p.expression()
			} else if clauses := p.clauses(); clauses != nil {
				a.value = &comprehension{line, "(", nil, a.value, clauses}
			}
		}
		all = append(all, a)
		if !p.accept(",") {
			p.expect(")")
			return all
		}
	}
	return all
}

// clauses reads "for x in y if z …" of a comprehension; nil if there is none.
func (p *parser) clauses() []clause {
	var all []clause
	for p.accept("for") {
		c := clause{target: p.targetList()}
		p.expect("in")
		c.x = p.binary(0)
		for p.accept("if") {
			c.conditions = append(c.conditions, p.binary(0))
		}
		all = append(all, c)
	}
	return all
}

func (p *parser) atom() expression {
	line, t := p.here(), p.peek()
	switch t.kind {
	case number:
		p.take()
		return &literal{line, parseNumber(t.text, int(line))}
	case text:
		return p.strings()
	case name:
		switch t.text {
		case "None":
			p.take()
			return &literal{line, None{}}
		case "True", "False":
			p.take()
			return &literal{line, Bool(t.text == "True")}
		}
		return &nameExpr{line, p.identifier()}
	case op:
		defer p.nested()()
		switch {
		case p.accept("("):
			return p.parenthesis(line)
		case p.accept("["):
			return p.list(line)
		case p.accept("{"):
			return p.braces(line)
		case p.accept("..."):
			return &opaque{line, "an ellipsis"}
		}
	}
	p.fail()
	return nil
}

func (p *parser) parenthesis(line position) expression {
	if p.accept(")") {
		return &sequence{line, "(", nil}
	}
	x := p.starExpression()
	if clauses := p.clauses(); clauses != nil {
		p.expect(")")
		return &comprehension{line, "(", nil, x, clauses}
	}
	if !p.peek().is(",") {
		p.expect(")")
		return x
	}
	tuple := &sequence{line, "(", []expression{x}}
	for p.accept(",") && !p.peek().is(")") {
		tuple.items = append(tuple.items, p.starExpression())
	}
	p.expect(")")
	return tuple
}

func (p *parser) list(line position) expression {
	all := &sequence{position: line, open: "["}
	for !p.accept("]") {
		x := p.starExpression()
		if clauses := p.clauses(); clauses != nil && all.items == nil {
			p.expect("]")
			return &comprehension{line, "[", nil, x, clauses}
		}
		all.items = append(all.items, x)
		if !p.accept(",") {
			p.expect("]")
			break
		}
	}
	return all
}

func (p *parser) braces(line position) expression {
	dict, set := &dictExpr{position: line}, &sequence{position: line, open: "{"}
	for !p.accept("}") {
		var key, value expression
		if p.accept("**") {
			value = p.binary(0)
		} else if key = p.starExpression(); p.accept(":") {
			value = p.expression()
		}
		if clauses := p.clauses(); clauses != nil {
			if value == nil {
				key, value = nil, key
			}
			p.expect("}")
			return &comprehension{line, "{", key, value, clauses}
		}
		if value == nil {
			set.items = append(set.items, key)
		} else {
			dict.keys, dict.values = append(dict.keys, key), append(dict.values, value)
		}
		if !p.accept(",") {
			p.expect("}")
			break
		}
	}
	if set.items == nil {
		return dict
	}
	if dict.values != nil {
		p.fail()
	}
	return set
}
