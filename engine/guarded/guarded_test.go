package guarded_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

var quietly = guarded.WithLogger(slog.New(slog.DiscardHandler))

// backEnd answers whatever it is told to.
type backEnd struct {
	cloakroom.Engine
	answer func(ctx context.Context) error
	mu     sync.Mutex // of answer
	asked  atomic.Int64
}

// becomes has it answer otherwise.
func (b *backEnd) becomes(answer func(context.Context) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *backEnd) ask(ctx context.Context) error {
	b.asked.Add(1)
	b.mu.Lock()
	answer := b.answer
	b.mu.Unlock()
	return answer(ctx)
}

func (b *backEnd) Load(ctx context.Context, _ string) (*cloakroom.Record, error) {
	return &cloakroom.Record{}, b.ask(ctx)
}
func (b *backEnd) Create(ctx context.Context, _ *cloakroom.Record) error    { return b.ask(ctx) }
func (b *backEnd) Save(ctx context.Context, _ *cloakroom.Record) error      { return b.ask(ctx) }
func (b *backEnd) Delete(ctx context.Context, _ string) error               { return b.ask(ctx) }
func (b *backEnd) Touch(ctx context.Context, _ string, _ time.Time) error   { return b.ask(ctx) }
func (b *backEnd) ClearExpired(ctx context.Context, _ int) (n int, _ error) { return 0, b.ask(ctx) }

func well(context.Context) error { return nil }

func silent(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func away(context.Context) error {
	return &cloakroom.Error{Engine: "test", Op: "ask", Kind: cloakroom.ErrUnavailable}
}

var key = cloakroom.NewKey()

// verbs is what is guarded.
var verbs = map[string]func(e cloakroom.Engine, ctx context.Context) error{
	"Load":   func(e cloakroom.Engine, ctx context.Context) error { _, err := e.Load(ctx, key); return err },
	"Create": func(e cloakroom.Engine, ctx context.Context) error { return e.Create(ctx, &cloakroom.Record{}) },
	"Save":   func(e cloakroom.Engine, ctx context.Context) error { return e.Save(ctx, &cloakroom.Record{Key: key}) },
	"Delete": func(e cloakroom.Engine, ctx context.Context) error { return e.Delete(ctx, key) },
	"Touch":  func(e cloakroom.Engine, ctx context.Context) error { return e.Touch(ctx, key, time.Now()) },
}

// says checks that err is an outage, and what it tells.
func says(t *testing.T, err error, reason string) {
	t.Helper()
	if !errors.Is(err, cloakroom.ErrUnavailable) || !strings.Contains(cloakroom.Reason(err), reason) {
		t.Errorf("got %v, want ErrUnavailable and %q", err, reason)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for name, do := range verbs {
		synctest.Test(t, func(t *testing.T) {
			for _, c := range []struct {
				options []guarded.Option
				patient time.Duration // the caller
				want    time.Duration
			}{
				{nil, time.Hour, 2 * time.Second},
				{[]guarded.Option{guarded.WithTimeout(300 * time.Millisecond)}, time.Hour, 300 * time.Millisecond},
				{nil, time.Second, time.Second},
			} {
				ctx, cancel := context.WithTimeout(t.Context(), c.patient)
				began := time.Now()
				err := do(guarded.New(&backEnd{answer: silent}, c.options...), ctx)
				cancel()
				says(t, err, "did not answer in time")
				if took := time.Since(began); took != c.want {
					t.Errorf("%s took %v, want %v", name, took, c.want)
				}
			}
		})
	}
}

// While the back end is away nobody waits for it, and soon after it is back all
// ask it again.
func TestCircuit(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(context.Context) error{"silent": silent, "refusing": away} {
		for verb, do := range verbs {
			synctest.Test(t, func(t *testing.T) {
				b := &backEnd{answer: well}
				e := guarded.New(b, quietly)
				if err := do(e, t.Context()); err != nil {
					t.Fatal(err)
				}
				b.becomes(answer)
				for until := time.Now().Add(15 * time.Second); e.State().Circuit == guarded.Closed; {
					if time.Now().After(until) {
						t.Fatalf("%s, %s: the circuit never opens", name, verb)
					}
					says(t, do(e, t.Context()), "")
					time.Sleep(10 * time.Millisecond)
				}
				b.asked.Store(0)
				began := time.Now()
				says(t, do(e, t.Context()), "asked again in ")
				if time.Since(began) != 0 || b.asked.Load() != 0 || e.State().Refused == 0 {
					t.Errorf("%s, %s: while the circuit is open the back end is asked", name, verb)
				}
				for range 100 { // ten seconds of a busy site
					go func() { says(t, do(e, t.Context()), "") }()
					time.Sleep(100 * time.Millisecond)
				}
				if n := b.asked.Load(); n < 15 || n > 25 {
					t.Errorf("%s, %s: it is asked %d times in 10 s, want twice a second", name, verb, n)
				}
				time.Sleep(time.Second)
				if e.State().Circuit != guarded.HalfOpen {
					t.Errorf("%s, %s: the circuit is %v, want half-open", name, verb, e.State().Circuit)
				}
				b.becomes(well)
				if err := do(e, t.Context()); err != nil || e.State().Circuit != guarded.Closed {
					t.Errorf("%s, %s: when it is back: %v, the circuit is %v", name, verb, err, e.State().Circuit)
				}
				time.Sleep(3 * time.Second) // for what still hangs
			})
		}
	}
}

// What is not the back end's fault opens no circuit.
func TestNotItsFault(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{
		cloakroom.ErrNotFound, cloakroom.ErrConflict, cloakroom.ErrGone, cloakroom.ErrTooLarge,
		cloakroom.ErrUnencodable, cloakroom.ErrConfig, context.Canceled, context.DeadlineExceeded,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &backEnd{}
			e := guarded.New(b, quietly)
			for range 20 {
				time.Sleep(time.Second)
				for _, do := range verbs {
					ctx, leave := context.WithCancel(t.Context())
					defer leave()
					b.becomes(func(context.Context) error {
						if errors.Is(fault, context.Canceled) {
							leave()
						}
						return fault
					})
					if err := do(e, ctx); !errors.Is(err, fault) {
						t.Errorf("got %v, want %v", err, fault)
					}
				}
			}
			if s := e.State(); s.Circuit != guarded.Closed || s.Refused != 0 || b.asked.Load() != 100 {
				t.Errorf("%v: %+v, asked %d times", fault, s, b.asked.Load())
			}
		})
	}
}

