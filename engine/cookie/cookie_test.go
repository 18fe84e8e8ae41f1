package cookie_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/enginetest"
)

const secret = "a secret key of this test"

func open(options ...cookie.Option) *cookie.Engine {
	return cookie.Open(options...).WithSecretKeys(secret).(*cookie.Engine)
}

func sign(t testing.TB, salt, payload string) string {
	t.Helper()
	signed, err := signing.New(salt, secret).Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func create(t testing.TB, e cloakroom.Engine, data map[string]any) *cloakroom.Record {
	t.Helper()
	r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
	if err := e.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// What cannot hold where nobody is asked, and what can be done about it.
var unkept = map[string]string{
	"SaveConflict":     "nobody knows what was saved last",
	"SaveEnds":         "nobody knows what was saved last",
	"DeleteEverywhere": "nobody knows what was saved last; TestEndedSessionsStayEnded has the rest of it",
	"NoLostUpdate":     "nobody knows what was saved last",
	"Linearizable":     "nobody knows what was saved last",

	"Add":          "the key is the session",
	"AddConflict":  "the key is the session",
	"AddExpired":   "the key is the session",
	"AddWrongKeys": "the key is the session",
	"AddOnce":      "the key is the session",
	"Holds":        "the key is the session",

	"List":                  "the browsers have the sessions",
	"ListStops":             "the browsers have the sessions",
	"ListWhileDeleting":     "the browsers have the sessions",
	"ListPassesOverCorrupt": "the browsers have the sessions",
	"Stats":                 "the browsers have the sessions",
	"StatsCorrupt":          "the browsers have the sessions",

	"Corrupt": "it cannot be taken from the browser that has it; see TestSignedButUnreadable",
	"Outage":  "only the list can be away, and Create does not ask it; see TestListAway",

	"RoundTripTimesAndBytes": "JSON has neither: they come back as text",
}

// What holds through a browser that is as the suite expects a store to be.
func TestEngine(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]cookie.Option{
		"signed":    nil,
		"pickled":   {cookie.WithSerializer(session.Pickle)},
		"encrypted": {cookie.WithEncryption()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waived := maps.Clone(unkept)
			switch name {
			case "pickled":
				delete(waived, "RoundTripTimesAndBytes")
			case "encrypted":
				waived["RoundTripLarge"] = "240 KB that are not compressed are more than any browser keeps for a site"
			}
			waived["ExpiryIsAnInstant"] = "no cookie is good for longer than WithMaxAge; see TestExpiry"
			enginetest.Run(t, enginetest.Config{
				Open: func(testing.TB) cloakroom.Engine {
					return newJar(open(append(options, cookie.WithRevocation(locmem.New()))...))
				},
				Second:            func(_ testing.TB, e cloakroom.Engine) cloakroom.Engine { return e },
				Waived:            waived,
				ExpiresItself:     true,
				ExpiryGranularity: time.Second,
				FakeClock:         true,
			})
		})
	}
}

// As Django has it, and as it is with no browser in between.
func TestEngineWithoutRevocation(t *testing.T) {
	t.Parallel()
	const (
		moved = "another key says what was saved, and the old one what it always said"
		lost  = "without a list nothing can be ended but by the browser"
	)
	waived := maps.Clone(unkept)
	maps.Copy(waived, map[string]string{
		"CreateFreshKeys": "the key is the session", "UntouchedData": moved, "Snapshots": moved,
		"SaveMovesExpiry": moved, "TouchMovesExpiry": moved, "TouchKeepsVersion": moved,
		"Delete": lost, "SaveGone": lost, "TouchGone": lost, "NoResurrection": lost,
		"ExpiryIsAnInstant": "no cookie is good for longer than WithMaxAge; see TestExpiry",
	})
	enginetest.Run(t, enginetest.Config{
		Open:              func(testing.TB) cloakroom.Engine { return open() },
		Waived:            waived,
		ExpiresItself:     true,
		ExpiryGranularity: time.Second,
		FakeClock:         true,
	})
}

