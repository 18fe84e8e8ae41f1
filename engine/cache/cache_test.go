package cache_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

var (
	_ cloakroom.Engine    = (*cache.Engine)(nil)
	_ cloakroom.Lister    = (*cache.Engine)(nil)
	_ cloakroom.Pinger    = (*cache.Engine)(nil)
	_ cloakroom.Measurer  = (*cache.Engine)(nil)
	_ cloakroom.Describer = (*cache.Engine)(nil)
)

// fake answers every request with err, and notes the key.
type fake struct {
	cache.Cache
	err     error
	refuses int // how many keys Add finds taken
	asked   []string
	listed  []string
}

func (f *fake) Get(_ context.Context, key string) (*cloakroom.Record, error) {
	f.asked = append(f.asked, key)
	return &cloakroom.Record{}, f.err
}

func (f *fake) Add(_ context.Context, key string, _ *cloakroom.Record) (bool, error) {
	f.asked = append(f.asked, key)
	return len(f.asked) > f.refuses, f.err
}

func (f *fake) Swap(_ context.Context, key string, _ *cloakroom.Record) error {
	f.asked = append(f.asked, key)
	return f.err
}

func (f *fake) Delete(_ context.Context, key string) error {
	f.asked = append(f.asked, key)
	return f.err
}

func (f *fake) Touch(_ context.Context, key string, _ time.Time) error {
	f.asked = append(f.asked, key)
	return f.err
}

func (f *fake) Ping(context.Context) error { return f.err }

func (f *fake) Stats(_ context.Context, prefix string) (cloakroom.Stats, error) {
	f.asked = append(f.asked, prefix)
	return cloakroom.Stats{}, f.err
}

func (f *fake) List(_ context.Context, prefix string) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		f.asked = append(f.asked, prefix)
		if f.err != nil {
			yield(nil, f.err)
			return
		}
		for _, key := range f.listed {
			if !yield(&cloakroom.Record{Key: key}, nil) {
				return
			}
		}
	}
}

// verbs is everything that an engine asks its cache.
func verbs(ctx context.Context, e *cache.Engine, key string) map[string]error {
	_, load := e.Load(ctx, key)
	_, stats := e.Stats(ctx)
	var list error
	for _, err := range e.List(ctx) {
		list = err
	}
	return map[string]error{
		"load": load, "stats": stats, "list": list,
		"create": e.Create(ctx, &cloakroom.Record{}),
		"save":   e.Save(ctx, &cloakroom.Record{Key: key}),
		"delete": e.Delete(ctx, key),
		"touch":  e.Touch(ctx, key, time.Now()),
		"ping":   e.Ping(ctx),
	}
}

func TestKeysAreThoseOfDjango(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options []cache.Option
		prefix  string
	}{
		"defaults": {nil, ":1:django.contrib.sessions.cache"},
		"settings": {
			[]cache.Option{cache.KeyPrefix("site"), cache.Version(7)},
			"site:7:django.contrib.sessions.cache",
		},
		"cached_db": {
			[]cache.Option{cache.StorePrefix("django.contrib.sessions.cached_db")},
			":1:django.contrib.sessions.cached_db",
		},
	} {
		f, key := &fake{}, cloakroom.NewKey()
		verbs(t.Context(), cache.New(f, test.options...), key)
		for _, asked := range f.asked {
			rest, ok := strings.CutPrefix(asked, test.prefix)
			if !ok || rest != "" && !cloakroom.ValidKey(rest) {
				t.Errorf("%s: the cache is asked for %q, want %q and a session key", name, asked, test.prefix)
			}
		}
		if want := test.prefix + key; len(f.asked) != 7 || f.asked[0] != want {
			t.Errorf("%s: the cache is asked for %q, want 7 keys, the first of them %q", name, f.asked, want)
		}
	}
}