// Visitors who have left by the time it is their turn do not keep an open circuit
// open: the turn is for one who asks.
func TestWhoHasLeftFindsNothingOut(t *testing.T) {
	t.Parallel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	late, end := context.WithTimeout(t.Context(), 0)
	defer end()
	for verb, do := range verbs {
		synctest.Test(t, func(t *testing.T) {
			b := &backEnd{answer: away}
			e := guarded.New(b, quietly)
			for e.State().Circuit == guarded.Closed {
				_ = do(e, t.Context())
				time.Sleep(10 * time.Millisecond)
			}
			b.becomes(well)
			time.Sleep(time.Second)
			b.asked.Store(0)
			if err := do(e, gone); !errors.Is(err, context.Canceled) {
				t.Errorf("%s of who has left: got %v, want context.Canceled", verb, err)
			}
			says(t, do(e, late), "did not answer in time")
			if err := do(e, t.Context()); err != nil || b.asked.Load() != 1 {
				t.Errorf("%s of the next: %v; asked %d times, want once", verb, err, b.asked.Load())
			}
		})
	}
}

// One server of several that is away opens no circuit for the others.
func TestOneOfSeveralAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backEnd{}
		e := guarded.New(b, quietly)
		for i := range 1000 {
			b.answer = away
			if i%10 == 0 {
				b.answer = well
			}
			_ = e.Create(t.Context(), &cloakroom.Record{})
			time.Sleep(5 * time.Millisecond)
		}
		if s := e.State(); s.Refused != 0 {
			t.Errorf("%d calls were refused", s.Refused)
		}
	})
}

// Only what may be repeated is, once, and only when it failed quickly.
func TestRetries(t *testing.T) {
	t.Parallel()
	for verb, do := range verbs {
		for name, c := range map[string]struct {
			took time.Duration
			kind error
			want int64
		}{
			"quick":     {10 * time.Millisecond, cloakroom.ErrUnavailable, 2},
			"slow":      {time.Second, cloakroom.ErrUnavailable, 1},
			"not found": {0, cloakroom.ErrNotFound, 1},
		} {
			synctest.Test(t, func(t *testing.T) {
				b := &backEnd{answer: func(context.Context) error { time.Sleep(c.took); return c.kind }}
				_ = do(guarded.New(b, quietly), t.Context())
				want := c.want
				if verb != "Load" && verb != "Delete" {
					want = 1
				}
				if b.asked.Load() != want {
					t.Errorf("%s, %s: asked %d times, want %d", verb, name, b.asked.Load(), want)
				}
			})
		}
	}
}

