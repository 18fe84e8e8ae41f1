package enginetest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// reference keeps every promise in the plainest way: one lock, one map.
type reference struct{ *store }

type store struct {
	mu      sync.Mutex
	records map[string]*stored
	writes  int
	corrupt int64
	down    bool
}

type stored struct {
	cloakroom.Record
	corrupt bool
}

func newReference() reference {
	return reference{&store{records: map[string]*stored{}}}
}

func fail(op string, kind error) error {
	return &cloakroom.Error{Engine: "reference", Op: op, Kind: kind}
}

// enter locks the store for one operation, if it can be asked.
func (e reference) enter(ctx context.Context, op string) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	if e.down {
		e.mu.Unlock()
		return nil, fail(op, cloakroom.ErrUnavailable)
	}
	return e.mu.Unlock, nil
}

func (e reference) live(key string) *stored {
	if r := e.records[key]; r != nil && r.Expires.After(time.Now()) {
		return r
	}
	return nil
}

func (e reference) put(r *cloakroom.Record) {
	e.writes++
	r.Version = e.writes
	e.records[r.Key] = &stored{Record: *r}
}

func encodable(v any) bool {
	switch v := v.(type) {
	case chan int:
		return false
	case map[string]any:
		return !slices.ContainsFunc(slices.Collect(maps.Values(v)), func(m any) bool { return !encodable(m) })
	case []any:
		return !slices.ContainsFunc(v, func(m any) bool { return !encodable(m) })
	}
	return true
}

func (e reference) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if !cloakroom.ValidKey(key) {
		return nil, fail("load", cloakroom.ErrNotFound)
	}
	leave, err := e.enter(ctx, "load")
	if err != nil {
		return nil, err
	}
	defer leave()
	r := e.live(key)
	if r == nil {
		return nil, fail("load", cloakroom.ErrNotFound)
	}
	if r.corrupt {
		e.corrupt++
		return nil, &cloakroom.Error{
			Engine: "reference", Op: "load", Kind: cloakroom.ErrNotFound, Err: cloakroom.ErrCorrupt,
		}
	}
	loaded := r.Record
	return &loaded, nil
}

func (e reference) Create(ctx context.Context, r *cloakroom.Record) error {
	leave, err := e.enter(ctx, "create")
	if err != nil {
		return err
	}
	defer leave()
	if !encodable(r.Data) {
		return fail("create", cloakroom.ErrUnencodable)
	}
	r.Key = cloakroom.NewKey()
	e.put(r)
	return nil
}

func (e reference) Add(ctx context.Context, r *cloakroom.Record) error {
	leave, err := e.enter(ctx, "add")
	if err != nil {
		return err
	}
	defer leave()
	switch {
	case !cloakroom.ValidKey(r.Key), !encodable(r.Data):
		return fail("add", cloakroom.ErrUnencodable)
	case e.live(r.Key) != nil:
		return fail("add", cloakroom.ErrConflict)
	}
	e.put(r)
	return nil
}

func (e reference) Holds(map[string]any) error { return nil }

func (e reference) Save(ctx context.Context, r *cloakroom.Record) error {
	leave, err := e.enter(ctx, "save")
	if err != nil {
		return err
	}
	defer leave()
	old := e.live(r.Key)
	switch {
	case old == nil:
		return fail("save", cloakroom.ErrGone)
	case old.Version != r.Version:
		return fail("save", cloakroom.ErrConflict)
	case !encodable(r.Data):
		return fail("save", cloakroom.ErrUnencodable)
	}
	e.put(r)
	return nil
}

func (e reference) Delete(ctx context.Context, key string) error {
	leave, err := e.enter(ctx, "delete")
	if err != nil {
		return err
	}
	defer leave()
	delete(e.records, key)
	return nil
}

func (e reference) Touch(ctx context.Context, key string, expires time.Time) error {
	leave, err := e.enter(ctx, "touch")
	if err != nil {
		return err
	}
	defer leave()
	r := e.live(key)
	if r == nil {
		return fail("touch", cloakroom.ErrGone)
	}
	r.Expires = expires
	return nil
}

func (e reference) ClearExpired(ctx context.Context, limit int) (int, error) {
	leave, err := e.enter(ctx, "clear expired")
	if err != nil {
		return 0, err
	}
	defer leave()
	n := 0
	for key := range e.records {
		if n < limit && e.live(key) == nil {
			delete(e.records, key)
			n++
		}
	}
	return n, nil
}

func (e reference) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		leave, err := e.enter(ctx, "list")
		if err != nil {
			yield(nil, err)
			return
		}
		var page []cloakroom.Record
		for key := range e.records {
			if r := e.live(key); r != nil && !r.corrupt {
				page = append(page, r.Record)
			}
		}
		leave()
		for _, r := range page {
			if !yield(&r, nil) {
				return
			}
		}
	}
}

func (e reference) Ping(ctx context.Context) error {
	leave, err := e.enter(ctx, "ping")
	if err != nil {
		return err
	}
	leave()
	return nil
}

func (e reference) Stats(ctx context.Context) (cloakroom.Stats, error) {
	leave, err := e.enter(ctx, "stats")
	if err != nil {
		return cloakroom.Stats{}, err
	}
	defer leave()
	st := cloakroom.Stats{Corrupt: e.corrupt}
	for key := range e.records {
		st.Bytes++
		if e.live(key) == nil {
			st.Expired++
		} else {
			st.Live++
		}
	}
	return st, nil
}

func (e reference) Describe() cloakroom.Description {
	return cloakroom.Description{Engine: "reference", BackEnd: "a map", Persistent: true}
}
