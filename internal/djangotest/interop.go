package djangotest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
)

const (
	// granularity is how long after its expiry a back end may let go of a
	// session: Memcached's clock ticks in seconds.
	granularity = 1250 * time.Millisecond

	// slack is how much later, on a busy machine, a lifetime may be read than it
	// was written.
	slack = 20 * time.Second
)

// Interop checks that Go and Django share their sessions on an engine whose back
// end d keeps its own on: what one creates, changes, cycles or flushes, the
// other finds so, and finds everything else as it was.
//
// It checks every kind of value that d itself gets back as it stored it, and
// with signed cookies leaves out what needs a server that remembers.
func Interop(t *testing.T, engine cloakroom.Engine, d *Django) {
	t.Helper()
	p := newPair(t, engine, d)
	t.Run("Interop", func(t *testing.T) { // returns when all of them have
		for _, promise := range promises {
			if p.stateless && promise.remembers {
				continue
			}
			t.Run(promise.name, func(t *testing.T) {
				t.Parallel()
				promise.check(p.in(t))
			})
		}
	})
}

// pair is Go and Django on one back end.
type pair struct {
	testing.TB
	django    *Django
	sessions  *cloakroom.Manager
	secretKey string
	lifetime  time.Duration
	kinds     []kind // of value, that are kept
	stateless bool   // no server remembers a session
}

// newPair sets Go up as Django is.
func newPair(t testing.TB, engine cloakroom.Engine, d *Django) *pair {
	t.Helper()
	p := &pair{TB: t, django: d.In(t)}
	p.stateless = strings.HasSuffix(p.setting("SESSION_ENGINE").(string), ".signed_cookies")
	p.lifetime = time.Duration(p.setting("SESSION_COOKIE_AGE").(int64)) * time.Second
	p.secretKey = p.setting("SECRET_KEY").(string)
	p.kinds = p.kept()
	return p.on(engine)
}

// on is the same with another engine.
func (p *pair) on(engine cloakroom.Engine) *pair {
	other := *p
	other.sessions = cloakroom.New(engine,
		cloakroom.WithSecretKey(p.secretKey),
		cloakroom.WithLifetime(p.lifetime),
		cloakroom.WithTimeout(slack))
	return &other
}

func (p *pair) setting(name string) any {
	p.Helper()
	return p.django.Eval(Python("settings." + name))
}

func (p *pair) in(t testing.TB) *pair {
	other := *p
	other.TB, other.django = t, p.django.In(t)
	return &other
}

// load is how Go finds a session.
func (p *pair) load(key string) *cloakroom.Session {
	p.Helper()
	s, err := p.sessions.Load(p.Context(), key)
	if err != nil {
		p.Fatalf("Go, asked to load: %v", err)
	}
	return s
}

// save stores what Go did to a session.
func (p *pair) save(s *cloakroom.Session) {
	p.Helper()
	if err := p.sessions.Save(p.Context(), s); err != nil {
		p.Fatalf("Go, asked to save: %v", err)
	}
}

// goCreates has Go begin a session with every kind of value.
func (p *pair) goCreates() *cloakroom.Session {
	p.Helper()
	s := &cloakroom.Session{}
	for _, k := range p.kinds {
		if k.golang != nil {
			s.Set(k.name, k.golang())
		}
	}
	p.save(s)
	return s
}

// holds checks that Django finds what it should, to the type.
func (p *pair) holds(key string, want map[string]any) {
	p.Helper()
	if diff := p.django.Difference(key, want); diff != "" {
		p.Fatalf("Django finds another session than was stored:\n%s", diff)
	}
}

// finds checks that Go finds every kind of value, and the others.
func (p *pair) finds(s *cloakroom.Session, others map[string]any) {
	p.Helper()
	for _, k := range p.kinds {
		if k.golang != nil {
			p.has(s, k.name, k.golang())
		} else if !s.Has(k.name) {
			p.Errorf("Go does not find %q", k.name)
		}
	}
	for name, want := range others {
		p.has(s, name, want)
	}
}

