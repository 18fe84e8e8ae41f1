package locmem

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// keys are what a store holds, expired or not, sorted.
func (c *Cache) keys() []string {
	var keys []string
	for i := range c.shards {
		keys = append(keys, c.shards[i].keys("")...)
	}
	slices.Sort(keys)
	return keys
}

// check compares the parts of a store with each other.
func (c *Cache) check(t interface{ Errorf(string, ...any) }) {
	var entries, bytes int64
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		linked := 0
		for e := s.oldest; e != nil; e = e.newer {
			if linked++; s.entries[e.key] != e || s.byExpiry[e.index] != e {
				t.Errorf("an entry is not where it should be")
			}
			if parent := s.byExpiry[max(0, e.index-1)/2]; parent.expires.After(e.expires) {
				t.Errorf("the heap is out of order")
			}
			if e.newer != nil && e.newer.used < e.used {
				t.Errorf("the entries are not in the order of their use")
			}
			entries++
			bytes += int64(e.snapshot.size)
		}
		if linked != len(s.entries) || linked != len(s.byExpiry) {
			t.Errorf("%d entries in the map, %d by use, %d by expiry", len(s.entries), linked, len(s.byExpiry))
		}
		s.mu.Unlock()
	}
	if e, b := c.total.entries.Load(), c.total.bytes.Load(); e != entries || b != bytes {
		t.Errorf("the totals are %d entries and %d bytes, want %d and %d", e, b, entries, bytes)
	}
}

// model is the order of eviction in its plainest form: a list by use.
type model struct {
	maxEntries, maxBytes int
	sessions             []modelled // least recently used first
}

type modelled struct {
	key     string
	size    int
	expires time.Time
	version any
}

func (m *model) drop(key string) {
	m.sessions = slices.DeleteFunc(m.sessions, func(s modelled) bool { return s.key == key })
}

func (m *model) use(s modelled) {
	m.drop(s.key)
	m.sessions = append(m.sessions, s)
}

func (m *model) expire() {
	m.sessions = slices.DeleteFunc(m.sessions, func(s modelled) bool { return !s.expires.After(time.Now()) })
}

func (m *model) evict() {
	for m.size() > m.maxBytes || len(m.sessions) > m.maxEntries {
		m.sessions = m.sessions[1:]
	}
}

func (m *model) size() (n int) {
	for _, s := range m.sessions {
		n += s.size
	}
	return n
}

func (m *model) keys() []string {
	var keys []string
	for _, s := range m.sessions {
		keys = append(keys, s.key)
	}
	slices.Sort(keys)
	return keys
}

// What is evicted, and when, is what the model says: nothing live before
// something expired, and then by use, whatever the shards.
func TestBoundsFollowTheModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// In a bubble a test may not be asked for its deadline, as rapid does.
		rapid.Check(struct{ rapid.TB }{t}, followModel)
	})
}

