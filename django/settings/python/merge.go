package python

// copier copies values that may change, each once, so that what was shared still is.
type copier struct {
	run  *run
	done map[any]Value
}

func (s state) copy(r *run) state {
	c := copier{r, map[any]Value{}}
	to := state{make(map[string]*Binding, len(s.names)), s.fog}
	for name, b := range s.names {
		r.step(1)
		to.names[name] = &Binding{c.copy(b.Value, 0), b.Place, b.Overridden}
	}
	return to
}

func (c *copier) copy(v Value, depth int) Value {
	c.run.step(1)
	if depth > maxDepth {
		panic(boundError("the settings nest values too deep"))
	}
	switch v.(type) {
	case *List, *Dict, *Set:
		if done, ok := c.done[v]; ok {
			return done
		}
	}
	switch v := v.(type) {
	case Tuple:
		to := make(Tuple, len(v))
		for i := range v {
			to[i] = c.copy(v[i], depth+1)
		}
		return to
	case *List:
		to := &List{make([]Value, len(v.Items)), v.spoiled}
		c.done[v] = to
		for i := range v.Items {
			to.Items[i] = c.copy(v.Items[i], depth+1)
		}
		return to
	case *Dict:
		to := &Dict{spoiled: v.spoiled}
		c.done[v] = to
		for _, item := range v.items {
			to.set(item.Key, c.copy(item.Value, depth+1))
		}
		return to
	case *Set:
		to := &Set{Dict{spoiled: v.spoiled}}
		c.done[v] = to
		for _, item := range v.items {
			to.set(item.Key, item.Value)
		}
		return to
	}
	return v
}

// merge keeps of two ways that things may have gone what both agree on; the rest
// is unknown.
func (s state) merge(other state, why *Unknown, r *run) state {
	m := merger{r, why, map[[2]any]bool{}}
	if s.fog == nil {
		s.fog = other.fog
	}
	for name, b := range s.names {
		o := other.names[name]
		if o == nil {
			s.names[name] = &Binding{m.unknown(b.Value), b.Place, b.Overridden}
			continue
		}
		b.Value = m.merge(b.Value, o.Value, 0)
		if o.Place != b.Place && unknown(b.Value) != nil {
			b.Place = why.Place
		}
	}
	for name, o := range other.names {
		if s.names[name] == nil {
			s.names[name] = &Binding{m.unknown(o.Value), o.Place, o.Overridden}
		}
	}
	return s
}

type merger struct {
	run  *run
	why  *Unknown
	seen map[[2]any]bool
}

// unknown is the value that may be there or not.
func (m *merger) unknown(v Value) Value {
	switch v.(type) {
	case *Module, *Function:
		return v // no setting depends on that it may not be there
	}
	return m.why
}

func (m *merger) merge(x, y Value, depth int) Value {
	m.run.step(1)
	if u := unknown(x); u != nil {
		return u
	}
	if u := unknown(y); u != nil {
		return u
	}
	if a, ok := x.(*Dict); ok {
		if b, ok := y.(*Dict); ok {
			return m.dicts(a, b, depth)
		}
	}
	switch x := x.(type) {
	case *Function:
		if y, ok := y.(*Function); ok && x.Name == y.Name {
			return x
		}
		return m.why
	case *Module, *scope:
		return x
	}
	if same, _ := m.run.equal(x, y); same && TypeName(x) == TypeName(y) {
		return x
	}
	return m.why
}

func (m *merger) dicts(a, b *Dict, depth int) Value {
	pair := [2]any{a, b}
	if m.seen[pair] || a == b {
		return a
	}
	m.seen[pair] = true
	if depth > maxDepth {
		return m.why
	}
	for i, item := range a.items {
		if other, ok := b.get(item.Key); ok {
			a.items[i].Value = m.merge(item.Value, other, depth+1)
		} else {
			a.items[i].Value = m.why
		}
	}
	for _, item := range b.items {
		if _, ok := a.get(item.Key); !ok {
			a.set(item.Key, m.why)
		}
	}
	return a
}
