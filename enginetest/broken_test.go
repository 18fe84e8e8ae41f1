package enginetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// bent is the reference engine with some verbs replaced.
type bent struct {
	reference
	load     func(ctx context.Context, key string) (*cloakroom.Record, error)
	create   func(ctx context.Context, r *cloakroom.Record) error
	add      func(ctx context.Context, r *cloakroom.Record) error
	holds    func(data map[string]any) error
	save     func(ctx context.Context, r *cloakroom.Record) error
	delete   func(ctx context.Context, key string) error
	touch    func(ctx context.Context, key string, expires time.Time) error
	clear    func(ctx context.Context, limit int) (int, error)
	list     func(ctx context.Context) iter.Seq2[*cloakroom.Record, error]
	stats    func(ctx context.Context) (cloakroom.Stats, error)
	ping     func(ctx context.Context) error
	describe func() cloakroom.Description
}

// bend returns an engine that keeps every promise until a verb is replaced.
func bend(e reference) *bent {
	return &bent{
		reference: e,
		load:      e.Load,
		create:    e.Create,
		add:       e.Add,
		holds:     e.Holds,
		save:      e.Save,
		delete:    e.Delete,
		touch:     e.Touch,
		clear:     e.ClearExpired,
		list:      e.List,
		stats:     e.Stats,
		ping:      e.Ping,
		describe:  e.Describe,
	}
}

func (e *bent) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	return e.load(ctx, key)
}

func (e *bent) Create(ctx context.Context, r *cloakroom.Record) error {
	return e.create(ctx, r)
}

func (e *bent) Add(ctx context.Context, r *cloakroom.Record) error {
	return e.add(ctx, r)
}

func (e *bent) Holds(data map[string]any) error {
	return e.holds(data)
}

func (e *bent) Save(ctx context.Context, r *cloakroom.Record) error {
	return e.save(ctx, r)
}

func (e *bent) Delete(ctx context.Context, key string) error {
	return e.delete(ctx, key)
}

func (e *bent) Touch(ctx context.Context, key string, expires time.Time) error {
	return e.touch(ctx, key, expires)
}

func (e *bent) ClearExpired(ctx context.Context, limit int) (int, error) {
	return e.clear(ctx, limit)
}

func (e *bent) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return e.list(ctx)
}

func (e *bent) Stats(ctx context.Context) (cloakroom.Stats, error) {
	return e.stats(ctx)
}

func (e *bent) Ping(ctx context.Context) error {
	return e.ping(ctx)
}

func (e *bent) Describe() cloakroom.Description {
	return e.describe()
}

// breakage is one mistake, and the promises in which the suite finds it.
type breakage struct {
	name  string
	make  func(e *bent)
	fails []string
	also  []string // what the same mistake may break too
}

// alive reports whether r is to live on.
func alive(r *cloakroom.Record) bool { return r.Expires.After(time.Now()) }

