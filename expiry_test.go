package cloakroom_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
)

func TestExpiryForms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for name, test := range map[string]struct {
			set    any // as Django leaves it in _session_expiry
			want   cloakroom.Expiry
			expire time.Time
		}{
			"default":       {nil, cloakroom.Expiry{}, now.Add(14 * 24 * time.Hour)},
			"seconds":       {90, cloakroom.ExpireAfter(90 * time.Second), now.Add(90 * time.Second)},
			"browser close": {0, cloakroom.ExpireAtBrowserClose(), now.Add(14 * 24 * time.Hour)},
			"a moment":      {now.Add(time.Hour), cloakroom.ExpireAt(now.Add(time.Hour)), now.Add(time.Hour)},
			"ISO, Django ≥ 4.1": {
				now.Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000000+00:00"),
				cloakroom.ExpireAt(now.Add(time.Hour)), now.Add(time.Hour),
			},
			"ISO without a zone": {
				now.Add(time.Hour).UTC().Format("2006-01-02T15:04:05"),
				cloakroom.ExpireAt(now.Add(time.Hour)), now.Add(time.Hour),
			},
			"half a minute, as a float": {30.5, cloakroom.ExpireAfter(30 * time.Second), now.Add(30 * time.Second)},
			"longer than time.Duration": {int64(10_000_000_000), cloakroom.Expiry{}, now.Add(math.MaxInt64 / time.Second * time.Second)},
			"unknown":                   {"next week", cloakroom.Expiry{}, now.Add(14 * 24 * time.Hour)},
		} {
			sessions := cloakroom.New(locmem.Open())
			s := &cloakroom.Session{}
			s.Set("a", 1)
			if test.set != nil {
				s.Set("_session_expiry", test.set)
			}
			if err := sessions.Save(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			s, err := sessions.Load(t.Context(), s.Key())
			if err != nil {
				t.Fatal(err)
			}
			if !s.Expires().Equal(test.expire) {
				t.Errorf("%s: expires %v, want %v", name, s.Expires(), test.expire)
			}
			again := &cloakroom.Session{}
			again.SetExpiry(s.Expiry())
			if got, want := again.Expiry().AtBrowserClose(), test.want.AtBrowserClose(); got != want {
				t.Errorf("%s: ends with the browser: %v", name, got)
			}
			again.Set("a", 1)
			if err := sessions.Save(t.Context(), again); err != nil {
				t.Fatal(err)
			}
			if name != "longer than time.Duration" && !again.Expires().Equal(test.expire) {
				t.Errorf("%s, set by SetExpiry: expires %v, want %v", name, again.Expires(), test.expire)
			}
		}
	})
}

func TestSetExpiryBackToDefault(t *testing.T) {
	t.Parallel()
	s := &cloakroom.Session{}
	s.SetExpiry(cloakroom.ExpireAfter(time.Minute))
	s.SetExpiry(cloakroom.Expiry{})
	if s.Has("_session_expiry") {
		t.Error("still there")
	}
}

func TestAnExpiryThatHasPassedEndsTheSession(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	for name, e := range map[string]cloakroom.Expiry{
		"no time": cloakroom.ExpireAfter(0),
		"past":    cloakroom.ExpireAt(time.Now().Add(-time.Hour)),
		"zero":    cloakroom.ExpireAt(time.Time{}),
	} {
		s := stored(t, sessions, map[string]any{"a": 1})
		s.SetExpiry(e)
		if err := sessions.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if _, err := sessions.Load(t.Context(), s.Key()); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
}

// use opens the session and reads, as a page would.
func use(t *testing.T, sessions *cloakroom.Manager, key string) error {
	t.Helper()
	s, err := sessions.Load(t.Context(), key)
	if err != nil {
		return err
	}
	return sessions.Save(t.Context(), s)
}

func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := watch(locmem.Open())
		sessions := cloakroom.New(engine, cloakroom.WithIdleTimeout(time.Hour))
		key := stored(t, sessions, map[string]any{"a": 1}).Key()
		for range 50 {
			time.Sleep(50 * time.Minute)
			if err := use(t, sessions, key); err != nil {
				t.Fatal("used within the hour, and gone:", err)
			}
		}
		engine.calls()
		for range 10 {
			time.Sleep(time.Second)
			if err := use(t, sessions, key); err != nil {
				t.Fatal(err)
			}
		}
		if calls := engine.calls(); calls != "load×10" {
			t.Errorf("ten quick reads cost %q: the moment is to be moved now and then only", calls)
		}
		time.Sleep(time.Hour)
		if err := use(t, sessions, key); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("unused for an hour: %v", err)
		}
	})
}

