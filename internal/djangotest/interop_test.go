package djangotest

import (
	"context"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

func TestInterop(t *testing.T) {
	t.Parallel()
	e, d := open(t)
	Interop(t, e, d)
}

// open puts Go and Django on one new SQLite file.
func open(t *testing.T, settings ...Settings) (cloakroom.Engine, *Django) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.sqlite3")
	d := Start(t, append(settings, `DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "`+path+`"}}`)...)
	d.Migrate()
	e, err := db.Open(t.Context(), "sqlite:///"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e.WithSecretKeys(SecretKey), d
}

// bent is an engine with some verbs replaced.
type bent struct {
	cloakroom.Engine
	load   func(ctx context.Context, key string) (*cloakroom.Record, error)
	create func(ctx context.Context, r *cloakroom.Record) error
	save   func(ctx context.Context, r *cloakroom.Record) error
	delete func(ctx context.Context, key string) error
}

func (e *bent) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	return e.load(ctx, key)
}

func (e *bent) Create(ctx context.Context, r *cloakroom.Record) error { return e.create(ctx, r) }

func (e *bent) Save(ctx context.Context, r *cloakroom.Record) error { return e.save(ctx, r) }

func (e *bent) Delete(ctx context.Context, key string) error { return e.delete(ctx, key) }

// breakages are mistakes, each with the promises that it breaks.
var breakages = []struct {
	name  string
	make  func(e *bent)
	fails []string
}{
	{"nothing", func(*bent) {}, nil},
	{"a save turns whole floats into integers", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			return e.Engine.Save(ctx, altered(r, "whole float", int64(2)))
		}
	}, []string{"BegunByDjango", "Merge"}},
	{"a create turns whole floats into integers", func(e *bent) {
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			return e.Engine.Create(ctx, altered(r, "whole float", int64(2)))
		}
	}, []string{"BegunByGo"}},
	{"a load loses what is null", func(e *bent) {
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			r, err := e.Engine.Load(ctx, key)
			if err == nil {
				r = altered(r, "None", "null")
			}
			return r, err
		}
	}, []string{"BegunByDjango", "BegunByGo", "Merge"}},
	{"delete does nothing", func(e *bent) {
		e.delete = func(context.Context, string) error { return nil }
	}, []string{"BegunByDjango"}},
	{"a save never ends a session", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			if r.Expires.Before(time.Now()) {
				return nil
			}
			return e.Engine.Save(ctx, r)
		}
	}, []string{"BegunByGo"}},
	{"a save overwrites", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			if now, err := e.Engine.Load(ctx, r.Key); err == nil {
				r.Version = now.Version
			}
			return e.Engine.Save(ctx, r)
		}
	}, []string{"Merge"}},
	{"a save to a session that is gone is no error", func(e *bent) {
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			if _, err := e.Engine.Load(ctx, r.Key); err != nil {
				return nil
			}
			return e.Engine.Save(ctx, r)
		}
	}, []string{"FlushWins"}},
	{"a load stays in a cache", func(e *bent) {
		var seen sync.Map
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			if r, ok := seen.Load(key); ok {
				return r.(*cloakroom.Record), nil
			}
			r, err := e.Engine.Load(ctx, key)
			if err == nil {
				seen.Store(key, r)
			}
			return r, err
		}
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			seen.Delete(r.Key)
			return e.Engine.Save(ctx, r)
		}
	}, []string{"BegunByGo", "ExpiryByDjango"}},
	{"sessions live a minute longer", func(e *bent) {
		e.create = func(ctx context.Context, r *cloakroom.Record) error {
			r.Expires = r.Expires.Add(time.Minute)
			return e.Engine.Create(ctx, r)
		}
		e.save = func(ctx context.Context, r *cloakroom.Record) error {
			if r.Expires.After(time.Now()) {
				r.Expires = r.Expires.Add(time.Minute)
			}
			return e.Engine.Save(ctx, r)
		}
	}, []string{"Expired", "ExpiryByGo"}},
	{"a load takes an expiry for another", func(e *bent) {
		e.load = func(ctx context.Context, key string) (*cloakroom.Record, error) {
			r, err := e.Engine.Load(ctx, key)
			if err == nil {
				r = altered(r, "_session_expiry", int64(7200))
			}
			return r, err
		}
	}, []string{"ExpiryByDjango", "ExpiryByGo"}},
}

// Each mistake is found in exactly the promises that it breaks.
func TestBrokenEnginesAreCaught(t *testing.T) {
	t.Parallel()
	good, d := open(t)
	p := newPair(t, good, d)
	failed := make([][]string, len(breakages))
	var all sync.WaitGroup // most of the time goes by waiting for an expiry
	for i, b := range breakages {
		e := &bent{good, good.Load, good.Create, good.Save, good.Delete}
		b.make(e)
		all.Go(func() { failed[i] = failures(t, p.on(e)) })
	}
	all.Wait()
	for i, b := range breakages {
		t.Run(b.name, func(t *testing.T) {
			if diff := cmp.Diff(b.fails, failed[i]); diff != "" {
				t.Errorf("promises found broken (-want +got):\n%s", diff)
			}
		})
	}
}

// altered is r with another value where it has one of that name.
func altered(r *cloakroom.Record, name string, value any) *cloakroom.Record {
	if _, ok := r.Data[name]; ok {
		r.Data = maps.Clone(r.Data)
		r.Data[name] = value
	}
	return r
}

// failures names the promises that are broken, sorted.
func failures(t *testing.T, p *pair) []string {
	t.Helper()
	outcomes := make([]recorder, len(promises))
	var all sync.WaitGroup
	for i, promise := range promises {
		outcomes[i].TB = t
		all.Go(func() { promise.check(p.in(&outcomes[i])) })
	}
	all.Wait()
	var failed []string
	for i, promise := range promises {
		if outcomes[i].failed {
			failed = append(failed, promise.name)
		}
	}
	slices.Sort(failed)
	return failed
}

// recorder is a test that may fail without failing the one around it.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Error(...any)          { r.failed = true }
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func (r *recorder) Fatalf(string, ...any) {
	r.failed = true
	runtime.Goexit()
}
