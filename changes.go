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
	value   any                                 // what the name is set to, and
	update  func(old any, ok bool) (any, error) // if not nil, how it follows from what is stored
	err     error                               // why value cannot be stored
}

// apply returns a new dictionary: base with the changes made to it.
func (c changes) apply(base map[string]any) (map[string]any, error) {
	data := make(map[string]any, len(base)+len(c))
	maps.Copy(data, base)
	for name, change := range c {
		if change.deleted {
			delete(data, name)
			continue
		}
		value, err := change.value, change.err
		if change.update != nil {
			old, ok := base[name]
			value, err = change.update(old, ok)
		}
		if err != nil {
			return nil, &Error{
				Engine: "session", Op: "save", Kind: ErrUnencodable, Err: err,
				Mend: fmt.Sprintf("set %q to something that encoding/json takes", name),
			}
		}
		data[name] = value
	}
	return data, nil
}