func followModel(t *rapid.T) {
	m := &model{
		maxEntries: rapid.IntRange(1, 12).Draw(t, "max entries"),
		maxBytes:   rapid.IntRange(500, 5000).Draw(t, "max bytes"),
	}
	c, ctx, made := New(MaxEntries(m.maxEntries), MaxBytes(m.maxBytes)), context.Background(), 0
	data := func() map[string]any {
		return map[string]any{"": strings.Repeat("x", rapid.IntRange(0, 1500).Draw(t, "length"))}
	}
	expires := func() time.Time {
		return time.Now().Add(time.Duration(rapid.IntRange(-1, 20).Draw(t, "lifetime")) * time.Second)
	}
	// write takes over what a write that succeeded left behind.
	write := func(key string, r *cloakroom.Record) {
		m.use(modelled{key, r.Version.(*snapshot).size, r.Expires, r.Version})
		m.expire()
		m.evict()
	}
	// freshKey takes only the first shards, so that there is order within one too.
	freshKey := func() string {
		for {
			made++
			key := fmt.Sprint("key ", made)
			if s := c.shard(key); s == &c.shards[0] || s == &c.shards[1] || s == &c.shards[2] {
				return key
			}
		}
	}
	pick := func() modelled {
		if len(m.sessions) == 0 {
			return modelled{key: "never there"}
		}
		return rapid.SampledFrom(m.sessions).Draw(t, "session")
	}
	want := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Fatalf("error %v, want %v", err, want)
		}
	}

	t.Repeat(map[string]func(*rapid.T){
		"add": func(*rapid.T) {
			key, r := freshKey(), &cloakroom.Record{Data: data(), Expires: expires()}
			added, err := c.Add(ctx, key, r)
			if errors.Is(err, cloakroom.ErrTooLarge) {
				return
			}
			if err != nil || !added {
				t.Fatalf("Add: %v, %v", added, err)
			}
			write(key, r)
		},
		"add again": func(*rapid.T) {
			s := pick()
			if s.version == nil {
				return
			}
			added, err := c.Add(ctx, s.key, &cloakroom.Record{Expires: expires()})
			if err != nil || added {
				t.Fatalf("Add of a key that is there: %v, %v", added, err)
			}
		},
		"get": func(*rapid.T) {
			s := pick()
			r, err := c.Get(ctx, s.key)
			if s.version == nil {
				want(err, cloakroom.ErrNotFound)
				return
			}
			if err != nil || r.Version != s.version || !r.Expires.Equal(s.expires) || r.Size != s.size {
				t.Fatalf("Get: %+v, %v; want what was saved", r, err)
			}
			m.use(s)
		},
		"swap": func(*rapid.T) {
			s := pick()
			r := &cloakroom.Record{Data: data(), Expires: expires(), Version: s.version}
			err := c.Swap(ctx, s.key, r)
			switch {
			case errors.Is(err, cloakroom.ErrTooLarge):
			case s.version == nil:
				want(err, cloakroom.ErrGone)
			case err != nil:
				t.Fatalf("Swap: %v", err)
			default:
				write(s.key, r)
			}
		},
		"touch": func(*rapid.T) {
			s := pick()
			at := expires()
			err := c.Touch(ctx, s.key, at)
			if s.version == nil {
				want(err, cloakroom.ErrGone)
				return
			}
			if err != nil {
				t.Fatalf("Touch: %v", err)
			}
			s.expires = at
			m.use(s)
		},
		"delete": func(*rapid.T) {
			s := pick()
			want(c.Delete(ctx, s.key), nil)
			m.drop(s.key)
		},
		"wait": func(*rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(1, 15).Draw(t, "seconds")) * time.Second)
		},
		"": func(t *rapid.T) {
			time.Sleep(time.Nanosecond) // no two uses at the same moment
			m.expire()
			c.check(t)
			if c.total.entries.Load() > c.maxEntries || c.total.bytes.Load() > c.maxBytes {
				t.Fatalf("over the bounds")
			}
			c.sweep(time.Now())
			if diff := cmp.Diff(m.keys(), c.keys(), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("the store keeps other sessions than the model (-want +got):\n%s", diff)
			}
		},
	})
}

func TestBoundsHoldForConcurrentWriters(t *testing.T) {
	t.Parallel()
	const bound = 100
	c := New(MaxEntries(bound))
	e := cache.New(c)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				r := &cloakroom.Record{Data: map[string]any{"n": int64(i)}, Expires: time.Now().Add(time.Hour)}
				if err := e.Create(t.Context(), r); err != nil {
					t.Error(err)
				}
				if err := e.Save(t.Context(), r); err != nil && !errors.Is(err, cloakroom.ErrGone) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(c.keys()); n != bound {
		t.Errorf("%d sessions are left, want %d", n, bound)
	}
	c.check(t)
}

func TestExpiresByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New()
		e := cache.New(c)
		for i := range 1000 {
			life := time.Duration(i+1) * time.Second
			if err := e.Create(t.Context(), &cloakroom.Record{Expires: time.Now().Add(life)}); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			time.Sleep(300 * time.Second)
			synctest.Wait()
			c.check(t)
		}
		if n := c.total.entries.Load(); n < 100 || n > 100+int64(sweepEvery/time.Second) {
			t.Errorf("%d of 1000 sessions are in memory when 900 have expired", n)
		}
		time.Sleep(100*time.Second + sweepEvery)
		synctest.Wait()
		if n, b := c.total.entries.Load(), c.total.bytes.Load(); n != 0 || b != 0 {
			t.Errorf("%d sessions and %d bytes are in memory when all have expired", n, b)
		}
		if c.ticking.Load() {
			t.Error("an empty store is still being swept")
		}

		// It is swept again as soon as there is something again.
		if err := e.Create(t.Context(), &cloakroom.Record{Expires: time.Now().Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second + sweepEvery)
		synctest.Wait()
		if n := c.total.entries.Load(); n != 0 {
			t.Errorf("%d sessions are in memory when the last has expired", n)
		}
	})
}

func TestClockGoingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var offset atomic.Int64
		c := New(MaxEntries(2))
		c.now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
		e := cache.New(c)
		create := func() *cloakroom.Record {
			r := &cloakroom.Record{Expires: c.now().Add(time.Hour)}
			if err := e.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			return r
		}
		first := create()
		offset.Store(int64(-48 * time.Hour))
		second := create()
		for _, r := range []*cloakroom.Record{first, second} {
			if _, err := e.Load(t.Context(), r.Key); err != nil {
				t.Errorf("Load after the clock went back: %v", err)
			}
		}
		time.Sleep(2 * time.Hour)
		if _, err := e.Load(t.Context(), second.Key); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("Load of what expired by the new time: %v", err)
		}
		if err := e.Save(t.Context(), first); err != nil {
			t.Errorf("Save after the clock went back: %v", err)
		}
		offset.Store(0)
		create()
		create()
		create()
		if n := len(c.keys()); n != 2 {
			t.Errorf("%d sessions after the clock was put right, want 2", n)
		}
	})
}

func TestStoreThatNobodyHasIsFreed(t *testing.T) {
	t.Parallel()
	store := func() weak.Pointer[Cache] {
		c := New()
		r := &cloakroom.Record{Expires: time.Now().Add(time.Hour)}
		if err := cache.New(c).Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return weak.Make(c)
	}()
	for deadline := time.Now().Add(10 * time.Second); store.Value() != nil; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("the store is still in memory")
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	e := Open(MaxBytes(2000))
	r := &cloakroom.Record{Data: map[string]any{"n": int64(1)}, Expires: time.Now().Add(time.Hour)}
	if err := e.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	large := *r
	large.Data = map[string]any{"large": strings.Repeat("x", 2000)}
	if err := e.Save(t.Context(), &large); !errors.Is(err, cloakroom.ErrTooLarge) {
		t.Errorf("Save: %v, want ErrTooLarge", err)
	}
	if err := e.Create(t.Context(), &large); !errors.Is(err, cloakroom.ErrTooLarge) {
		t.Errorf("Create: %v, want ErrTooLarge", err)
	}
	if got, err := e.Load(t.Context(), r.Key); err != nil || got.Data["n"] != int64(1) {
		t.Errorf("Load of the session that was there: %v, %v", got, err)
	}
}

// The bound on bytes is worth something only if the sizes are about right.
func TestSizeIsAboutRight(t *testing.T) {
	for name, data := range map[string]func(i int) map[string]any{
		"empty": func(int) map[string]any { return nil },
		"login": func(i int) map[string]any {
			return map[string]any{
				"_auth_user_id": fmt.Sprint(i), "_auth_user_backend": strings.Clone("django.contrib.auth.backends.ModelBackend"),
				"_auth_user_hash": strings.Repeat("f", 64), "count": int64(i), "at": time.Now(), "ok": true,
			}
		},
		"nested": func(i int) map[string]any {
			cart := make([]any, 50)
			for n := range cart {
				cart[n] = map[string]any{"sku": fmt.Sprint(i, n), "n": int64(n), "price": 1.5, "big": big.NewInt(int64(i))}
			}
			return map[string]any{"cart": cart, "blob": make([]byte, 1000)}
		},
	} {
		const count = 2000
		c := New()
		e := cache.New(c)
		before := allocated()
		for i := range count {
			if err := e.Create(t.Context(), &cloakroom.Record{Data: data(i), Expires: time.Now().Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		real, said := allocated()-before, c.total.bytes.Load()
		ratio := float64(said) / float64(real)
		t.Logf("%s: %d bytes a session, taken for %d", name, real/count, said/count)
		if ratio < 0.7 || ratio > 1.5 {
			t.Errorf("%s: the size is %.2f of what it really takes", name, ratio)
		}
		runtime.KeepAlive(e)
	}
}

func allocated() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