// As with Django's SESSION_SAVE_EVERY_REQUEST, a session lives on with its own
// life or the site's.
func TestSaveEveryRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := watch(locmem.Open())
		sessions := cloakroom.New(engine, cloakroom.WithSaveEveryRequest(), cloakroom.WithLifetime(24*time.Hour))
		long := stored(t, sessions, map[string]any{"a": 1}).Key()
		short := stored(t, sessions, map[string]any{"_session_expiry": int64(3600)}).Key()
		at := stored(t, sessions, map[string]any{"_session_expiry": time.Now().Add(time.Hour).UTC()}).Key()
		for range 40 {
			time.Sleep(50 * time.Minute)
			for _, key := range []string{long, short} {
				if err := use(t, sessions, key); err != nil {
					t.Fatal("used all the time, and gone:", err)
				}
			}
		}
		if err := use(t, sessions, at); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("a session outlived the moment that it was to end at: %v", err)
		}
		engine.calls()
		if err := use(t, sessions, long); err != nil {
			t.Fatal(err)
		}
		if calls := engine.calls(); calls != "load×1" {
			t.Errorf("another read at once cost %q: the moment is to be moved now and then only", calls)
		}
	})
}

// A request that only reads leaves an expiry that another has set meanwhile.
func TestUseKeepsAnExpirySetMeanwhile(t *testing.T) {
	t.Parallel()
	for _, seconds := range []int64{60, 14 * 24 * 3600} { // shorter and longer than the site's
		synctest.Test(t, func(t *testing.T) {
			engine := locmem.Open()
			sessions := cloakroom.New(engine, cloakroom.WithSaveEveryRequest(), cloakroom.WithLifetime(24*time.Hour))
			key := stored(t, sessions, map[string]any{"a": 1}).Key()
			time.Sleep(12 * time.Hour)
			reading, err := sessions.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			other, err := sessions.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			other.SetExpiry(cloakroom.ExpireAfter(time.Duration(seconds) * time.Second))
			if err := errors.Join(sessions.Save(t.Context(), other), sessions.Save(t.Context(), reading)); err != nil {
				t.Fatal(err)
			}
			r, err := engine.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if life := time.Until(r.Expires); life != time.Duration(seconds)*time.Second {
				t.Errorf("it lives for %v, want %d s", life, seconds)
			}
		})
	}
}

// A session that somebody else stored for longer obeys the idle timeout from its
// first use here on.
func TestIdleTimeoutOfAForeignSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := locmem.Open()
		key := stored(t, cloakroom.New(engine), map[string]any{"django": true}).Key()
		sessions := cloakroom.New(engine, cloakroom.WithIdleTimeout(time.Hour))
		if err := use(t, sessions, key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		if err := use(t, sessions, key); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("unused for two hours: %v", err)
		}
	})
}

