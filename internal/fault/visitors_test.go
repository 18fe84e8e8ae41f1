package fault_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
)

const (
	deadline = 2 * time.Second // the Manager's and the guard's by default
	inTime   = deadline + deadline/10
	recovery = 5 * time.Second

	visitors = 6
	burst    = 64 // so that there are as many connections as there may be
	pace     = 25 * time.Millisecond
)

// site is a site under load: visitors who are signed in and count their visits.
type site struct {
	*testing.T
	sessions *cloakroom.Manager
	guard    *guarded.Engine
	handler  http.Handler

	forgets atomic.Bool // the back end may have lost what it had
	growing atomic.Bool // each visit leaves something large behind
	failed  atomic.Int64
	slowest atomic.Int64 // of all that asked the back end
	hiccup  atomic.Int64 // how long the machine let us wait, for no fault of anybody's

	people  [visitors]visitor
	leaving chan struct{}
	all     sync.WaitGroup
}

func newSite(t *testing.T, e cloakroom.Engine) *site {
	quiet := slog.New(slog.DiscardHandler)
	s := &site{T: t, guard: guarded.New(e, guarded.WithLogger(quiet)), leaving: make(chan struct{})}
	s.sessions = cloakroom.New(s.guard, cloakroom.WithLogger(quiet), cloakroom.WithSecretKey("secret"))
	s.handler = s.sessions.Handler(http.HandlerFunc(s.visit))
	for i := range s.people {
		s.people[i].site = s
		s.all.Go(s.people[i].stay)
	}
	s.all.Go(s.watchClock)
	return s
}

func (s *site) close() {
	close(s.leaving)
	s.all.Wait()
}

// watchClock notes how late the machine is.
func (s *site) watchClock() {
	const tick = 5 * time.Millisecond
	for {
		began := time.Now()
		select {
		case <-time.After(tick):
		case <-s.leaving:
			return
		}
		raise(&s.hiccup, time.Since(began)-tick)
	}
}

func raise(most *atomic.Int64, d time.Duration) {
	for old := most.Load(); int64(d) > old && !most.CompareAndSwap(old, int64(d)); old = most.Load() {
	}
}

// timed notes how long the back end took.
func (s *site) timed(ask func() error) error {
	began := time.Now()
	err := ask()
	raise(&s.slowest, time.Since(began))
	return err
}

// visit is the site's one page. It counts.
func (s *site) visit(w http.ResponseWriter, r *http.Request) {
	var session *cloakroom.Session
	err := s.timed(func() (err error) { session, err = s.sessions.Open(r); return err })
	if err != nil {
		http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
		return
	}
	n, signedIn := cloakroom.Get[int](session, "n")
	if !signedIn && r.URL.Path != "/login" {
		_, _ = io.WriteString(w, "anonymous")
		return
	}
	session.Set("n", n+1)
	if err := s.timed(func() error { return s.sessions.Save(r.Context(), session) }); err != nil {
		session.Discard()
		http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
		return
	}
	fmt.Fprint(w, n+1)
}

// visitor is somebody with a browser.
type visitor struct {
	*site
	cookie *http.Cookie
	seen   int          // the visits that were acknowledged
	well   atomic.Int64 // when the last visit began that went well, in Unix nanoseconds
}

func (v *visitor) stay() {
	for {
		v.come()
		if v.growing.Load() {
			v.leaveSomething()
		}
		select {
		case <-time.After(pace):
		case <-v.leaving:
			return
		}
	}
}

// come visits once, and checks what the visitor is promised.
func (v *visitor) come() {
	r := httptest.NewRequest("GET", "/", nil)
	if v.cookie == nil {
		r.URL.Path = "/login"
	} else {
		r.AddCookie(v.cookie)
	}
	began := time.Now()
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	switch body := w.Body.String(); {
	case w.Code == http.StatusServiceUnavailable:
		v.failed.Add(1)
		if len(cookies) > 0 {
			v.Errorf("an outage changes the visitor's cookie")
		}
	case w.Code == http.StatusBadRequest && v.forgets.Load(), body == "anonymous" && v.forgets.Load():
		v.cookie = nil // and signs in again
	case body == "anonymous":
		v.Errorf("a visitor is logged out")
		v.cookie = nil
	case w.Code != http.StatusOK:
		v.Errorf("a visitor is answered %d: %s", w.Code, body)
	default:
		var n int
		if _, err := fmt.Sscan(body, &n); err != nil {
			v.Errorf("a visitor is answered %q", body)
			return
		}
		if v.cookie != nil && n <= v.seen && !v.forgets.Load() {
			v.Errorf("visit %d was acknowledged, and is lost: the next is %d", v.seen, n)
		}
		v.seen = n
		for _, c := range cookies {
			v.cookie = c
		}
		v.well.Store(began.UnixNano())
	}
}

func (v *visitor) leaveSomething() {
	text := make([]byte, 0, 40_000)
	for len(text) < 40_000 {
		text = append(text, rand.Text()...)
	}
	large := &cloakroom.Record{Data: map[string]any{"large": string(text)}, Expires: time.Now().Add(time.Hour)}
	err := v.timed(func() error { return v.sessions.Engine().Create(context.Background(), large) })
	if errors.Is(err, cloakroom.ErrUnavailable) {
		v.failed.Add(1)
	} else if err != nil {
		v.Errorf("Create: %v", err)
	}
}

// rush has many load at once.
func (s *site) rush() {
	var all sync.WaitGroup
	for range burst {
		all.Go(func() { _, _ = s.sessions.Engine().Load(context.Background(), cloakroom.NewKey()) })
	}
	all.Wait()
}

// recovered waits until every visitor came again after that moment, and all went
// well. It returns how long that took.
func (s *site) recovered(since time.Time) time.Duration {
	s.Helper()
	for {
		last := int64(1<<63 - 1)
		for i := range s.people {
			last = min(last, s.people[i].well.Load())
		}
		if last > since.UnixNano() {
			return time.Since(since)
		}
		if time.Since(since) > time.Minute {
			s.Fatal("it has not recovered after a minute")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
