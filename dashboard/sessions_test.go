package dashboard_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

func TestOwnSessions(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	here, grace := s.signedIn("ada"), s.signedIn("grace")
	here.get("/").want(http.StatusOK, "Nowhere else")
	there := s.visitor()
	there.agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	there.post("/signin", "name", "ada", "password", password)
	page := here.get("/").want(http.StatusOK, "This device", "Safari on iOS", "Sign out everywhere else").without(there.key(), here.key(), grace.key())
	handles := page.values("session")
	if len(handles) != 1 {
		t.Fatalf("%d sessions can be signed out, want 1", len(handles))
	}

	// Somebody else's session cannot be ended, even by its handle.
	grace.post("/revoke", "session", handles[0]).want(http.StatusNotFound)
	there.get("/").want(http.StatusOK, "This device")
	here.post("/revoke", "session", "forged").want(http.StatusNotFound)
	here.post("/revoke").want(http.StatusNotFound)

	here.post("/revoke", "session", handles[0]).want(http.StatusOK, "Safari on iOS is signed out.", "Nowhere else")
	there.get("/").want(http.StatusOK, "Sign in")
	here.post("/revoke", "session", handles[0]).want(http.StatusNotFound)
}

func TestSignOutEverywhereElse(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	here, grace := s.signedIn("ada"), s.signedIn("grace")
	others := []*visitor{s.signedIn("ada"), s.signedIn("ada")}
	here.post("/revoke", "which", "others").want(http.StatusOK, "Sign out everywhere else?", "Cancel")
	others[0].get("/").want(http.StatusOK, "This device")
	here.post("/revoke", "which", "others", "sure", "yes").want(http.StatusOK, "2 sessions ended.", "Nowhere else")
	for _, other := range others {
		other.get("/").want(http.StatusOK, "Sign in")
	}
	grace.get("/").want(http.StatusOK, "This device")
}

// The password is asked for again ten minutes after it was entered.
func TestSensitiveStepsAskForThePassword(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	here, there := s.signedIn("ada"), s.signedIn("ada")
	s.age(here, 11*time.Minute)
	handle := here.get("/").values("session")[0]
	asked := here.post("/revoke", "session", handle).want(http.StatusOK, "Confirm it is you", "Your password")
	if got := asked.values("session"); len(got) != 1 || got[0] != handle {
		t.Errorf("the page sends %q again", got)
	}
	here.post("/revoke", "session", handle, "sure", "yes").want(http.StatusOK, "Your password")
	here.post("/revoke", "session", handle, "sure", "yes", "confirm_password", "wrong").want(http.StatusUnprocessableEntity, "This is not your password.")
	there.get("/").want(http.StatusOK, "This device")
	before := here.key()
	here.post("/revoke", "session", handle, "sure", "yes", "confirm_password", password).want(http.StatusOK, "is signed out.")
	there.get("/").want(http.StatusOK, "Sign in")
	if _, err := s.engine.Load(t.Context(), before); err == nil || here.key() == before {
		t.Error("the session key from before the password was entered is still good")
	}

	s.signedIn("ada")
	here.post("/revoke", "which", "others", "sure", "yes").want(http.StatusOK, "1 session ended.") // not asked again
}

// age makes the visitor's password entered that long ago.
func (s *site) age(v *visitor, ago time.Duration) {
	s.t.Helper()
	m := cloakroom.New(s.engine)
	session, err := m.Load(s.t.Context(), v.key())
	if err != nil {
		s.t.Fatal(err)
	}
	cloakroom.Update(session, "_cloakroom_device", func(device map[string]any) map[string]any {
		device["confirmed"] = time.Now().Add(-ago).Unix()
		return device
	})
	if err := m.Save(s.t.Context(), session); err != nil {
		s.t.Fatal(err)
	}
}