// A back end that is overrun is asked so many things at once, and who is too many
// is told.
func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backEnd{answer: func(context.Context) error { time.Sleep(1100 * time.Millisecond); return nil }}
		e := guarded.New(b, guarded.WithLimits(2, 3), quietly)
		var all sync.WaitGroup
		var done atomic.Int64
		for range 5 {
			all.Go(func() {
				if e.Create(t.Context(), &cloakroom.Record{}) == nil {
					done.Add(1)
				}
			})
		}
		synctest.Wait()
		if s := e.State(); s.UnderWay != 2 || s.Waiting != 3 || b.asked.Load() != 2 {
			t.Errorf("%+v, asked %d times", s, b.asked.Load())
		}
		began := time.Now()
		says(t, e.Create(t.Context(), &cloakroom.Record{}), "too many requests wait")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if time.Since(began) != 0 {
			t.Errorf("who is too many waits for %v", time.Since(began))
		}
		all.Wait() // the fifth runs out of its two seconds while it waits
		if s := e.State(); done.Load() != 4 || s.UnderWay != 0 || s.Waiting != 0 || s.Refused != 2 || s.Circuit != guarded.Closed {
			t.Errorf("%+v, %d done", s, done.Load())
		}
		if err := e.Create(gone, &cloakroom.Record{}); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestOnSQLite(t *testing.T) {
	t.Parallel()
	var paths sync.Map
	open := func(t testing.TB, path string) cloakroom.Engine {
		e, err := db.Open(t.Context(), "sqlite:///"+path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		if err := e.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		g := guarded.New(e.WithSecretKeys("secret"), quietly)
		paths.Store(g, path)
		return g
	}
	enginetest.Run(t, enginetest.Config{
		Open: func(t testing.TB) cloakroom.Engine { return open(t, filepath.Join(t.TempDir(), "sessions.sqlite3")) },
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine {
			path, _ := paths.Load(e)
			return open(t, path.(string))
		},
		Waived: map[string]string{
			"RoundTripTimesAndBytes": "JSON, which is signed here, has neither: they come back as text",
			"Outage":                 "TestOnRedis has it",
			"Corrupt":                "it is the engine's behind",
			"ListPassesOverCorrupt":  "it is the engine's behind",
			"StatsCorrupt":           "it is the engine's behind",
		},
		Trials: 50,
	})
}

func TestOnRedis(t *testing.T) {
	t.Parallel()
	s := server.Redis(t)
	var prefixes sync.Map
	open := func(t testing.TB, prefix string) cloakroom.Engine {
		e, err := redis.Open(t.Context(), "redis://"+s.Addr, redis.WithKeys(cache.KeyPrefix(prefix)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		g := guarded.New(e, quietly)
		prefixes.Store(g, prefix)
		return g
	}
	enginetest.Run(t, enginetest.Config{
		Open: func(t testing.TB) cloakroom.Engine { return open(t, cloakroom.NewKey()) },
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine {
			prefix, _ := prefixes.Load(e)
			return open(t, prefix.(string))
		},
		Break: func(testing.TB, cloakroom.Engine) func() {
			s.Pause()
			return s.Resume
		},
		Waived: map[string]string{
			"Corrupt":               "it is the engine's behind",
			"ListPassesOverCorrupt": "it is the engine's behind",
			"StatsCorrupt":          "it is the engine's behind",
		},
		ExpiresItself:     true,
		ExpiryGranularity: 5 * time.Millisecond,
		CountsDown:        true,
		Trials:            50,
	})
}

// BenchmarkLoad is what the guard itself costs: with a deadline as a Manager
// sets it, and without.
func BenchmarkLoad(b *testing.B) {
	e := guarded.New(&backEnd{answer: well}, quietly)
	limited, cancel := context.WithTimeout(b.Context(), time.Second)
	defer cancel()
	for name, ctx := range map[string]context.Context{"with a deadline": limited, "without": b.Context()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, _ = e.Load(ctx, key)
				}
			})
		})
	}
}

// shards is two servers, one of which is away: the first half of the alphabet.
type shards struct{ *backEnd }

var _ cloakroom.Sharded = shards{}

func (shards) Shards() int                                  { return 2 }
func (shards) Shard(key string) int                         { return int(key[0]-'a') / 13 }
func (s shards) PingShard(ctx context.Context, _ int) error { return s.answer(ctx) }

func (s shards) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if s.Shard(key) == 0 {
		s.asked.Add(1)
		return nil, away(ctx)
	}
	return &cloakroom.Record{}, well(ctx)
}

