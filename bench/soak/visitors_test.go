package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Of a hundred requests so many leave the session as it is, count in it, give it
// another key, and end it; after the last the visitor signs in again.
const (
	reads  = 60
	saves  = 32
	renews = 2
)

// signIn makes a session what a signed-in user's is: 1,024 bytes of JSON.
func signIn(s *cloakroom.Session) {
	text := func(length int) string {
		b := make([]byte, length)
		for i := range b {
			b[i] = "0123456789abcdef"[rand.IntN(16)]
		}
		return string(b)
	}
	for name, value := range map[string]any{
		"_auth_user_id": "1", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
		"_auth_user_hash": text(64), "token": text(256), "token2": text(256),
		"region": "RegionOne", "cart": text(281), "n": 0,
	} {
		s.Set(name, value)
	}
}

// counts are of all that happened.
type counts struct {
	requests, saves, signIns atomic.Int64
	slowest                  atomic.Int64 // beside what the page takes, in nanoseconds
	failed, lost, loggedOut  trouble
}

// trouble is how often something happened that may not, and what the first was.
type trouble struct {
	mu    sync.Mutex
	times int
	first error
}

func (t *trouble) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.times++; t.first == nil {
		t.first = err
	}
}

func (t *trouble) seen() (times int, first error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.times, t.first
}

// crowd is everybody who visits the site.
type crowd struct {
	url      string
	client   *http.Client
	visitors []visitor
	alone    bool
	*counts
}

func newCrowd(url string, alone bool, c *counts) *crowd {
	return &crowd{
		url: url, alone: alone, counts: c,
		client: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: *connectionsFlag, DisableCompression: true},
			Timeout:   2**pageFlag + 30*time.Second,
		},
		visitors: make([]visitor, *sessionsFlag),
	}
}

// visitor is somebody with a session, and perhaps several windows.
type visitor struct {
	mu     sync.Mutex
	cookie string
	saved  int  // saves that were answered
	asked  int  // saves that were asked for
	inside int  // requests that are under way
	alone  bool // the one that is wants no other
	unsure bool // whether there is a session, after a request that failed
}

// signIn signs everybody in, and has everybody count once: a session that has is
// kept in another form here and there.
func (c *crowd) signIn() {
	c.each(func(v *visitor) { _ = c.visit(v, "/in", 0) && c.visit(v, "/save", 0) })
}

// check has everybody look once more: who is signed in has every save.
func (c *crowd) check() {
	c.each(func(v *visitor) {
		if !v.unsure {
			c.visit(v, "/read", 0)
		}
	})
}

// each is for all visitors, few at a time: what is tried is a steady load, not a
// rush.
func (c *crowd) each(do func(*visitor)) {
	const atOnce = 16
	var next atomic.Int64
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(c.visitors)); i = next.Add(1) - 1 {
				do(&c.visitors[i])
			}
		})
	}
	all.Wait()
}

// leave closes all connections.
func (c *crowd) leave() { c.client.CloseIdleConnections() }

// stay keeps all connections busy until ctx ends. They come in the course of the
// warm-up.
func (c *crowd) stay(ctx context.Context) {
	var all sync.WaitGroup
	for range *connectionsFlag {
		comes := rand.N(*durationFlag * warmUp / 200)
		all.Go(func() {
			time.Sleep(comes)
			for ctx.Err() == nil {
				c.come()
			}
		})
	}
	all.Wait()
}

// come is a request of somebody's.
func (c *crowd) come() {
	what := rand.IntN(100)
	alone := c.alone || what >= reads+saves
	v := &c.visitors[rand.IntN(len(c.visitors))]
	for !v.enter(alone) {
		v = &c.visitors[rand.IntN(len(c.visitors))]
	}
	defer v.leave()
	takes := *pageFlag/2 + rand.N(*pageFlag)
	well := false
	switch {
	case what < reads:
		well = c.visit(v, "/read", takes)
	case what < reads+saves:
		well = c.visit(v, "/save", takes)
	case what < reads+saves+renews:
		well = c.visit(v, "/renew", takes)
	default:
		well = c.visit(v, "/out", takes) && c.visit(v, "/in", takes)
	}
	if !well {
		time.Sleep(takes) // nobody hammers on a site that is in trouble
	}
}

// enter reports whether there may be a request, one with the session to itself
// where it ends it.
func (v *visitor) enter(alone bool) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unsure || v.alone || alone && v.inside > 0 {
		return false
	}
	v.inside++
	v.alone = alone
	return true
}

func (v *visitor) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.inside--
	v.alone = false
}

// visit is one request, which takes so long, and reports whether it was answered.
// The answer has to have every save that was answered before, and nothing that was
// not asked for.
func (c *crowd) visit(v *visitor, path string, takes time.Duration) bool {
	c.requests.Add(1)
	v.mu.Lock()
	cookie, least := v.cookie, v.saved
	if path == "/save" {
		v.asked++
	}
	v.mu.Unlock()
	began := time.Now()
	n, next, err := c.get(path, takes, cookie)
	raise(&c.slowest, time.Since(began)-takes)

	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case errors.Is(err, errLoggedOut):
		c.loggedOut.note(fmt.Errorf("%s: %w", path, err))
	case err != nil:
		c.failed.note(fmt.Errorf("%s: %w", path, err))
	case n < least || n > v.asked:
		c.lost.note(fmt.Errorf("%s: %d saves are there; %d were answered before it, and %d are asked for", path, n, least, v.asked))
	}
	if err != nil {
		v.unsure = path != "/read" && path != "/save"
		return false
	}
	switch path {
	case "/save":
		v.saved++
		c.saves.Add(1)
	case "/in":
		c.signIns.Add(1)
	case "/out":
		v.cookie, v.saved, v.asked = "", 0, 0
		return true
	}
	if next != "" {
		v.cookie = next
	}
	return true
}

var errLoggedOut = errors.New("somebody is logged out")

// get asks for a page. It returns the number in the session, and a new cookie.
func (c *crowd) get(path string, takes time.Duration, cookie string) (n int, next string, err error) {
	request, err := http.NewRequest(http.MethodGet, c.url+path+"?"+takes.String(), nil)
	if err != nil {
		return 0, "", err
	}
	if cookie != "" {
		request.AddCookie(&http.Cookie{Name: "sessionid", Value: cookie})
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", err
	}
	if response.StatusCode != http.StatusOK {
		return 0, "", fmt.Errorf("%s: %s", response.Status, body)
	}
	if string(body) == anonymous {
		return 0, "", errLoggedOut
	}
	for _, set := range response.Cookies() {
		if set.MaxAge < 0 && path != "/out" {
			return 0, "", errLoggedOut
		}
		next = set.Value
	}
	n, err = strconv.Atoi(string(body))
	return n, next, err
}

func raise(most *atomic.Int64, d time.Duration) {
	for old := most.Load(); int64(d) > old && !most.CompareAndSwap(old, int64(d)); old = most.Load() {
	}
}