var breakages = []breakage{
	{name: "nothing", make: func(*bent) {}},

	// Data.
	{"whole floats become integers", func(e *bent) {
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			stored := *r
			stored.Data = maps.Clone(r.Data)
			for name, v := range r.Data {
				if f, ok := v.(float64); ok && f == math.Trunc(f) && !math.IsInf(f, 0) {
					stored.Data[name] = int64(f)
				}
			}
			err := e.reference.Create(ctx, &stored)
			r.Key, r.Version = stored.Key, stored.Version
			return err
		}
	}, []string{"RoundTrip", "UntouchedData"}, []string{"Snapshots"}},
	{"times become text", func(e *bent) {
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			r, err := e.reference.Load(ctx, key)
			if err == nil {
				r.Data = maps.Clone(r.Data)
				for name, v := range r.Data {
					if at, ok := v.(time.Time); ok {
						r.Data[name] = at.String()
					}
				}
			}
			return r, err
		}
	}, []string{"RoundTripTimesAndBytes"}, nil},
	{"long text is cut off", func(e *bent) {
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			if text, ok := r.Data["large"].(string); ok {
				short := *r
				short.Data = map[string]any{"large": text[:1<<16]}
				err := e.reference.Create(ctx, &short)
				r.Key, r.Version = short.Key, short.Version
				return err
			}
			return e.reference.Create(ctx, r)
		}
	}, []string{"RoundTripLarge"}, nil},
	{"save keeps the other keys as its own types", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			saved := *r
			if _, ok := r.Data["changed"]; ok {
				saved.Data = maps.Clone(r.Data)
				saved.Data["list"] = fmt.Sprint(r.Data["list"])
			}
			err := e.reference.Save(ctx, &saved)
			r.Version = saved.Version
			return err
		}
	}, []string{"UntouchedData"}, nil},
	{"save writes into what was handed out", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			old, err := e.reference.Load(ctx, r.Key)
			if _, ok := r.Data["other"]; ok && err == nil {
				clear(old.Data)
				maps.Copy(old.Data, r.Data)
			}
			return e.reference.Save(ctx, r)
		}
	}, []string{"Snapshots"}, nil},
	{"anything is stored", func(e *bent) {
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			if !encodable(r.Data) {
				r.Data = nil
			}
			return e.reference.Create(ctx, r)
		}
	}, []string{"Unencodable"}, nil},

	// Keys.
	{"keys come again", func(e *bent) {
		var mu sync.Mutex
		var first string
		made := 0
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			if err := e.reference.Create(ctx, r); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if made++; made == 1 {
				first = r.Key
			} else if made == 100 {
				e.mu.Lock()
				defer e.mu.Unlock()
				delete(e.records, r.Key)
				r.Key = first
				e.put(r)
			}
			return nil
		}
	}, []string{"CreateFreshKeys"}, []string{"List", "ListStops", "ListWhileDeleting", "NoResurrection"}},
	{"create adopts the key", func(e *bent) {
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			given := r.Key
			if err := e.reference.Create(ctx, r); err != nil || !cloakroom.ValidKey(given) {
				return err
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.records, r.Key)
			r.Key = given
			e.put(r)
			return nil
		}
	}, []string{"CreateIgnoresKey"}, nil},
	{"a wrong key is an outage", func(e *bent) {
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			if !cloakroom.ValidKey(key) {
				return nil, fail("load", cloakroom.ErrUnavailable)
			}
			return e.reference.Load(ctx, key)
		}
	}, []string{"WrongKeys"}, []string{"AddWrongKeys", "CreateIgnoresKey"}},

	// Add.
	{"add makes a key of its own", func(e *bent) {
		e.add = func(ctx context.Context, r *cloakroom.Record) error {
			if !cloakroom.ValidKey(r.Key) {
				return e.reference.Add(ctx, r)
			}
			if _, err := e.reference.Load(ctx, r.Key); err == nil {
				return fail("add", cloakroom.ErrConflict)
			}
			return e.reference.Create(ctx, r)
		}
	}, []string{"Add"}, []string{"AddExpired", "AddOnce", "Holds", "Linearizable"}},
	{"add looks at the version", func(e *bent) {
		e.add = func(ctx context.Context, r *cloakroom.Record) error {
			if _, ok := r.Version.(int); r.Version != nil && !ok {
				return fail("add", cloakroom.ErrUnencodable)
			}
			return e.reference.Add(ctx, r)
		}
	}, []string{"Add"}, []string{"AddConflict", "AddExpired", "AddOnce", "Holds"}},
	{"add overwrites", func(e *bent) { // as a plain SET does
		e.add = func(ctx context.Context, r *cloakroom.Record) error {
			if err := e.reference.Add(ctx, r); !errors.Is(err, cloakroom.ErrConflict) {
				return err
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			e.put(r)
			return nil
		}
	}, []string{"AddConflict", "AddOnce"}, []string{"Linearizable"}},
	{"add minds what has expired", func(e *bent) {
		e.add = func(ctx context.Context, r *cloakroom.Record) error {
			e.mu.Lock()
			_, taken := e.records[r.Key]
			e.mu.Unlock()
			if taken {
				return fail("add", cloakroom.ErrConflict)
			}
			return e.reference.Add(ctx, r)
		}
	}, []string{"AddExpired"}, nil},
	{"add takes any key", func(e *bent) {
		e.add = func(ctx context.Context, r *cloakroom.Record) error {
			err := e.reference.Add(ctx, r)
			if cloakroom.ValidKey(r.Key) {
				return err
			}
			return nil
		}
	}, []string{"AddWrongKeys"}, nil},
	{"look, then add", func(e *bent) {
		e.add = func(ctx context.Context, r *cloakroom.Record) error {
			_, err := e.reference.Load(ctx, r.Key)
			if !errors.Is(err, cloakroom.ErrNotFound) || !cloakroom.ValidKey(r.Key) {
				return e.reference.Add(ctx, r)
			}
			time.Sleep(time.Millisecond)
			e.mu.Lock()
			defer e.mu.Unlock()
			e.put(r)
			return nil
		}
	}, []string{"AddOnce"}, []string{"Linearizable"}},
	{"it holds what it flattens", func(e *bent) {
		e.add = func(ctx context.Context, r *cloakroom.Record) error {
			flat := *r
			if list, ok := r.Data["list"].([]any); ok && len(r.Data) == 1 {
				flat.Data = map[string]any{"list": fmt.Sprint(list)}
			}
			err := e.reference.Add(ctx, &flat)
			r.Version = flat.Version
			return err
		}
	}, []string{"Holds"}, nil},

	// Save.
	{"save keeps the old version in the record", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			saved := *r
			return e.reference.Save(ctx, &saved)
		}
	}, []string{"Save", "SaveEnds"}, []string{"Linearizable"}},
	{"conflict still writes", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			err := e.reference.Save(ctx, r)
			if errors.Is(err, cloakroom.ErrConflict) && alive(r) {
				e.mu.Lock()
				defer e.mu.Unlock()
				if kept := e.records[r.Key]; kept != nil {
					kept.Data = r.Data
				}
			}
			return err
		}
	}, []string{"SaveConflict", "Linearizable"}, []string{"NoLostUpdate"}},
	{"save upserts", func(e *bent) { // as a plain SET does
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			err := e.reference.Save(ctx, r)
			if errors.Is(err, cloakroom.ErrGone) && cloakroom.ValidKey(r.Key) && alive(r) {
				e.mu.Lock()
				defer e.mu.Unlock()
				if e.records[r.Key] == nil {
					e.put(r)
					return nil
				}
			}
			return err
		}
	}, []string{"SaveGone", "NoResurrection", "Linearizable"}, []string{"Add", "DeleteEverywhere"}},
	{"save ends whatever the version", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			err := e.reference.Save(ctx, r)
			if errors.Is(err, cloakroom.ErrConflict) && !alive(r) {
				return e.reference.Delete(ctx, r.Key)
			}
			return err
		}
	}, []string{"SaveEnds"}, nil},
	{"save loses the expiry", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			if alive(r) {
				r.Expires = r.Expires.AddDate(100, 0, 0)
			}
			return e.reference.Save(ctx, r)
		}
	}, []string{"SaveMovesExpiry"}, []string{"Linearizable"}},
	{"compare, then swap", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			read, err := e.reference.Load(ctx, r.Key)
			same := err == nil && read.Version == r.Version
			time.Sleep(time.Millisecond)
			if now, err := e.reference.Load(ctx, r.Key); err == nil && same {
				r.Version = now.Version
			}
			return e.reference.Save(ctx, r)
		}
	}, []string{"NoLostUpdate", "Linearizable"}, nil},
	{"loads share the answer that one of them waits for", func(e *bent) { // though it may be older than a save
		var mu sync.Mutex
		waits := map[string]*cloakroom.Record{}
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			mu.Lock()
			shared := waits[key]
			mu.Unlock()
			if shared != nil {
				return shared, nil
			}
			r, err := e.reference.Load(ctx, key)
			if err != nil {
				return r, err
			}
			mu.Lock()
			waits[key] = r
			mu.Unlock()
			for range 20 {
				runtime.Gosched()
			}
			mu.Lock()
			delete(waits, key)
			mu.Unlock()
			return r, nil
		}
	}, []string{"Linearizable"}, nil},

	// Delete and Touch.
	{"delete minds what is not there", func(e *bent) {
		e.delete = func(ctx context.Context, key string) error {
			if _, err := e.reference.Load(ctx, key); cloakroom.ValidKey(key) && errors.Is(err, cloakroom.ErrNotFound) {
				return err
			}
			return e.reference.Delete(ctx, key)
		}
	}, []string{"Delete"}, []string{"Corrupt", "Linearizable"}},
	{"touch does nothing", func(e *bent) {
		e.touch = func(ctx context.Context, key string, _ time.Time) error {
			r, err := e.reference.Load(ctx, key)
			if errors.Is(err, cloakroom.ErrNotFound) {
				return fail("touch", cloakroom.ErrGone)
			}
			if err != nil {
				return err
			}
			return e.reference.Touch(ctx, key, r.Expires)
		}
	}, []string{"TouchMovesExpiry"}, []string{"Linearizable"}},
	{"touch is a save", func(e *bent) {
		e.touch = func(ctx context.Context, key string, expires time.Time) error {
			err := e.reference.Touch(ctx, key, expires)
			e.mu.Lock()
			defer e.mu.Unlock()
			if r := e.records[key]; r != nil && err == nil {
				e.writes++
				r.Version = e.writes
			}
			return err
		}
	}, []string{"TouchKeepsVersion"}, []string{"NoResurrection", "Linearizable"}},
	{"touch revives", func(e *bent) { // writes back what it read before the flush
		var seen sync.Map
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			err := e.reference.Create(ctx, r)
			if err == nil {
				seen.Store(r.Key, *r)
			}
			return err
		}
		e.touch = func(ctx context.Context, key string, expires time.Time) error {
			err := e.reference.Touch(ctx, key, expires)
			before, ok := seen.Load(key)
			e.mu.Lock()
			defer e.mu.Unlock()
			if !ok || !errors.Is(err, cloakroom.ErrGone) || e.records[key] != nil {
				return err
			}
			r := before.(cloakroom.Record)
			r.Expires = expires
			e.put(&r)
			return nil
		}
	}, []string{"TouchGone", "NoResurrection"}, []string{"DeleteEverywhere", "Linearizable"}},

	// Expiry.
	{"load finds what has expired", func(e *bent) {
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			r, err := e.reference.Load(ctx, key)
			e.mu.Lock()
			defer e.mu.Unlock()
			if kept := e.records[key]; kept != nil && !kept.corrupt && errors.Is(err, cloakroom.ErrNotFound) {
				expired := kept.Record
				return &expired, nil
			}
			return r, err
		}
	}, []string{"ExpiredLoad"}, []string{
		"SaveEnds", "SaveMovesExpiry", "TouchMovesExpiry", "ExpiredSave", "ExpiredTouch",
	}},
	{"save revives what has expired", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			e.mu.Lock()
			if kept := e.records[r.Key]; kept != nil && !alive(&kept.Record) && alive(r) {
				kept.Expires = r.Expires
			}
			e.mu.Unlock()
			return e.reference.Save(ctx, r)
		}
	}, []string{"ExpiredSave"}, []string{"SaveEnds"}},
	{"touch revives what has expired", func(e *bent) {
		e.touch = func(ctx context.Context, key string, expires time.Time) error {
			e.mu.Lock()
			if kept := e.records[key]; kept != nil && !alive(&kept.Record) {
				kept.Expires = expires
			}
			e.mu.Unlock()
			return e.reference.Touch(ctx, key, expires)
		}
	}, []string{"ExpiredTouch"}, nil},
	{"a far expiry is taken for a date", func(e *bent) { // as Memcached takes it
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			if life := time.Until(r.Expires); life > 30*24*time.Hour {
				r.Expires = time.Unix(int64(life/time.Second), 0)
			}
			return e.reference.Create(ctx, r)
		}
	}, []string{"ExpiryIsAnInstant"}, nil},
	{"clear ignores the limit", func(e *bent) {
		e.clear = func(ctx context.Context, _ int) (int, error) {
			return e.reference.ClearExpired(ctx, math.MaxInt)
		}
	}, []string{"ClearExpired"}, nil},

	// What is optional.
	{"list repeats", func(e *bent) {
		e.list = func(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
			return func(yield func(*cloakroom.Record, error) bool) {
				var first *cloakroom.Record
				n := 0
				for r, err := range e.reference.List(ctx) {
					if n++; n == 1 {
						first = r
					}
					if !yield(r, err) {
						return
					}
				}
				if n > 200 {
					yield(first, nil)
				}
			}
		}
	}, []string{"List"}, nil},
	{"list goes on for ever", func(e *bent) {
		e.list = func(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
			if errors.Is(ctx.Err(), context.Canceled) {
				ctx = context.WithoutCancel(ctx)
			}
			return e.reference.List(ctx)
		}
	}, []string{"ListStops", "EndedContext"}, nil},
	{"list pages by offset", func(e *bent) {
		e.list = func(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
			return func(yield func(*cloakroom.Record, error) bool) {
				var all []*cloakroom.Record
				for r, err := range e.reference.List(ctx) {
					if err != nil {
						yield(nil, err)
						return
					}
					all = append(all, r)
				}
				for i := 0; i < len(all); i++ {
					if !yield(all[i], nil) {
						return
					}
					if _, err := e.reference.Load(ctx, all[i].Key); err != nil {
						all = slices.Delete(all, i, i+1)
					}
				}
			}
		}
	}, []string{"ListWhileDeleting"}, nil},
	{"list stops at what it cannot read", func(e *bent) {
		e.list = func(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
			return func(yield func(*cloakroom.Record, error) bool) {
				e.mu.Lock()
				bad := slices.ContainsFunc(slices.Collect(maps.Values(e.records)), func(r *stored) bool { return r.corrupt })
				e.mu.Unlock()
				if bad {
					yield(nil, fail("list", cloakroom.ErrNotFound))
					return
				}
				e.reference.List(ctx)(yield)
			}
		}
	}, []string{"ListPassesOverCorrupt"}, nil},
	{"stats counts the expired as live", func(e *bent) {
		e.stats = func(ctx context.Context) (cloakroom.Stats, error) {
			st, err := e.reference.Stats(ctx)
			st.Live, st.Expired = st.Live+st.Expired, 0
			return st, err
		}
	}, []string{"Stats"}, nil},
	{"stats forgets the unreadable", func(e *bent) {
		e.stats = func(ctx context.Context) (cloakroom.Stats, error) {
			st, err := e.reference.Stats(ctx)
			st.Corrupt = 0
			return st, err
		}
	}, []string{"StatsCorrupt"}, nil},
	{"no answer to a ping", func(e *bent) {
		e.ping = func(context.Context) error { return fail("ping", cloakroom.ErrUnavailable) }
	}, []string{"Ping"}, nil},
	{"no description", func(e *bent) {
		e.describe = func() cloakroom.Description { return cloakroom.Description{} }
	}, []string{"Describe"}, nil},

	// Failure.
	{"outage is not found", func(e *bent) { // as Django has it
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			r, err := e.reference.Load(ctx, key)
			if errors.Is(err, cloakroom.ErrUnavailable) {
				err = fail("load", cloakroom.ErrNotFound)
			}
			return r, err
		}
	}, []string{"Outage"}, nil},
	{"outage hangs", func(e *bent) {
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			r, err := e.reference.Load(ctx, key)
			if errors.Is(err, cloakroom.ErrUnavailable) {
				time.Sleep(time.Minute)
			}
			return r, err
		}
	}, []string{"Outage"}, nil},
	{"corrupt is not found", func(e *bent) {
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			r, err := e.reference.Load(ctx, key)
			if errors.Is(err, cloakroom.ErrCorrupt) {
				err = fail("load", cloakroom.ErrNotFound)
			}
			return r, err
		}
	}, []string{"Corrupt"}, nil},
	{"an ended context is not noticed", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			return e.reference.Save(context.WithoutCancel(ctx), r)
		}
	}, []string{"EndedContext"}, nil},
	{"errors tell the key", func(e *bent) {
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			r, err := e.reference.Load(ctx, key)
			if err != nil && cloakroom.ValidKey(key) {
				err = fmt.Errorf("session %q: %w", key, err)
			}
			return r, err
		}
	}, []string{"Errors"}, nil},
	{"errors have no name", func(e *bent) {
		e.touch = func(ctx context.Context, key string, expires time.Time) error {
			err := e.reference.Touch(ctx, key, expires)
			if errors.Is(err, cloakroom.ErrGone) {
				return cloakroom.ErrGone
			}
			return err
		}
	}, []string{"Errors"}, nil},
}

// flushes remembers when it flushed what, and lags is a handle that learns of
// it a second late, as one with a cache of its own does.
type flushes struct {
	reference
	flushed sync.Map
}

type flush struct {
	cloakroom.Record
	at time.Time
}

func (e *flushes) Delete(ctx context.Context, key string) error {
	if r, err := e.Load(ctx, key); err == nil {
		e.flushed.Store(key, flush{*r, time.Now()})
	}
	return e.reference.Delete(ctx, key)
}

type lags struct{ *flushes }

func (e lags) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if f, ok := e.flushed.Load(key); ok && time.Since(f.(flush).at) < time.Second {
		r := f.(flush).Record
		return &r, nil
	}
	return e.flushes.Load(ctx, key)
}
