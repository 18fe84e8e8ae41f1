package cloakroom_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	cookies "github.com/cloakroom-go/cloakroom/engine/cookie"
)

// audit collects what a Manager tells: the kind, who, and on which page.
type audit struct {
	mu     sync.Mutex
	events []cloakroom.Event
}

func (a *audit) option() cloakroom.Option {
	return cloakroom.WithEvents("user", func(_ context.Context, e cloakroom.Event) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.events = append(a.events, e)
	})
}

// take returns what was told since it was last called.
func (a *audit) take() (told []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		text := string(e.Kind)
		if e.User != "" {
			text += " of " + e.User
		}
		if e.Request != nil {
			text += " at " + e.Request.URL.Path
		}
		told = append(told, text)
	}
	a.events = nil
	return told
}

func (a *audit) want(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, a.take()); diff != "" {
		t.Error(diff)
	}
}

// What a visitor does, page by page, and what is told of it, on an engine that
// stores sessions and one that sends them.
func TestEventsOfAVisitor(t *testing.T) {
	t.Parallel()
	for name, engine := range map[string]cloakroom.Engine{"cache": locmem.Open(), "signed_cookies": cookies.Open()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told audit
			site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
				switch r.URL.Path {
				case "/look":
				case "/count":
					cloakroom.Update(s, "n", func(n int) int { return n + 1 })
				case "/login":
					s.CycleKey()
					s.Set("user", 7)
				case "/logout":
					s.Flush()
				case "/switch":
					s.Flush()
					s.Set("user", "zoe")
				case "/late":
					w.WriteHeader(http.StatusOK)
					s.Flush()
				case "/broken":
					s.CycleKey() // is not carried out
					w.WriteHeader(http.StatusInternalServerError)
				case "/panic":
					s.Set("lost", true)
					s.Flush()
					panic(http.ErrAbortHandler)
				case "/end":
					s.SetExpiry(cloakroom.ExpireAt(time.Now().Add(-time.Hour)))
				}
			}, cloakroom.WithSecretKey("a secret"), told.option())
			v := site.visitor(t)
			for _, step := range []struct {
				page string
				want []string
			}{
				{"/look", nil},
				{"/count", []string{"created at /count"}},
				{"/count", nil},
				{"/login", []string{"renewed of 7 at /login"}},
				{"/broken", nil},
				{"/logout", []string{"flushed of 7 at /logout"}},
				{"/logout", nil},
				{"/switch", []string{"created of zoe at /switch"}},
				{"/switch", []string{"flushed of zoe at /switch", "created of zoe at /switch"}},
				{"/late", []string{"flushed of zoe at /late"}},
			} {
				v.get(step.page)
				if diff := cmp.Diff(step.want, told.take()); diff != "" {
					t.Errorf("%s: %s", step.page, diff)
				}
			}
			v = site.visitor(t)
			v.get("/switch")
			told.take()
			if r, err := v.Post(site.URL+"/panic", "", nil); err == nil { // a GET would be tried again
				r.Body.Close()
				t.Error("the panic did not get through")
			}
			told.want(t, "flushed of zoe at /panic")

			v = site.visitor(t)
			v.get("/switch")
			told.take()
			v.get("/end")
			told.want(t, "timed_out of zoe at /end")
		})
	}
}

func TestEventsOutsideOfARequest(t *testing.T) {
	t.Parallel()
	var told audit
	sessions := cloakroom.New(locmem.Open(), told.option(), cloakroom.WithAbsoluteTimeout(time.Hour))
	load := func(key string) *cloakroom.Session {
		s, err := sessions.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	begun := stored(t, sessions, map[string]any{"user": "zoe"})
	told.want(t, "created of zoe")

	one, two := load(begun.Key()), load(begun.Key())
	one.Set("a", 1)
	two.Set("b", 2)
	for _, s := range []*cloakroom.Session{one, two} {
		if err := sessions.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	told.want(t, "merged of zoe")

	one, two, three := load(begun.Key()), load(begun.Key()), load(begun.Key())
	one.Set("a", 2)
	two.CycleKey()
	three.Set("b", 3)
	for _, s := range []*cloakroom.Session{one, two, three} {
		_ = sessions.Save(t.Context(), s)
	}
	told.want(t, "merged of zoe", "renewed of zoe", "refused of zoe")

	old := stored(t, sessions, map[string]any{"user": "ada"})
	record, err := sessions.Engine().Load(t.Context(), old.Key())
	if err != nil {
		t.Fatal(err)
	}
	aged := *record
	aged.Data = map[string]any{"user": "ada", "_cloakroom_created": time.Now().Add(-2 * time.Hour).Unix()}
	if err := sessions.Engine().Save(t.Context(), &aged); err != nil {
		t.Fatal(err)
	}
	told.take()
	if _, err := sessions.Load(t.Context(), old.Key()); err == nil {
		t.Error("a session outlived its absolute timeout")
	}
	told.want(t, "timed_out of ada")
}

// An event names the session without being a ticket to it, and says what it was
// called before.
func TestEventsHoldNoKeyAndNoData(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	log := slog.New(slog.NewTextHandler(&all, nil))
	var events []cloakroom.Event
	sessions := cloakroom.New(locmem.Open(), cloakroom.WithEvents("", func(ctx context.Context, e cloakroom.Event) {
		events = append(events, e)
		fmt.Fprintf(&all, "%+v\n", e)
		log.InfoContext(ctx, "session", "event", e)
	}))
	s := stored(t, sessions, map[string]any{"user": "zoe", "plan": "a surprise"})
	first := s.Key()
	s.CycleKey()
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{first, s.Key(), "zoe", "surprise"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is told:\n%s", secret, &all)
		}
	}
	if len(events) != 2 || events[1].Session != cloakroom.Fingerprint(s.Key()) || events[1].Former != events[0].Session || events[1].Engine != "cache" {
		t.Errorf("%+v", events)
	}
	if want := "event.kind=renewed event.session=" + events[1].Session + " event.former=" + events[0].Session + " event.engine=cache"; !strings.Contains(all.String(), want) {
		t.Errorf("want %q in\n%s", want, &all)
	}
}

// An observer may look at the session, which is not locked by then, and each of
// several is told.
func TestObserverMayUseTheSession(t *testing.T) {
	t.Parallel()
	var sessions *cloakroom.Manager
	var seen []string
	look := func(_ context.Context, e cloakroom.Event) {
		s, err := sessions.Open(e.Request)
		if err != nil {
			t.Error(err)
			return
		}
		seen = append(seen, string(e.Kind)+" "+fmt.Sprint(s.Keys()))
	}
	sessions = cloakroom.New(locmem.Open(), cloakroom.WithEvents("", look), cloakroom.WithEvents("", look))
	sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, _ := sessions.Open(r)
		s.Set("n", 1)
		if err := sessions.Save(r.Context(), s); err != nil { // by hand
			t.Error(err)
		}
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if diff := cmp.Diff([]string{"created [n]", "created [n]"}, seen); diff != "" {
		t.Error(diff)
	}
}
