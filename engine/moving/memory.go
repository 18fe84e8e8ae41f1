package moving

import (
	"iter"
	"sync"

	"github.com/cloakroom-go/cloakroom"
)

// memory is what was copied, and in which pass it was last listed. A nil one
// remembers nothing.
type memory struct {
	mu     sync.Mutex
	copied map[[32]byte]copied // by session key
}

type copied struct {
	state
	listed int
}

func newMemory() *memory { return &memory{copied: map[[32]byte]copied{}} }

// get returns what was copied under key, which is listed in that pass.
func (m *memory) get(key string, pass int) (state, bool) {
	if m == nil || !cloakroom.ValidKey(key) {
		return state{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := [32]byte([]byte(key))
	known, ok := m.copied[k]
	if ok {
		known.listed = pass
		m.copied[k] = known
	}
	return known.state, ok
}

func (m *memory) put(r *cloakroom.Record, pass int) {
	if m == nil {
		return
	}
	now := copied{stateOf(r), pass}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.copied[[32]byte([]byte(r.Key))] = now
}

// cede notes that what was copied under key is its users' own in the target: no
// session is like the zero state, and that never runs out.
func (m *memory) cede(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := [32]byte([]byte(key))
	m.copied[k] = copied{listed: m.copied[k].listed}
}

func (m *memory) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.copied, [32]byte([]byte(key)))
}

// unlisted yields, and forgets, what was not listed in that pass. Nobody else may
// use the memory meanwhile.
func (m *memory) unlisted(pass int) iter.Seq2[string, state] {
	return func(yield func(string, state) bool) {
		for key, known := range m.copied {
			if known.listed == pass {
				continue
			}
			if !yield(string(key[:]), known.state) {
				return
			}
			delete(m.copied, key)
		}
	}
}
