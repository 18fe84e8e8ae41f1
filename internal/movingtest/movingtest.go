// Package movingtest moves a site with real sessions from one engine to another
// while clients use it, and checks that nothing was lost.
package movingtest

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/engine/moving"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
)

const (
	clients = 16
	engines = 4   // that share the clients, as processes of a site do
	hot     = 64  // sessions that many clients use at the same time
	pause   = 3   // milliseconds on average, between two requests of a client
	atOnce  = 500 // sessions that Django is asked for
)

// Site is a site whose sessions move.
type Site struct {
	t         testing.TB
	python    string
	templates []map[string]any

	mu       sync.Mutex
	sessions []*session
	Counts   Counts
}

// Counts is what the clients did.
type Counts struct{ Updates, Logins, Cycles, Logouts, Refused atomic.Int64 }

// session is one session, and what has to be in it.
type session struct {
	serial, template int

	mu     sync.RWMutex // held for writing while the key changes
	key    string
	clicks atomic.Int64 // acknowledged
	ended  atomic.Bool  // a logout has begun
}

//go:embed site.py
var site string

// New fills an engine with sessions: of ten, nine as a Django keeps them with
// all its types, and one of a real Horizon, which that text of its captured
// session has.
func New(t testing.TB, d *djangotest.Django, e cloakroom.Engine, count int, horizon []byte) *Site {
	t.Helper()
	var captured struct {
		Store []struct {
			Value string `json:"value_b64"`
		}
	}
	if err := json.Unmarshal(horizon, &captured); err != nil {
		t.Fatal(err)
	}
	s := &Site{t: t, python: fmt.Sprintf("horizon = %q\n%s", captured.Store[0].Value, site)}
	d.Exec(s.python)
	for _, text := range d.Eval("pickled()").([]any) {
		raw, err := base64.StdEncoding.DecodeString(text.(string))
		if err != nil {
			t.Fatal(err)
		}
		template, err := pickle.Unmarshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		s.templates = append(s.templates, template)
	}
	var wg sync.WaitGroup
	for w := range clients {
		wg.Go(func() {
			for range (count + w) / clients {
				x := s.add()
				r := &cloakroom.Record{Data: s.data(x), Expires: time.Now().Add(24 * time.Hour)}
				if err := e.Create(t.Context(), r); err != nil {
					t.Error(err)
					return
				}
				x.key = r.Key
			}
		})
	}
	wg.Wait()
	return s
}

func (s *Site) add() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := &session{serial: len(s.sessions)}
	if x.serial%10 == 0 {
		x.template = 1
	}
	s.sessions = append(s.sessions, x)
	return x
}

func (s *Site) data(x *session) map[string]any {
	data := maps.Clone(s.templates[x.template])
	data["serial"], data["clicks"] = int64(x.serial), int64(0)
	return data
}

// Live is how many sessions there have to be.
func (s *Site) Live() (n int64) {
	for _, x := range s.sessions {
		if !x.ended.Load() {
			n++
		}
	}
	return n
}

// Move copies one engine into another while the clients use moving engines on
// both. Open opens both once more, as another process does.
func (s *Site) Move(open func() (to, from cloakroom.Engine), o moving.Options) moving.Report {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	var working sync.WaitGroup
	for range engines {
		e, err := moving.New(open())
		if err != nil {
			s.t.Fatal(err)
		}
		m := cloakroom.New(e, cloakroom.WithTimeout(30*time.Second))
		for range clients / engines {
			working.Go(func() {
				for ctx.Err() == nil {
					if err := s.request(s.t.Context(), m); err != nil {
						s.t.Error(err)
						return
					}
					time.Sleep(rand.N(2 * pause * time.Millisecond))
				}
			})
		}
	}
	to, from := open()
	report, err := moving.Copy(ctx, to, from, o)
	time.Sleep(100 * time.Millisecond)
	stop()
	working.Wait()
	if err != nil {
		s.t.Errorf("Copy: %v", err)
	}
	return report
}

// request is what a visitor does.
func (s *Site) request(ctx context.Context, m *cloakroom.Manager) error {
	switch dice := rand.IntN(100); {
	case dice < 3:
		return s.login(ctx, m)
	case dice < 6:
		return s.logout(ctx, m, s.any())
	case dice < 9:
		return s.cycle(ctx, m, s.any())
	}
	return s.update(ctx, m, s.any())
}

// any is any session, and one of a few more often.
func (s *Site) any() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		n := len(s.sessions)
		if rand.IntN(4) == 0 {
			n = min(n, hot)
		}
		if x := s.sessions[rand.IntN(n)]; x.mu.TryRLock() {
			x.mu.RUnlock()
			return x
		}
	}
}

// wrong is err, unless the session is being ended.
func (x *session) wrong(what string, err error) error {
	over := errors.Is(err, cloakroom.ErrNotFound) || errors.Is(err, cloakroom.ErrGone)
	if err == nil || over && x.ended.Load() {
		return nil
	}
	return fmt.Errorf("session %d: %s: %w", x.serial, what, err)
}