// As in Django: what fails moves no expiry, and sends no cookie.
func TestServerErrorIsNoUse(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]cloakroom.Option{
		"idle timeout": cloakroom.WithIdleTimeout(10 * time.Hour), "every request": cloakroom.WithSaveEveryRequest(),
	} {
		for what, end := range map[string]func(http.ResponseWriter){
			"status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
			"panic":  func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		} {
			synctest.Test(t, func(t *testing.T) {
				sessions := cloakroom.New(locmem.Open(), option, cloakroom.WithLifetime(10*time.Hour))
				s := stored(t, sessions, map[string]any{"a": 1})
				time.Sleep(5 * time.Hour)
				request := httptest.NewRequest("GET", "/", nil)
				request.AddCookie(&http.Cookie{Name: "sessionid", Value: s.Key()})
				recorder := httptest.NewRecorder()
				func() {
					defer func() { _ = recover() }()
					sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if _, err := sessions.Open(r); err != nil {
							t.Error(err)
						}
						end(w)
					})).ServeHTTP(recorder, request)
				}()
				after, err := sessions.Load(t.Context(), s.Key())
				if err != nil {
					t.Fatal(err)
				}
				if cookie := recorder.Header().Get("Set-Cookie"); !after.Expires().Equal(s.Expires()) || cookie != "" {
					t.Errorf("%s, %s: expires %v later, Set-Cookie %q", name, what, after.Expires().Sub(s.Expires()), cookie)
				}
			})
		}
	}
}

// mute does not tell when a record expires.
type mute struct{ cloakroom.Engine }

func (m mute) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	r, err := m.Engine.Load(ctx, key)
	if r != nil {
		r.Expires = time.Time{}
	}
	return r, err
}

func TestIdleTimeoutWhereTheBackEndDoesNotTell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sessions := cloakroom.New(mute{locmem.Open()}, cloakroom.WithIdleTimeout(time.Hour))
		key := stored(t, sessions, map[string]any{"a": 1}).Key()
		for range 5 {
			time.Sleep(30 * time.Minute)
			if err := use(t, sessions, key); err != nil {
				t.Fatal("used every half hour:", err)
			}
		}
	})
}

func TestDeletingEveryKeyDoesNotBeginTheSessionAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sessions := cloakroom.New(locmem.Open(), cloakroom.WithAbsoluteTimeout(2*time.Hour))
		s := stored(t, sessions, map[string]any{"a": 1})
		time.Sleep(time.Hour)
		for _, name := range s.Keys() {
			s.Delete(name)
		}
		if err := sessions.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := use(t, sessions, s.Key()); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("two hours old: %v", err)
		}
	})
}

func TestAbsoluteTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := locmem.Open()
		sessions := cloakroom.New(engine, cloakroom.WithAbsoluteTimeout(8*time.Hour), cloakroom.WithIdleTimeout(time.Hour))
		key := stored(t, sessions, map[string]any{"a": 1}).Key()
		foreign := stored(t, cloakroom.New(engine), map[string]any{"django": true}).Key()
		for range 15 {
			time.Sleep(30 * time.Minute)
			for _, key := range []string{key, foreign} {
				if err := use(t, sessions, key); err != nil {
					t.Fatal(err)
				}
			}
			s, err := sessions.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			s.CycleKey()
			if err := sessions.Save(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			key = s.Key()
		}
		time.Sleep(30 * time.Minute)
		if err := use(t, sessions, key); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("8 h old: %v", err)
		}
		if err := use(t, sessions, foreign); err != nil {
			t.Errorf("dated when first opened here, 7.5 h ago: %v", err)
		}
		time.Sleep(30 * time.Minute)
		if err := use(t, sessions, foreign); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("8 h after it was first opened here: %v", err)
		}

		// Another process that knows no timeout saved it for longer.
		long := stored(t, cloakroom.New(engine), map[string]any{"_cloakroom_created": time.Now().Add(-9 * time.Hour).Unix()}).Key()
		if err := use(t, sessions, long); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("9 h old: %v", err)
		}
	})
}

// The page that only reads still moves the cookie along, or the browser would
// drop it under a session that is in use.
func TestCookieMovesWithTheIdleTimeout(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), remember, cloakroom.WithIdleTimeout(2*time.Second))
	v := site.visitor(t)
	v.get("/set?here")
	if c := v.get("/").setCookie(t); c != nil {
		t.Errorf("nothing moved yet: %v", c)
	}
	time.Sleep(200 * time.Millisecond)
	if c := v.get("/").setCookie(t); c == nil || c.Value != v.key() || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %v, want it sent again", c)
	}
}
