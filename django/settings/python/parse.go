package python

import (
	"fmt"
	"slices"
)

// maxDepth bounds how deep brackets and blocks nest.
const maxDepth = 100

// syntaxError says what a statement was given up for.
type syntaxError struct {
	line int
	what string
}

// parser reads statements by recursive descent. A statement that it does not
// understand becomes an unknownStatement; the next one is read as usual.
type parser struct {
	tokens []token
	next   int
	depth  int
}

func parse(source string) []statement {
	p := &parser{tokens: scan(source)}
	var all []statement
	for p.peek().kind != endOfFile {
		all = append(all, p.statement()...)
	}
	return all
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != endOfFile {
		p.next++
	}
	return t
}

func (t token) is(text string) bool {
	return (t.kind == op || t.kind == name) && t.text == text
}

func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.next++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.fail()
	}
}

func (p *parser) here() position { return position(p.peek().line) }

// fail gives the statement up; statement recovers it.
func (p *parser) fail() {
	t := p.peek()
	what := fmt.Sprintf("unexpected %q", t.text)
	switch t.kind {
	case invalid:
		what = t.text
	case newline, endOfFile:
		what = "unexpected end of the line"
	case indent, dedent:
		what = "unexpected indentation"
	}
	panic(syntaxError{t.line, what})
}

// nested counts a level of nesting; the caller gives it back.
func (p *parser) nested() func() {
	if p.depth++; p.depth > maxDepth {
		p.depth--
		panic(syntaxError{p.peek().line, "nested too deep"})
	}
	return func() { p.depth-- }
}

var keywords = []string{
	"False", "None", "True", "and", "as", "assert", "async", "await", "break",
	"class", "continue", "def", "del", "elif", "else", "except", "finally",
	"for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
	"not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
}

func (p *parser) identifier() string {
	t := p.peek()
	if t.kind != name || slices.Contains(keywords, t.text) {
		p.fail()
	}
	return p.take().text
}

// statement reads a line's statements, or a compound one with its blocks.
func (p *parser) statement() (all []statement) {
	start, depth := p.next, p.depth
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case syntaxError:
			p.depth = depth
			all = []statement{p.skip(start, failure)}
		default:
			panic(failure)
		}
	}()
	defer p.nested()()
	return p.parseStatement()
}

// skip gets over the logical line at start and the block below it.
func (p *parser) skip(start int, failure syntaxError) statement {
	p.next = start
	for p.peek().kind != newline && p.peek().kind != endOfFile {
		p.take()
	}
	p.take()
	if start+1 < p.next && p.tokens[start].kind == indent {
		p.skipBlock(1) // a block that nothing opened
	} else if p.peek().kind == indent {
		p.skipBlock(0)
	}
	skipped := p.tokens[start:p.next]
	return &unknownStatement{
		position(p.tokens[start].line),
		fmt.Sprintf("line %d is not understood: %s", failure.line, failure.what),
		mentions(skipped),
	}
}

// skipBlock gets over everything up to the dedent that ends the block; open says
// how many indents it is in already.
func (p *parser) skipBlock(open int) {
	for p.peek().kind != endOfFile {
		switch p.take().kind {
		case indent:
			open++
		case dedent:
			open--
		}
		if open == 0 {
			return
		}
	}
}