func (s *Site) update(ctx context.Context, m *cloakroom.Manager, x *session) error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	v, err := m.Load(ctx, x.key)
	if err != nil {
		return x.wrong("loading", err)
	}
	cloakroom.Update(v, "clicks", func(n int64) int64 { return n + 1 })
	switch err := m.Save(ctx, v); {
	case err == nil:
		x.clicks.Add(1)
		s.Counts.Updates.Add(1)
	case errors.Is(err, cloakroom.ErrConflict):
		s.Counts.Refused.Add(1)
	default:
		return x.wrong("saving", err)
	}
	return nil
}

func (s *Site) login(ctx context.Context, m *cloakroom.Manager) error {
	x := &session{template: 0}
	s.mu.Lock()
	x.serial = len(s.sessions)
	x.mu.Lock() // until it has a key
	defer x.mu.Unlock()
	s.sessions = append(s.sessions, x)
	s.mu.Unlock()
	v := &cloakroom.Session{}
	for name, value := range s.data(x) {
		v.Set(name, value)
	}
	if err := m.Save(ctx, v); err != nil {
		return x.wrong("logging in", err)
	}
	x.key = v.Key()
	s.Counts.Logins.Add(1)
	return nil
}

func (s *Site) logout(ctx context.Context, m *cloakroom.Manager, x *session) error {
	if x.serial < hot/2 || !x.ended.CompareAndSwap(false, true) {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	v, err := m.Load(ctx, x.key)
	if err != nil {
		return fmt.Errorf("session %d: logging out: %w", x.serial, err)
	}
	v.Flush()
	if err := m.Save(ctx, v); err != nil {
		return fmt.Errorf("session %d: logging out: %w", x.serial, err)
	}
	s.Counts.Logouts.Add(1)
	return missing(ctx, m, x.serial, x.key)
}

func (s *Site) cycle(ctx context.Context, m *cloakroom.Manager, x *session) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	v, err := m.Load(ctx, x.key)
	if err != nil {
		return x.wrong("loading", err)
	}
	v.CycleKey()
	if err := m.Save(ctx, v); err != nil {
		return x.wrong("cycling the key", err)
	}
	was := x.key
	x.key = v.Key()
	s.Counts.Cycles.Add(1)
	return missing(ctx, m, x.serial, was)
}

func missing(ctx context.Context, m *cloakroom.Manager, serial int, key string) error {
	if _, err := m.Load(ctx, key); !errors.Is(err, cloakroom.ErrNotFound) {
		return fmt.Errorf("session %d: loading what has ended: %w, want ErrNotFound", serial, err)
	}
	return nil
}

// Check checks that e alone has every session with all that was acknowledged, and
// none that has ended.
func (s *Site) Check(e cloakroom.Engine) {
	s.t.Helper()
	wanted := map[string]*session{}
	for _, x := range s.sessions {
		if !x.ended.Load() {
			wanted[x.key] = x
			continue
		}
		if _, err := e.Load(s.t.Context(), x.key); !errors.Is(err, cloakroom.ErrNotFound) {
			s.t.Errorf("session %d, which has ended: %v", x.serial, err)
		}
	}
	lister, ok := cloakroom.As[cloakroom.Lister](e)
	if !ok {
		s.t.Fatal("it lists nothing")
	}
	for r, err := range lister.List(s.t.Context()) {
		if err != nil {
			s.t.Fatal(err)
		}
		x, ok := wanted[r.Key]
		if !ok {
			s.t.Error("a session that nobody has, or that comes twice")
			continue
		}
		delete(wanted, r.Key)
		if want := x.clicks.Load(); r.Data["clicks"] != want {
			s.t.Errorf("session %d: %v clicks, want %d", x.serial, r.Data["clicks"], want)
		}
	}
	for _, x := range wanted {
		s.t.Errorf("session %d is lost", x.serial)
	}
}

// ReadBy has Django read every session, in one or several processes, and compare
// it with what it should be. It returns how many are.
func (s *Site) ReadBy(djangos ...*djangotest.Django) (read int64) {
	s.t.Helper()
	var live []*session
	for _, x := range s.sessions {
		if !x.ended.Load() {
			live = append(live, x)
		}
	}
	chunks := make(chan []*session)
	go func() {
		defer close(chunks)
		for chunk := range slices.Chunk(live, atOnce) {
			chunks <- chunk
		}
	}()
	var good atomic.Int64
	var reading sync.WaitGroup
	for _, d := range djangos {
		reading.Go(func() {
			d.Exec(s.python)
			for chunk := range chunks {
				good.Add(s.read(d, chunk))
			}
		})
	}
	reading.Wait()
	return good.Load()
}

func (s *Site) read(d *djangotest.Django, asked []*session) (good int64) {
	var keys strings.Builder
	for _, x := range asked {
		fmt.Fprintf(&keys, "(%q, %d), ", x.key, x.template)
	}
	for i, found := range d.Eval(djangotest.Python("read([" + keys.String() + "])")).([]any) {
		x := asked[i]
		want := []any{int64(x.serial), x.clicks.Load(), true}
		if got, ok := found.([]any); !ok || !slices.Equal(got, want) {
			s.t.Errorf("session %d: Django reads %v, want %v", x.serial, found, want)
			continue
		}
		good++
	}
	return good
}
