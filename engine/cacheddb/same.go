package cacheddb

import (
	"bytes"
	"reflect"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// same reports whether two dictionaries say the same: what the cache keeps as a
// pickle, the store may keep as JSON. In doubt they do not, which costs another
// load.
func same(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		other, ok := b[name]
		if !ok || !sameValue(v, other) {
			return false
		}
	}
	return true
}

func sameValue(a, b any) bool {
	_, pickledA := a.(pickle.Raw)
	_, pickledB := b.(pickle.Raw)
	if pickledA && pickledB { // whose plain values do not tell all
		one, errA := pickle.Marshal(map[string]any{"": a}, pickle.DefaultProtocol)
		other, errB := pickle.Marshal(map[string]any{"": b}, pickle.DefaultProtocol)
		return errA == nil && errB == nil && bytes.Equal(one, other)
	}
	return reflect.DeepEqual(cloakroom.Plain(a), cloakroom.Plain(b))
}