func (p *pair) has(s *cloakroom.Session, name string, want any) {
	p.Helper()
	got, _ := cloakroom.Get[any](s, name)
	if diff := cmp.Diff(want, cloakroom.Plain(got), sameNumbers); diff != "" {
		p.Errorf("Go finds another %q than was stored (-want +got):\n%s", name, diff)
	}
}

// ended checks that nobody finds a session under key.
func (p *pair) ended(key, by string) {
	p.Helper()
	if p.stateless {
		return // nobody remembers that it did
	}
	p.missing(key, by)
	if _, ok := p.django.Load(key); ok {
		p.Errorf("Django finds what %s ended", by)
	}
}

// missing checks that Go finds no session under key.
func (p *pair) missing(key, by string) {
	p.Helper()
	_, err := p.sessions.Load(p.Context(), key)
	if !errors.Is(err, cloakroom.ErrNotFound) || errors.Is(err, cloakroom.ErrCorrupt) {
		p.Errorf("Go, asked to load what %s ended: error %v, want one that matches %q", by, err, cloakroom.ErrNotFound)
	}
}

var promises = []struct {
	name      string
	check     func(*pair)
	remembers bool // needs a server
}{
	{"BegunByDjango", begunByDjango, false},
	{"BegunByGo", begunByGo, false},
	{"Merge", merge, true},
	{"FlushWins", flushWins, true},
	{"ExpiryByDjango", expiryByDjango, false},
	{"ExpiryByGo", expiryByGo, false},
	{"Expired", expired, true},
}

func begunByDjango(p *pair) {
	want := pythonOf(p.kinds)
	key := p.django.Create(want)

	s := p.load(key)
	p.finds(s, nil)
	s.Set("changed", "by Go")
	p.save(s)
	want["changed"] = "by Go"
	p.holds(s.Key(), want)

	key = p.django.Set(s.Key(), "changed", "by Django")
	want["changed"] = "by Django"
	cycled := p.django.CycleKey(key)
	p.ended(key, "Django's CycleKey")
	s = p.load(cycled)
	p.finds(s, map[string]any{"changed": "by Django"})

	s.Delete("changed")
	p.save(s)
	delete(want, "changed")
	p.holds(s.Key(), want)

	key = s.Key()
	s.Flush()
	p.save(s)
	p.ended(key, "Go's Flush")
}

func begunByGo(p *pair) {
	want := pythonOf(kindsOfGo(p.kinds))
	s := p.goCreates()
	p.holds(s.Key(), want)

	key := p.django.Set(s.Key(), "changed", "by Django")
	want["changed"] = "by Django"
	s = p.load(key)
	p.has(s, "changed", "by Django")
	p.holds(key, want)

	s.CycleKey()
	s.Set("changed", "by Go")
	p.save(s)
	want["changed"] = "by Go"
	p.ended(key, "Go's CycleKey")
	p.holds(s.Key(), want)

	key = p.django.Delete(s.Key(), "changed")
	if p.load(key).Has("changed") {
		p.Error("Go finds what Django deleted")
	}
	p.django.Flush(key)
	p.ended(key, "Django's Flush")
}

// merge: two requests that change different names at the same moment, one to
// Django and one to Go, both win.
func merge(p *pair) {
	want := pythonOf(p.kinds)
	key := p.django.Create(want)
	s := p.load(key)
	p.django.Set(key, "by Django", int64(1))
	s.Set("by Go", int64(2))
	p.save(s)
	want["by Django"], want["by Go"] = int64(1), int64(2)
	p.holds(key, want)
}