func TestAllSessionsInOrderAndPages(t *testing.T) {
	t.Parallel()
	s := open(t, openDB(t))
	const stored = 130
	for i := range stored {
		record := &cloakroom.Record{
			Data:    map[string]any{"filler": strings.Repeat("x", 7*i)},
			Expires: time.Now().Add(time.Duration(i+1) * time.Hour),
		}
		if i%2 == 0 {
			record.Data[auth.UserIDName] = fmt.Sprint(1000 + i)
			record.Data[auth.BackendName] = "elsewhere"
		}
		if err := s.engine.Create(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
	root := s.signedIn("root")

	for _, sort := range []string{"user", "signed-in", "expires", "size"} {
		var up, down []string
		for dir, pages := range map[string]*[]string{"": &up, "desc": &down} {
			page := root.get("/sessions?sort=" + sort + "&dir=" + dir)
			page.want(http.StatusOK, "1–50 of 131")
			*pages = page.values("session")
			page = root.get(page.link("Next")).want(http.StatusOK, "51–100 of 131")
			second := page.values("session")
			*pages = append(*pages, second...)
			page = root.get(page.link("Next")).want(http.StatusOK, "101–131 of 131")
			*pages = append(*pages, page.values("session")...)
			back := root.get(page.link("Previous")).want(http.StatusOK, "51–100 of 131")
			if diff := cmp.Diff(second, back.values("session")); diff != "" {
				t.Errorf("%s %s: back again is another page:\n%s", sort, dir, diff)
			}
			root.get(back.link("Previous")).want(http.StatusOK, "1–50 of 131")
		}
		slices.Reverse(down)
		if diff := cmp.Diff(up, down); diff != "" || len(up) != stored+1 {
			t.Errorf("%s: %d sessions; upwards and downwards differ:\n%s", sort, len(up), diff)
		}
	}

	next := root.get("/sessions?who=anonymous").link("Next")
	for _, handle := range root.get(next).values("session") {
		root.post("/sessions/revoke", "session", handle, "sure", "yes").want(http.StatusOK, "1 session ended.")
	}
	root.get(next).want(http.StatusOK, "1–50 of 50") // what the link led to has ended
	root.get("/sessions?who=anonymous").want(http.StatusOK, "of 50")
	root.get("/sessions?who=signed-in").want(http.StatusOK, "of 66")
	root.get("/sessions?q=ROOT").want(http.StatusOK, "1–1 of 1", "You")
	root.get("/sessions?q=1128").want(http.StatusOK, "1–1 of 1", "1128")
	root.get("/sessions?q=127.0.0.1").want(http.StatusOK, "1–1 of 1")
	root.get("/sessions?q=firefox").want(http.StatusOK, "1–1 of 1")
	root.get("/sessions?q=%3Cscript%3E").want(http.StatusOK, "No session matches").without("<script>")
	root.get("/sessions?after=forged&sort=nothing").want(http.StatusOK, "1–50 of 116")
}

func TestRevokingSessions(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	root := s.signedIn("root")
	ada, again, grace := s.signedIn("ada"), s.signedIn("ada"), s.signedIn("grace")
	anonymous := s.store(map[string]any{"basket": "full"})

	handles := root.get("/sessions?q=ada").values("session")
	if len(handles) != 2 {
		t.Fatalf("%d sessions of ada", len(handles))
	}
	asked := root.post("/sessions/revoke", "session", handles[0], "session", handles[1]).want(http.StatusOK, "End 2 sessions?")
	if diff := cmp.Diff(handles, asked.values("session")); diff != "" {
		t.Errorf("the page that asks lost some:\n%s", diff)
	}
	ada.get("/").want(http.StatusOK, "This device")
	ended := root.post("/sessions/revoke", "session", handles[0], "sure", "yes", "q", "ada", "sort", "size").want(http.StatusOK, "1 session ended.", "1–1 of 1")
	if got := ended.Request.URL.RequestURI(); got != "/sessions?q=ada&sort=size" {
		t.Errorf("goes on to %s, not to the list it came from", got)
	}
	root.post("/sessions/revoke", "which", "user", "session", handles[1]).want(http.StatusOK, "Sign out ada everywhere?")
	root.post("/sessions/revoke", "which", "user", "session", handles[1], "sure", "yes").want(http.StatusOK, "1 session ended.")
	ada.get("/").want(http.StatusOK, "Sign in")
	again.get("/").want(http.StatusOK, "Sign in")
	root.post("/sessions/revoke", "sure", "yes").want(http.StatusOK, "No session was ticked")

	root.post("/sessions/revoke", "which", "all").want(http.StatusOK, "Sign out everybody?", "Every session but yours ends, also those of visitors")
	root.get("/sessions").want(http.StatusOK, "Ends every session but yours. Asks for your password, unless you gave it in the last ten minutes.")
	s.age(root, 11*time.Minute)
	root.post("/sessions/revoke", "which", "all", "sure", "yes").want(http.StatusOK, "Your password")
	grace.get("/").want(http.StatusOK, "This device")
	root.post("/sessions/revoke", "which", "all", "sure", "yes", "confirm_password", password).want(http.StatusOK, "2 sessions ended.", "1–1 of 1")
	grace.get("/").want(http.StatusOK, "Sign in")
	if _, err := s.engine.Load(t.Context(), anonymous.Key); err == nil {
		t.Error("the anonymous session is still there")
	}

	own := root.get("/sessions").values("session")
	root.post("/sessions/revoke", "session", own[0]).want(http.StatusOK, "One of them is your own")
	root.post("/sessions/revoke", "session", own[0], "sure", "yes").want(http.StatusOK, "You are signed out.")
}

// before is an engine that lists this many anonymous sessions before its own.
type before struct {
	*cache.Engine
	others atomic.Int64
}

func (e *before) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		for range e.others.Load() {
			if !yield(&cloakroom.Record{Key: "anonymous", Expires: inADay()}, nil) {
				return
			}
		}
		for record, err := range e.Engine.List(ctx) {
			if !yield(record, err) {
				return
			}
		}
	}
}