// jar keeps the cookies of all visitors, under names that stay, and does
// with them what a Manager has it do. It never deletes one, as a thief would not.
type jar struct {
	*cookie.Engine
	mu      sync.Mutex
	cookies map[string]string
}

func newJar(e *cookie.Engine) *jar {
	return &jar{Engine: e, cookies: map[string]string{}}
}

func (j *jar) cookie(name string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if value, ok := j.cookies[name]; ok {
		return value
	}
	return name
}

func (j *jar) take(name string, r *cloakroom.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cookies[name] = r.Key
	r.Key = name
}

func (j *jar) Load(ctx context.Context, name string) (*cloakroom.Record, error) {
	r, err := j.Engine.Load(ctx, j.cookie(name))
	if err == nil {
		r.Key = name
	}
	return r, err
}

func (j *jar) Create(ctx context.Context, r *cloakroom.Record) error {
	err := j.Engine.Create(ctx, r)
	if err == nil {
		j.take(cloakroom.NewKey(), r)
	}
	return err
}

func (j *jar) Save(ctx context.Context, r *cloakroom.Record) error {
	name := r.Key
	r.Key = j.cookie(name)
	err := j.Engine.Save(ctx, r)
	j.take(name, r)
	return err
}

func (j *jar) Delete(ctx context.Context, name string) error {
	return j.Engine.Delete(ctx, j.cookie(name))
}

func (j *jar) Touch(ctx context.Context, name string, expires time.Time) error {
	r, err := j.Engine.Load(ctx, j.cookie(name))
	if errors.Is(err, cloakroom.ErrNotFound) {
		return j.Engine.Touch(ctx, j.cookie(name), expires)
	}
	if err != nil {
		return err
	}
	r.Expires = expires
	err = j.Engine.Save(ctx, r)
	j.take(name, r)
	return err
}

func TestForgedCookies(t *testing.T) {
	t.Parallel()
	const payload = `{"_auth_user_id":"1"}`
	good := sign(t, signing.CookieSalt, payload)
	sealed := create(t, open(cookie.WithEncryption()), map[string]any{"a": "b"}).Key
	elsewhere, err := signing.New(signing.CookieSalt, "another secret key").Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	e := open()
	for _, key := range []string{good, sealed} {
		if _, err := e.Load(t.Context(), key); err != nil {
			t.Fatalf("Load of a good one: %v", err)
		}
	}
	for name, key := range map[string]string{
		"nothing":             "",
		"unsigned":            "eyJfYXV0aF91c2VyX2lkIjoiMSJ9",
		"empty signature":     good[:strings.LastIndex(good, ":")+1],
		"no signature":        good[:strings.LastIndex(good, ":")],
		"truncated":           good[:len(good)-1],
		"lengthened":          good + "A",
		"one bit":             "f" + good[1:],
		"said to be zlib":     "." + good,
		"another time":        strings.Replace(good, ":", ":1", 1),
		"another secret key":  elsewhere,
		"another salt":        sign(t, signing.SessionSalt, payload),
		"a key of db":         cloakroom.NewKey(),
		"half of a division":  "2|" + good,
		"box: empty":          "~",
		"box: no nonce":       "~AAAA",
		"box: truncated":      sealed[:len(sealed)-2],
		"box: one bit":        sealed[:40] + flip(sealed[40]) + sealed[41:],
		"box: as signed":      sealed[1:],
		"box: padding":        sealed + "=",
		"box: line break":     sealed[:50] + "\n" + sealed[50:],
		"box: made of signed": "~" + good,
	} {
		_, err := e.Load(t.Context(), key)
		if !errors.Is(err, cloakroom.ErrNotFound) || errors.Is(err, cloakroom.ErrCorrupt) {
			t.Errorf("%s: %v, want a plain ErrNotFound", name, err)
		}
		if err := e.Save(t.Context(), &cloakroom.Record{Key: key, Expires: time.Now().Add(time.Hour)}); !errors.Is(err, cloakroom.ErrGone) {
			t.Errorf("%s: Save: %v, want ErrGone", name, err)
		}
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// A mistake of the site's, such as another serializer, is worth a line in the
// log; what strangers make up is not.
func TestSignedButUnreadable(t *testing.T) {
	t.Parallel()
	e := open(cookie.WithRevocation(locmem.New()))
	for _, payload := range []string{"no JSON", "[1]", ""} {
		_, err := e.Load(t.Context(), sign(t, signing.CookieSalt, payload))
		if !errors.Is(err, cloakroom.ErrNotFound) || !errors.Is(err, cloakroom.ErrCorrupt) {
			t.Errorf("%q: %v, want ErrNotFound and ErrCorrupt", payload, err)
		}
	}
}

func TestNoSecretKey(t *testing.T) {
	t.Parallel()
	key := create(t, open(), map[string]any{}).Key
	for _, e := range []cloakroom.Engine{cookie.Open(), open().WithSecretKeys("", secret)} {
		if _, err := e.Load(t.Context(), key); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("Load: %v, want ErrConfig", err)
		}
		if err := e.Create(t.Context(), &cloakroom.Record{}); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("Create: %v, want ErrConfig", err)
		}
	}

	// Whoever asks for the list has the engine that was opened, and the Manager the
	// one with keys.
	list := &away{Cache: locmem.New()}
	e := cookie.Open(cookie.WithRevocation(list))
	if err := e.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	list.down.Store(true)
	if err := e.Ping(t.Context()); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Ping while the list is away: %v, want ErrUnavailable", err)
	}
}