// flushWins: what Django ended while a request to Go was under way stays so.
func flushWins(p *pair) {
	key := p.django.Create(pythonOf(p.kinds))
	s := p.load(key)
	p.django.Flush(key)
	s.Set("late", true)
	if err := p.sessions.Save(p.Context(), s); !errors.Is(err, cloakroom.ErrGone) {
		p.Errorf("Go, asked to save what Django flushed: error %v, want one that matches %q", err, cloakroom.ErrGone)
	}
	p.ended(key, "Django's Flush")
}

func expiryByDjango(p *pair) {
	key := p.django.Create(map[string]any{"user": "1"})
	p.expires(p.load(key), p.lifetime)

	key = p.django.SetExpiry(key, int64(3600))
	s := p.load(key)
	p.expires(s, time.Hour)
	p.expiry(s, cloakroom.ExpireAfter(time.Hour))

	key = p.django.SetExpiry(key, int64(0))
	s = p.load(key)
	p.expires(s, p.lifetime)
	p.expiry(s, cloakroom.ExpireAtBrowserClose())

	if p.keeps("datetime") {
		at := time.Now().Add(2 * time.Hour).Truncate(time.Microsecond)
		key = p.django.SetExpiry(key, Python(fmt.Sprintf(
			"datetime.datetime.fromtimestamp(%d, datetime.timezone.utc)", at.Unix())))
		s = p.load(key)
		p.expires(s, 2*time.Hour)
		if s.Expiry() == (cloakroom.Expiry{}) {
			p.Error("Go does not understand the datetime that Django expires the session at")
		}
	}
}

func expiryByGo(p *pair) {
	s := &cloakroom.Session{}
	for _, c := range []struct {
		name   string
		expiry cloakroom.Expiry
		life   time.Duration
	}{
		{"the default", cloakroom.Expiry{}, p.lifetime},
		{"an hour", cloakroom.ExpireAfter(time.Hour), time.Hour},
		{"the browser's close", cloakroom.ExpireAtBrowserClose(), p.lifetime},
	} {
		s.Set("expires at", c.name)
		s.SetExpiry(c.expiry)
		p.save(s)
		if got := time.Until(p.django.Expires(s.Key())); (got - c.life).Abs() > slack {
			p.Errorf("Go, asked to expire the session at %s: Django has %v, want %v", c.name, got, c.life)
		}
		if got, want := p.django.AtBrowserClose(s.Key()), c.expiry.AtBrowserClose(); got != want {
			p.Errorf("Go, asked to expire the session at %s: does it at the browser's close? Django has %v, want %v", c.name, got, want)
		}
		s = p.load(s.Key())
		p.expires(s, c.life)
		p.expiry(s, c.expiry)
	}
}

// expired: what ran out for one has run out for both. Django goes on finding
// some of what it let expire in files; there Go has to know better.
func expired(p *pair) {
	byDjango := p.django.SetExpiry(p.django.Create(map[string]any{"user": "1"}), int64(1))
	s := &cloakroom.Session{}
	s.Set("user", "1")
	s.SetExpiry(cloakroom.ExpireAfter(time.Second))
	p.save(s)
	time.Sleep(time.Second + granularity)
	p.missing(byDjango, "Django's expiry")
	p.missing(s.Key(), "Go's expiry")
	if _, ok := p.django.Load(byDjango); ok {
		p.Log("Django itself finds what it let expire")
	} else if _, ok := p.django.Load(s.Key()); ok {
		p.Error("Django finds what Go let expire")
	}
}

func (p *pair) expires(s *cloakroom.Session, life time.Duration) {
	p.Helper()
	if s.Expires().IsZero() {
		return // the back end does not tell
	}
	if got := time.Until(s.Expires()); (got - life).Abs() > slack {
		p.Errorf("Go finds a session that lives for %v, want %v", got, life)
	}
}

func (p *pair) expiry(s *cloakroom.Session, want cloakroom.Expiry) {
	p.Helper()
	if got := s.Expiry(); got != want {
		p.Errorf("Go finds the expiry %+v, want %+v", got, want)
	}
}
