package cloakroom

import (
	"fmt"
	"maps"
)

// changes is what a request did to a session, by top-level name: what a merge
// applies to whatever is stored by then.
type changes map[string]change

type change struct {
	deleted bool
	value   any    // what the name is set to
	err     error  // why value cannot be stored
	update  update // if not nil, how the change follows from what is stored
}

// update makes a change of what is kept under a name.
type update func(old any, ok bool) change

// then is the change that f makes of the outcome of c.
func (c change) then(f update) change {
	if c.err != nil {
		return c
	}
	return f(c.value, !c.deleted)
}

// apply returns a new dictionary: base with the changes made to it. Updates are
// computed anew where base is not what they were first computed from.
func (c changes) apply(base map[string]any, anew bool) (map[string]any, error) {
	// Most changes are to names that are there, and a map with room for more may
	// take twice the memory for as long as the session lives.
	data := make(map[string]any, max(len(base), len(c)))
	maps.Copy(data, base)
	for name, change := range c {
		if anew && change.update != nil {
			old, ok := base[name]
			change = change.update(old, ok)
		}
		if change.deleted {
			delete(data, name)
			continue
		}
		if change.err != nil {
			return nil, &Error{
				Engine: "session", Op: "save", Kind: ErrUnencodable, Err: change.err,
				Mend: fmt.Sprintf("set %q to something that encoding/json takes", name),
			}
		}
		data[name] = change.value
	}
	return data, nil
}