// A page that polls a server that is away keeps nobody from the others, however
// little they are asked.
func TestShards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		behind := shards{&backEnd{answer: well}}
		e := guarded.New(behind, quietly)
		on := func(letter string) string { return letter + cloakroom.NewKey()[1:] }
		for i := range 200 {
			if _, err := e.Load(t.Context(), on("a")); !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond)
			if i%5 != 0 {
				continue
			}
			if _, err := e.Load(t.Context(), on("z")); err != nil {
				t.Fatalf("on the other server: %v", err)
			}
			if err := e.Create(t.Context(), &cloakroom.Record{}); err != nil {
				t.Fatalf("a new session: %v", err)
			}
		}
		if s := e.State(); s.Circuit == guarded.Closed || behind.asked.Load() > 160 {
			t.Errorf("what is away was asked %d times, %+v", behind.asked.Load(), s)
		}
	})
}

// While one server is known to be away new sessions begin on the others, and nobody
// waits for it.
func TestNewSessionsWhileOneOfSeveralIsAway(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(context.Context) error{"silent": silent, "refusing": away} {
		synctest.Test(t, func(t *testing.T) {
			b := &backEnd{}
			e := guarded.New(shards{b}, quietly)
			for e.State().Circuit == guarded.Closed {
				_, _ = e.Load(t.Context(), "a"+cloakroom.NewKey()[1:])
				time.Sleep(10 * time.Millisecond)
			}
			for keys := range 4 { // so many are the server's that is away
				asked := 0
				b.becomes(func(ctx context.Context) error {
					if asked++; asked <= keys {
						return answer(ctx)
					}
					return nil
				})
				began := time.Now()
				if err := e.Create(t.Context(), &cloakroom.Record{}); err != nil || time.Since(began) > time.Second {
					t.Errorf("%s, after %d: %v after %v", name, keys, err, time.Since(began))
				}
			}
			b.becomes(answer)
			began := time.Now()
			if err := e.Create(t.Context(), &cloakroom.Record{}); !errors.Is(err, cloakroom.ErrUnavailable) || time.Since(began) > 2*time.Second {
				t.Errorf("%s, all: %v after %v", name, err, time.Since(began))
			}
		})
	}
}

// However many wait for a server that hangs, nobody on another waits with them, and
// nobody who gets a new session there takes their turns.
func TestOneOfSeveralHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = 4
		behind := hanging{shards{&backEnd{answer: silent}}}
		e := guarded.New(behind, guarded.WithLimits(limit, 0), quietly)
		on := func(letter string) string { return letter + cloakroom.NewKey()[1:] }
		for range limit {
			go func() { _, _ = e.Load(t.Context(), on("a")) }()
			go func() { _ = e.Create(t.Context(), &cloakroom.Record{}) }()
		}
		synctest.Wait()
		if _, err := e.Load(t.Context(), on("z")); err != nil {
			t.Errorf("on the other server: %v", err)
		}
		_, err := e.Load(t.Context(), on("a"))
		says(t, err, "too many requests wait")
		says(t, e.Create(t.Context(), &cloakroom.Record{}), "too many requests wait")
		if s := e.State(); s.UnderWay != 2*limit || s.Refused != 2 {
			t.Errorf("%+v, want %d under way and 2 refused", s, 2*limit)
		}
		time.Sleep(3 * time.Second) // for what still hangs
	})
}

// hanging has its first server, and whatever makes a new session, not answer.
type hanging struct{ shards }

func (h hanging) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if h.Shard(key) == 0 {
		return nil, silent(ctx)
	}
	return &cloakroom.Record{}, nil
}

// What a carrier of cookies asks, its list of those that have ended, is guarded.
func TestCarrier(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := &list{}
		behind := cookie.Open(cookie.WithRevocation(list)).WithSecretKeys("secret")
		e := guarded.New(behind, guarded.WithTimeout(time.Second), guarded.WithLimits(4, 0), quietly)
		r := &cloakroom.Record{Data: map[string]any{"n": "1"}, Expires: time.Now().Add(time.Hour)}
		if err := e.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Load(t.Context(), r.Key); err != nil {
			t.Fatal(err)
		}
		list.hangs.Store(true)
		time.Sleep(time.Second)
		for range 5 {
			began := time.Now()
			if _, err := e.Load(t.Context(), r.Key); !errors.Is(err, cloakroom.ErrUnavailable) || time.Since(began) != time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
		if _, err := e.Load(t.Context(), "no:cookie:of ours"); !errors.Is(err, cloakroom.ErrUnavailable) {
			t.Errorf("a cookie that nobody signed closes the circuit: %v", err)
		}
		_, err := e.Load(t.Context(), r.Key)
		says(t, err, "asked again in ")
	})
}

// list is a revocation list in this process.
type list struct {
	cache.Cache
	hangs atomic.Bool
}

func (l *list) Get(ctx context.Context, _ string) (*cloakroom.Record, error) {
	if l.hangs.Load() {
		return nil, silent(ctx)
	}
	return nil, cloakroom.ErrNotFound
}