// mentions lists the names among tokens, and what may be names in text that is no
// token.
func mentions(tokens []token) []string {
	var all []string
	for _, t := range tokens {
		switch t.kind {
		case name:
			all = append(all, t.text)
		case invalid:
			all = append(all, words(t.source)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func words(s string) []string {
	var all []string
	for at := 0; at < len(s); {
		if n := identifier(s[at:]); n > 0 {
			all = append(all, s[at:at+n])
			at += n
		} else {
			at++
		}
	}
	return all
}

func (p *parser) parseStatement() []statement {
	line, t := p.here(), p.peek()
	if t.kind != name && !t.is("@") {
		return p.simpleLine()
	}
	switch t.text {
	case "if":
		p.take()
		return []statement{p.ifRest(line)}
	case "for":
		p.take()
		s := &forStatement{position: line, target: p.targetList()}
		p.expect("in")
		s.x = p.expressionList()
		s.body, s.elseBody = p.block(), p.elseBlock()
		return []statement{s}
	case "while":
		p.take()
		s := &whileStatement{position: line, condition: p.namedExpression()}
		s.body, s.elseBody = p.block(), p.elseBlock()
		return []statement{s}
	case "try":
		p.take()
		return []statement{p.tryRest(line)}
	case "with":
		p.take()
		return []statement{p.withRest(line)}
	case "@": // a decorator calls what it names
		p.take()
		decorator := &call{line, p.namedExpression(), nil}
		if p.peek().kind != newline {
			p.fail()
		}
		p.take()
		return []statement{&expressionStatement{line, decorator}}
	case "def", "class", "async":
		return []statement{p.definition(line)}
	}
	return p.simpleLine()
}

func (p *parser) block() []statement {
	p.expect(":")
	if p.peek().kind != newline {
		return p.simpleLine()
	}
	p.take()
	if p.peek().kind != indent {
		p.fail()
	}
	p.take()
	var body []statement
	for p.peek().kind != dedent && p.peek().kind != endOfFile {
		body = append(body, p.statement()...)
	}
	p.take()
	return body
}

func (p *parser) elseBlock() []statement {
	if p.accept("else") {
		return p.block()
	}
	return nil
}

func (p *parser) ifRest(line position) statement {
	defer p.nested()()
	s := &ifStatement{position: line, condition: p.namedExpression()}
	s.body = p.block()
	if next := p.here(); p.accept("elif") {
		s.elseBody = []statement{p.ifRest(next)}
	} else {
		s.elseBody = p.elseBlock()
	}
	return s
}

func (p *parser) tryRest(line position) statement {
	s := &tryStatement{position: line, body: p.block()}
	for p.accept("except") {
		var h handler
		if !p.peek().is(":") {
			h.exception = p.expression()
			if p.accept("as") {
				h.name = p.identifier()
			} else if p.accept(",") { // Python 2: except ImportError, e:
				h.name = p.identifier()
			}
		}
		h.body = p.block()
		s.handlers = append(s.handlers, h)
	}
	s.elseBody = p.elseBlock()
	if p.accept("finally") {
		s.finally = p.block()
	}
	if s.handlers == nil && s.finally == nil {
		p.fail()
	}
	return s
}

// withRest reads "with a as b, c as d:" as one statement inside of the other.
func (p *parser) withRest(line position) statement {
	defer p.nested()()
	s := &withStatement{position: line, context: p.expression()}
	if p.accept("as") {
		s.target = p.target()
	}
	if p.accept(",") {
		s.body = []statement{p.withRest(line)}
	} else {
		s.body = p.block()
	}
	return s
}

// definition gets over a function or a class, and keeps what it may change.
func (p *parser) definition(line position) statement {
	p.accept("async")
	word := p.take().text
	if word != "def" && word != "class" {
		p.next--
		p.fail()
	}
	named := p.identifier()
	start := p.next
	for p.peek().kind != newline && p.peek().kind != endOfFile {
		p.take()
	}
	p.take()
	if p.peek().kind == indent {
		p.skipBlock(0)
	}
	body := p.tokens[start:p.next]
	if word == "class" {
		return &classStatement{line, named, assigned(body)}
	}
	return function(line, named, body)
}

// assigned lists the names that have a value assigned to somewhere in the tokens.
func assigned(body []token) []string {
	var all []string
	for i := 0; i+1 < len(body); i++ {
		if body[i].kind == name && (body[i+1].is("=") || body[i+1].is(":")) && (i == 0 || !body[i-1].is(".")) {
			all = append(all, body[i].text)
		}
	}
	return all
}

// mutators are the methods that change what they are called on.
var mutators = []string{
	"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem",
	"remove", "reverse", "setdefault", "sort", "update",
}

// function is one of that body. It touches the names whose value it may change:
// NAME[…] = …, NAME.update(…), or NAME given to another function.
func function(line position, named string, body []token) *functionStatement {
	s := &functionStatement{position: line, name: named}
	for i, t := range body {
		if t.kind != name || i > 0 && body[i-1].is(".") {
			continue
		}
		rest := body[i+1:]
		switch {
		case slices.Contains(scopes, t.text):
			s.anything = true
		case t.text == "global":
			for len(rest) > 0 && rest[0].kind != newline {
				s.globals = append(s.globals, rest[0].text)
				rest = rest[1:]
			}
		case i > 0 && (body[i-1].is("(") || body[i-1].is(",")) && len(rest) > 0 && (rest[0].is(")") || rest[0].is(",")),
			i > 0 && body[i-1].is("del"), changes(rest):
			s.touches = append(s.touches, t.text)
		}
	}
	return s
}

// scopes are functions that may set any name.
var scopes = []string{"exec", "execfile", "globals", "locals", "setattr", "vars"}

// changes says whether what follows a name assigns to a part of its value, or
// calls a method that changes it.
func changes(rest []token) bool {
	trailers, depth := 0, 0
	for i, t := range rest {
		switch {
		case i > 100:
			return true // who knows
		case t.is("["):
			depth++
		case t.is("]"):
			depth--
			trailers++
		case depth > 0 || t.is("."):
		case t.kind == name && i > 0 && rest[i-1].is("."):
			if slices.Contains(mutators, t.text) {
				return true
			}
			trailers++
		default:
			return trailers > 0 && (t.is("=") || slices.Contains(augmentations, t.text))
		}
	}
	return false
}

// simpleLine reads statements with semicolons between them.
func (p *parser) simpleLine() []statement {
	var all []statement
	for {
		if s := p.simple(); s != nil {
			all = append(all, s...)
		}
		if p.accept(";") && p.peek().kind != newline {
			continue
		}
		if k := p.peek().kind; k != newline && k != endOfFile {
			p.fail()
		}
		p.take()
		return all
	}
}

func (p *parser) simple() []statement {
	line, t := p.here(), p.peek()
	if t.kind == name {
		switch t.text {
		case "pass", "break", "continue":
			p.take()
			return []statement{&jump{line, t.text}}
		case "global", "nonlocal":
			for p.peek().kind == name || p.peek().is(",") {
				p.take()
			}
			return nil
		case "assert":
			p.take()
			p.expressionList()
			return nil
		case "del":
			p.take()
			return []statement{&deletion{line, flatten(p.targetList())}}
		case "raise":
			p.take()
			s := &raiseStatement{position: line}
			if p.peek().kind != newline && !p.peek().is(";") {
				s.x = p.expression()
				if p.accept("from") {
					p.expression()
				}
			}
			return []statement{s}
		case "import":
			p.take()
			return p.importRest(line)
		case "from":
			p.take()
			return []statement{p.fromRest(line)}
		}
	}
	return []statement{p.assignmentOrExpression(line)}
}

func flatten(x expression) []expression {
	if s, ok := x.(*sequence); ok {
		return s.items
	}
	return []expression{x}
}

func (p *parser) dotted() string {
	all := p.identifier()
	for p.accept(".") {
		all += "." + p.identifier()
	}
	return all
}

func (p *parser) importRest(line position) []statement {
	var all []statement
	for {
		s := &importStatement{position: line, module: p.dotted()}
		if p.accept("as") {
			s.as = p.identifier()
		}
		all = append(all, s)
		if !p.accept(",") {
			return all
		}
	}
}

func (p *parser) fromRest(line position) statement {
	s := &fromImport{position: line}
	for {
		if p.accept(".") {
			s.dots++
		} else if p.accept("...") {
			s.dots += 3
		} else {
			break
		}
	}
	if s.dots == 0 || !p.peek().is("import") {
		s.module = p.dotted()
	}
	p.expect("import")
	if p.accept("*") {
		return s
	}
	closed := p.accept("(")
	for {
		n := [2]string{p.identifier()}
		n[1] = n[0]
		if p.accept("as") {
			n[1] = p.identifier()
		}
		s.names = append(s.names, n)
		if !p.accept(",") || closed && p.peek().is(")") {
			break
		}
	}
	if closed {
		p.expect(")")
	}
	return s
}

var augmentations = []string{"+=", "-=", "*=", "/=", "//=", "%=", "**=", "&=", "|=", "^=", "<<=", ">>=", "@="}

func (p *parser) assignmentOrExpression(line position) statement {
	x := p.expressionList()
	if t := p.peek(); t.kind == op && slices.Contains(augmentations, t.text) {
		p.assignable(x)
		p.take()
		return &augmented{line, t.text[:len(t.text)-1], x, p.expressionList()}
	}
	if p.peek().is(":") { // X: int = 3
		p.assignable(x)
		p.take()
		p.expression()
		if !p.accept("=") {
			return &jump{line, "pass"}
		}
		return &assignment{line, []expression{x}, p.expressionList()}
	}
	if !p.peek().is("=") {
		return &expressionStatement{line, x}
	}
	s := &assignment{position: line}
	for p.peek().is("=") {
		p.assignable(x)
		p.take()
		s.targets = append(s.targets, x)
		x = p.expressionList()
	}
	s.value = x
	return s
}

// assignable gives up on what nothing can be assigned to.
func (p *parser) assignable(x expression) {
	switch x := x.(type) {
	case *nameExpr, *attribute, *subscript:
		return
	case *starred:
		p.assignable(x.x)
		return
	case *sequence:
		if x.open != "{" {
			for _, item := range x.items {
				p.assignable(item)
			}
			return
		}
	}
	p.fail()
}
