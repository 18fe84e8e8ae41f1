package dashboard_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/dashboard"
)

func TestStoragePage(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	root := s.signedIn("root")
	root.get("/storage").want(http.StatusOK, "Healthy", "Live sessions1", "local memory", "Everybody has to sign in again", "No measurements yet")
	now := time.Now()
	if err := s.history.Add(t.Context(), dashboard.Sample{At: now.Add(-2 * time.Hour), Live: 41}); err != nil {
		t.Fatal(err)
	}
	root.get("/storage").want(http.StatusOK, "Live sessions over the last 24 hours", "Last 41 live").wellMarked("storage")
	if err := s.history.Add(t.Context(), dashboard.Sample{At: now.Add(-48 * time.Hour), Live: 1234}); err != nil {
		t.Fatal(err)
	}
	root.get("/storage").without("1,234 (")
	root.get("/storage?range=7d").want(http.StatusOK, "highest 1,234", "over the last 7 days")
	root.get("/storage?range=nonsense").want(http.StatusOK, "over the last 24 hours")
	root.post("/storage").want(http.StatusOK, "0 expired sessions cleared.")
}

// plain is an engine with none of the optional interfaces.
type plain struct{ cloakroom.Engine }

func TestAnEngineThatTellsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, plain{locmem.Open()}, func(c *dashboard.Config) { c.History = nil })
	root := s.signedIn("root")
	root.get("/").want(http.StatusOK, "This device", "Other devices cannot be shown").wellMarked("own")
	root.get("/sessions").want(http.StatusOK, "Sessions cannot be listed").wellMarked("all")
	root.get("/storage").want(http.StatusOK, "This engine does not count its sessions.", "This engine does not describe itself.").
		without("Sessions over time", "Healthy").wellMarked("storage")
	const next = "another four words"
	root.post("/password", "current", password, "new", next, "repeat", next).want(http.StatusOK, "Your password is changed.")
}

// troubled is an engine whose back end goes away and comes back, and that has
// ever more sessions.
type troubled struct {
	cloakroom.Engine
	away    atomic.Bool
	full    atomic.Bool // takes no new session
	endless atomic.Bool
	expired atomic.Int64
}

var errAway = &cloakroom.Error{Engine: "test", Op: "ask", Kind: cloakroom.ErrUnavailable, Reason: "the disk is full", Err: errors.New("internal detail")}

func (e *troubled) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if e.away.Load() {
		return nil, errAway
	}
	return e.Engine.Load(ctx, key)
}

func (e *troubled) Save(ctx context.Context, r *cloakroom.Record) error {
	if e.away.Load() {
		return errAway
	}
	return e.Engine.Save(ctx, r)
}

func (e *troubled) Create(ctx context.Context, r *cloakroom.Record) error {
	if e.away.Load() || e.full.Load() {
		return errAway
	}
	return e.Engine.Create(ctx, r)
}

func (e *troubled) ClearExpired(_ context.Context, limit int) (int, error) {
	n := min(int64(limit), e.expired.Load())
	e.expired.Add(-n)
	return int(n), nil
}

func (e *troubled) Ping(context.Context) error { return errAway }

func (e *troubled) Stats(context.Context) (cloakroom.Stats, error) { return cloakroom.Stats{}, errAway }

func (e *troubled) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		for i := 0; e.endless.Load(); i++ {
			if !yield(&cloakroom.Record{Key: cloakroom.NewKey(), Expires: inADay()}, nil) {
				return
			}
		}
		yield(nil, errAway)
	}
}

func TestStorageAway(t *testing.T) {
	t.Parallel()
	engine := &troubled{Engine: locmem.Open()}
	s := open(t, engine)
	root, key := s.signedInAt("root", "/storage"), ""
	if key = root.key(); key == "" {
		t.Fatal("not signed in")
	}
	root.get("/storage").want(http.StatusOK, "Does not answer", "The sessions could not be counted just now.").without("internal detail")
	root.get("/sessions").want(http.StatusServiceUnavailable, "You are still signed in", "Try again")

	engine.away.Store(true)
	for _, path := range []string{"/", "/signin", "/storage", "/people"} {
		a := root.get(path).want(http.StatusServiceUnavailable, "The session storage is in trouble", "nothing is lost", "The reason: the disk is full.", "Try again").without("internal detail")
		a.wellMarked(path)
		if a.Header.Get("Retry-After") != "5" || len(a.Cookies()) != 0 {
			t.Errorf("%s: Retry-After %q, cookies %v", path, a.Header.Get("Retry-After"), a.Cookies())
		}
	}
	root.post("/signout").want(http.StatusServiceUnavailable, "nothing is lost").without(">Try again<")
	// A sign-in that cannot be stored is answered by the error handler.
	s.visitor().post("/signin", "name", "ada", "password", password).want(http.StatusServiceUnavailable, "The session storage is in trouble")
	if !strings.Contains(s.log.String(), "internal detail") {
		t.Error("the operator is not told")
	}

	engine.away.Store(false)
	root.get("/people").want(http.StatusOK, "Who may sign in here")
	if root.key() != key {
		t.Error("the outage cost the cookie")
	}
	engine.expired.Store(2500)
	root.post("/storage").want(http.StatusOK, "2,500 expired sessions cleared.")
}

func TestALookThroughTheStoreIsBounded(t *testing.T) {
	t.Parallel()
	engine := &troubled{Engine: locmem.Open()}
	engine.endless.Store(true)
	s := open(t, engine)
	root := s.signedInAt("root", "/people")
	root.get("/sessions").want(http.StatusOK, "The storage holds more than one look can take in", "1–50 of")
}

// signedInAt signs in on a page that needs no list.
func (s *site) signedInAt(name, path string) *visitor {
	s.t.Helper()
	v := s.visitor()
	v.post("/signin", "name", name, "password", password, "next", path).want(http.StatusOK, name)
	return v
}