func TestSecretKeysRotate(t *testing.T) {
	t.Parallel()
	for _, options := range [][]cookie.Option{nil, {cookie.WithEncryption()}} {
		old := create(t, open(options...), map[string]any{"a": int64(1)})
		rotated := cookie.Open(options...).WithSecretKeys("a new key", "an older key", secret)
		r, err := rotated.Load(t.Context(), old.Key)
		if err != nil {
			t.Fatal(err)
		}
		if err := rotated.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if _, err := open().Load(t.Context(), r.Key); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("written with an old key: %v", err)
		}
		if _, err := cookie.Open().WithSecretKeys("a new key").Load(t.Context(), r.Key); err != nil {
			t.Errorf("not written with the new key: %v", err)
		}
	}
}

func TestEncryption(t *testing.T) {
	t.Parallel()
	signed, encrypted := open(), open(cookie.WithEncryption())
	data := map[string]any{"token": strings.Repeat("secret ", 20)}
	one, two := create(t, encrypted, data), create(t, encrypted, data)
	if one.Key == two.Key {
		t.Error("the same session is encrypted to the same text twice")
	}
	for from, to := range map[*cookie.Engine]*cookie.Engine{signed: encrypted, encrypted: signed} {
		r, err := to.Load(t.Context(), create(t, from, data).Key)
		if err != nil {
			t.Fatalf("after a change of options: %v", err)
		}
		if diff := cmp.Diff(data, r.Data); diff != "" {
			t.Error(diff)
		}
		if err := to.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(r.Key, "~") != (to == encrypted) {
			t.Errorf("written as %.5s…", r.Key)
		}
	}
	// How well a session compresses tells what is in it.
	varied := create(t, encrypted, map[string]any{"token": strings.Repeat("abcdefg", 20)})
	if len(varied.Key) != len(one.Key) {
		t.Errorf("%d and %d bytes for sessions of one length", len(varied.Key), len(one.Key))
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		data map[string]any
		asks time.Duration
		want time.Duration
		adds bool // something that Django would not write
	}{
		"the default":                   {map[string]any{}, 14 * day, 14 * day, false},
		"longer than any cookie":        {map[string]any{}, 3650 * day, 14 * day, false},
		"an idle timeout":               {map[string]any{}, time.Hour, time.Hour, true},
		"its own":                       {map[string]any{"_session_expiry": int64(3600)}, time.Hour, time.Hour, false},
		"its own, and an idle timeout":  {map[string]any{"_session_expiry": int64(3600)}, time.Minute, time.Minute, true},
		"its own, longer than a cookie": {map[string]any{"_session_expiry": int64(30 * 24 * 3600)}, 30 * day, 14 * day, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, began := open(), time.Now()
				r := &cloakroom.Record{Data: c.data, Expires: began.Add(c.asks)}
				if err := e.Create(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				payload, _, err := signing.New(signing.CookieSalt, secret).Unsign(nil, r.Key, 0)
				if err != nil {
					t.Fatal(err)
				}
				if adds := strings.Contains(string(payload), "_cloakroom"); adds != c.adds {
					t.Errorf("the cookie says %s", payload)
				}
				loaded, err := e.Load(t.Context(), r.Key)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.data, loaded.Data); diff != "" {
					t.Error(diff)
				}
				for what, at := range map[string]time.Time{"Create": r.Expires, "Load": loaded.Expires} {
					if got := at.Sub(began); got != c.want {
						t.Errorf("%s says it lives %v, want %v", what, got, c.want)
					}
				}
				time.Sleep(c.want - time.Second)
				if _, err := e.Load(t.Context(), r.Key); err != nil {
					t.Errorf("just before: %v", err)
				}
				time.Sleep(2 * time.Second)
				if _, err := e.Load(t.Context(), r.Key); !errors.Is(err, cloakroom.ErrNotFound) {
					t.Errorf("after: %v", err)
				}
			})
		})
	}
}