// What bounds a page does not bound the ending of sessions.
func TestSessionsEndHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	engine := &before{Engine: locmem.Open()}
	s := open(t, engine)
	root, ada := s.signedIn("root"), s.signedIn("ada")
	engine.others.Store(300_000)
	root.get("/sessions?q=ada").want(http.StatusOK, "more than one look can take in")
	root.post("/people/"+s.ids["ada"], "do", "sign-out", "sure", "yes").want(http.StatusOK, "ada is signed out. 1 session ended.")
	engine.others.Store(0)
	ada.get("/").want(http.StatusOK, "Sign in")
}

// breaking is an engine that ends one session and no more.
type breaking struct {
	*cache.Engine
	ended atomic.Bool
}

func (e *breaking) Delete(ctx context.Context, key string) error {
	if e.ended.Swap(true) {
		return errAway
	}
	return e.Engine.Delete(context.WithoutCancel(ctx), key)
}

func TestWhatEndedIsLoggedWhereTheRestDidNot(t *testing.T) {
	t.Parallel()
	for what, fields := range map[string][]string{
		"ended sessions":       nil,
		"signed out everybody": {"which", "all"},
		"signed out a user":    {"which", "user"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			engine := &breaking{Engine: locmem.Open()}
			s := open(t, engine)
			root := s.signedIn("root")
			s.signedIn("ada")
			s.signedIn("ada")
			fields := append(fields, "sure", "yes")
			for _, handle := range root.get("/sessions?q=ada").values("session") {
				fields = append(fields, "session", handle)
			}
			root.post("/sessions/revoke", fields...).want(http.StatusServiceUnavailable)
			if log := s.log.String(); !strings.Contains(log, `msg="`+what+`"`) || !strings.Contains(log, "sessions=1 finished=false") {
				t.Errorf("not in the log:\n%s", log)
			}
		})
	}
}

func TestCredentialsAreMaskedUntilAskedFor(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	root := s.signedIn("root")
	record := s.store(map[string]any{
		auth.UserIDName: s.ids["ada"], auth.BackendName: auth.ModelBackend, auth.HashName: "hush-1",
		"unscoped_token": "hush-2", "token": map[string]any{"id": "hush-3"}, "_csrftoken": "hush-4",
		"nested": map[string]any{"list": []any{map[string]any{"db_password": "hush-5", "host": "shown-1"}}},
		"basket": []any{"shown-2"}, "raw": []byte{1, 2, 3}, "<b>": "</pre><script>alert(1)</script>",
	})
	handle := root.get("/sessions?q=ada").values("session")[0]
	page := root.get("/sessions/"+handle).want(http.StatusOK, "shown-1", "shown-2", "$bytes", "AQID", "</pre><script>")
	page.without("hush-", record.Key, "<script>alert").wellMarked("one")

	s.age(root, 11*time.Minute)
	root.post("/sessions/"+handle, "sure", "yes").want(http.StatusOK, "Show credentials?", "Your password").without("hush-")
	page = root.post("/sessions/"+handle, "sure", "yes", "confirm_password", password)
	page.want(http.StatusOK, "hush-1", "hush-2", "hush-3", "hush-4", "hush-5", "Credentials are shown").without(record.Key)
	root.get("/sessions/" + handle).without("hush-")
	if n := strings.Count(s.log.String(), "looked at credentials"); n != 1 {
		t.Errorf("%d looks logged, want 1:\n%s", n, s.log)
	}
	if strings.Contains(s.log.String(), "hush") || strings.Contains(s.log.String(), record.Key) || strings.Contains(s.log.String(), handle) {
		t.Errorf("session data or key in the log:\n%s", s.log)
	}
	if err := s.engine.Delete(t.Context(), record.Key); err != nil {
		t.Fatal(err)
	}
	root.get("/sessions/"+handle).want(http.StatusNotFound, "Nothing here")
}