func TestEnginesOnOneCacheAreApart(t *testing.T) {
	t.Parallel()
	c, ctx := locmem.New(), t.Context()
	here, there := cache.New(c), cache.New(c, cache.KeyPrefix("other"))
	r := &cloakroom.Record{Expires: time.Now().Add(time.Hour)}
	if err := here.Create(ctx, r); err != nil {
		t.Fatal(err)
	}
	if _, err := there.Load(ctx, r.Key); !errors.Is(err, cloakroom.ErrNotFound) {
		t.Errorf("Load of another's session: %v", err)
	}
	for range there.List(ctx) {
		t.Error("List yields another's session")
	}
	if st, err := there.Stats(ctx); err != nil || st.Live != 0 || st.Bytes != 0 {
		t.Errorf("Stats of nothing: %+v, %v", st, err)
	}
}

func TestCreateTriesAnotherKey(t *testing.T) {
	t.Parallel()
	f, r := &fake{refuses: 2}, &cloakroom.Record{Key: "given"}
	if err := cache.New(f).Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if len(f.asked) != 3 || f.asked[0] == f.asked[1] || !strings.HasSuffix(f.asked[2], r.Key) {
		t.Error("Create does not try fresh keys until one is free")
	}

	f, r = &fake{refuses: 1000}, &cloakroom.Record{Key: "given"}
	if err := cache.New(f).Create(t.Context(), r); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Create in a cache that refuses everything: %v", err)
	}
	if r.Key != "given" {
		t.Error("Create changes the key of a record that it did not store")
	}
}

func TestErrorsAreNamed(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	for name, test := range map[string]struct {
		err   error
		kinds []error
		want  string
	}{
		"sentinel":   {cloakroom.ErrConflict, []error{cloakroom.ErrConflict}, "cache: OP: session changed meanwhile"},
		"unreadable": {cloakroom.ErrCorrupt, []error{cloakroom.ErrNotFound, cloakroom.ErrCorrupt}, "cache: OP: session not found: session unreadable"},
		"other":      {refused, []error{cloakroom.ErrUnavailable, refused}, "cache: OP: session storage unavailable: connection refused"},
		"deadline": {
			context.DeadlineExceeded,
			[]error{cloakroom.ErrUnavailable, context.DeadlineExceeded},
			"cache: OP: session storage unavailable: context deadline exceeded",
		},
		"cancelled": {context.Canceled, []error{context.Canceled}, "cache: OP: context canceled"},
		"explained": {
			&cloakroom.Error{Kind: cloakroom.ErrTooLarge, Mend: "raise the limit", Err: refused},
			[]error{cloakroom.ErrTooLarge, refused},
			"cache: OP: session too large (raise the limit): connection refused",
		},
	} {
		for op, err := range verbs(t.Context(), cache.New(&fake{err: test.err}), cloakroom.NewKey()) {
			for _, kind := range test.kinds {
				if !errors.Is(err, kind) {
					t.Errorf("%s: %s: error %v does not match %q", name, op, err, kind)
				}
			}
			if diff := cmp.Diff(strings.ReplaceAll(test.want, "OP", op), err.Error()); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, op, diff)
			}
		}
	}
}

func TestStatsCountsUnreadableRecords(t *testing.T) {
	t.Parallel()
	f := &fake{err: cloakroom.ErrCorrupt}
	e := cache.New(f)
	for range 3 {
		_, _ = e.Load(t.Context(), cloakroom.NewKey())
	}
	f.err = nil
	if st, err := e.Stats(t.Context()); err != nil || st.Corrupt != 3 {
		t.Errorf("Stats: %+v, %v; want Corrupt 3", st, err)
	}
}

func TestListYieldsSessionKeys(t *testing.T) {
	t.Parallel()
	const prefix = ":1:django.contrib.sessions.cache"
	want := []string{cloakroom.NewKey(), cloakroom.NewKey()}
	f := &fake{listed: []string{prefix + want[0], prefix + "no session key", prefix, prefix + want[1]}}
	var got []string
	for r, err := range cache.New(f).List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}