// noise is text that compresses badly.
func noise(n int) string {
	var text strings.Builder
	for text.Len() < n {
		text.WriteString(cloakroom.NewKey())
	}
	return text.String()[:n]
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	for _, options := range [][]cookie.Option{
		{cookie.WithPieces(3)}, {cookie.WithPieces(3), cookie.WithEncryption()},
	} {
		e := open(options...).WithRoom(1000)
		r := create(t, e, map[string]any{"a": int64(1)})
		before := r.Key
		r.Data = map[string]any{"a": noise(4000)}
		err := e.Save(t.Context(), r)
		if !errors.Is(err, cloakroom.ErrTooLarge) || r.Key != before {
			t.Errorf("Save: %v; the key must stay", err)
		}
		if err := e.Create(t.Context(), r); !errors.Is(err, cloakroom.ErrTooLarge) {
			t.Errorf("Create: %v", err)
		}
	}
}

// away is a list that can be out of reach.
type away struct {
	*locmem.Cache
	down atomic.Bool
}

func (a *away) Get(ctx context.Context, key string) (*cloakroom.Record, error) {
	if a.down.Load() {
		return nil, errors.New("connection refused")
	}
	return a.Cache.Get(ctx, key)
}

func (a *away) Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error) {
	if a.down.Load() {
		return false, errors.New("connection refused")
	}
	return a.Cache.Add(ctx, key, r)
}

func TestListAway(t *testing.T) {
	t.Parallel()
	list := &away{Cache: locmem.New()}
	e := open(cookie.WithRevocation(list))
	r := create(t, e, map[string]any{})
	list.down.Store(true)
	_, loaded := e.Load(t.Context(), r.Key)
	for what, err := range map[string]error{
		"Load":   loaded,
		"Save":   e.Save(t.Context(), &cloakroom.Record{Key: r.Key, Expires: r.Expires}),
		"Touch":  e.Touch(t.Context(), r.Key, r.Expires),
		"Delete": e.Delete(t.Context(), r.Key),
		"Ping":   e.Ping(t.Context()),
	} {
		if !errors.Is(err, cloakroom.ErrUnavailable) || errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
	}
	list.down.Store(false)
	if _, err := e.Load(t.Context(), r.Key); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// While the list is away the answer is 503 and every cookie stays, also that of
// who wants to log out: nobody is told that they are when a copy still is not.
func TestListAwayLogsNobodyInOrOut(t *testing.T) {
	t.Parallel()
	list := &away{Cache: locmem.New()}
	sessions := cloakroom.New(cookie.Open(cookie.WithRevocation(list)), cloakroom.WithSecretKey(secret),
		cloakroom.WithLogger(slog.New(slog.DiscardHandler)))
	visit := func(key string, do func(*cloakroom.Session)) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest("GET", "/", nil)
		request.AddCookie(&http.Cookie{Name: "sessionid", Value: key})
		sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := sessions.Open(r)
			if err != nil {
				http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
				return
			}
			do(s)
		})).ServeHTTP(recorder, request)
		return recorder
	}
	begun := visit("", func(s *cloakroom.Session) { s.Set("user", "zoe") })
	key := begun.Result().Cookies()[0].Value
	for what, before := range map[string]bool{"away before": true, "away while logging out": false} {
		list.down.Store(before)
		if answer := visit(key, func(s *cloakroom.Session) { list.down.Store(true); s.Flush() }); answer.Code != http.StatusServiceUnavailable || len(answer.Result().Cookies()) != 0 {
			t.Errorf("%s: %d, cookies %v; want 503 and none", what, answer.Code, answer.Result().Cookies())
		}
	}
	list.down.Store(false)
	if answer := visit(key, func(s *cloakroom.Session) { s.Flush() }); answer.Code != http.StatusOK {
		t.Errorf("afterwards: %d", answer.Code)
	}
	visit(key, func(s *cloakroom.Session) {
		if s.Has("user") {
			t.Error("still logged in")
		}
	})
}

func TestEndedSessionsStayEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := locmem.New()
		here, there := open(cookie.WithRevocation(list)), open(cookie.WithRevocation(list))
		first := create(t, here, map[string]any{"n": int64(0)})
		later := *first
		later.Expires = time.Now().Add(365 * 24 * time.Hour)
		if err := there.Save(t.Context(), &later); err != nil {
			t.Fatal(err)
		}
		elsewhere := *first // by a process without a list
		if err := open().Save(t.Context(), &elsewhere); err != nil {
			t.Fatal(err)
		}
		// One that Django began has no name, and its own digest for one.
		begun := sign(t, signing.CookieSalt, `{"n":0}`)
		adopted := &cloakroom.Record{Key: begun, Data: map[string]any{"n": int64(1)}, Expires: time.Now().Add(time.Hour)}
		if err := here.Save(t.Context(), adopted); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{first.Key, adopted.Key} {
			if err := here.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 { // days
			for what, key := range map[string]string{
				"as created": first.Key, "as saved later": later.Key,
				"as saved elsewhere": elsewhere.Key, "as Django left it": begun, "as adopted": adopted.Key,
			} {
				if _, err := there.Load(t.Context(), key); !errors.Is(err, cloakroom.ErrNotFound) {
					t.Fatalf("%s: %v, want ErrNotFound", what, err)
				}
				r := &cloakroom.Record{Key: key, Expires: time.Now().Add(time.Hour)}
				if err := there.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrGone) {
					t.Fatalf("%s: Save: %v, want ErrGone", what, err)
				}
			}
			time.Sleep(24 * time.Hour)
		}
		other := create(t, there, map[string]any{})
		if _, err := here.Load(t.Context(), other.Key); err != nil {
			t.Errorf("another session: %v", err)
		}
	})
}

// Of two requests that end a session, as two at once that log in do, one is
// told that the other did.
func TestSaveEndsOnce(t *testing.T) {
	t.Parallel()
	e := open(cookie.WithRevocation(locmem.New()))
	for range 100 {
		key := create(t, e, map[string]any{}).Key
		var ended atomic.Int32
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				err := e.Save(t.Context(), &cloakroom.Record{Key: key, Expires: time.Unix(0, 0)})
				if err == nil {
					ended.Add(1)
				} else if !errors.Is(err, cloakroom.ErrGone) {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if n := ended.Load(); n != 1 {
			t.Fatalf("%d ended it, want one", n)
		}
	}
}
