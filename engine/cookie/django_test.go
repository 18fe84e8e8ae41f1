package cookie_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
)

const (
	signedCookies = "SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'"
	pickled       = "SESSION_SERIALIZER = 'django.contrib.sessions.serializers.PickleSerializer'"
)

func TestBesideDjango(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings string
		options  []cookie.Option
	}{
		"JSON":                     {"", nil},
		"pickle":                   {pickled, []cookie.Option{cookie.WithSerializer(session.Pickle)}},
		"signed with SHA-1":        {"DEFAULT_HASHING_ALGORITHM = 'sha1'", []cookie.Option{cookie.WithLegacyFormat()}},
		"another age":              {"SESSION_COOKIE_AGE = 86400", []cookie.Option{cookie.WithMaxAge(24 * time.Hour)}},
		"in one of several pieces": {"", []cookie.Option{cookie.WithPieces(4)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			djangotest.Interop(t, cookie.Open(c.options...), djangotest.Start(t, signedCookies, c.settings))
		})
	}
}

// Django carries the name of a session along, so that what it saved ends with
// the rest; and it is as picky as Go.
func TestDjangoKeepsTheName(t *testing.T) {
	t.Parallel()
	django := djangotest.Start(t, signedCookies)
	e := cookie.Open(cookie.WithRevocation(locmem.New())).WithSecretKeys(djangotest.SecretKey)
	begun := create(t, e, map[string]any{"a": int64(1)})
	changed := django.Set(begun.Key, "a", int64(2))
	if r, err := e.Load(t.Context(), changed); err != nil || !cmp.Equal(r.Data, map[string]any{"a": int64(2)}) {
		t.Fatalf("Go, after Django saved: %v, %v", r, err)
	}
	if err := e.Delete(t.Context(), begun.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Load(t.Context(), changed); err == nil {
		t.Error("what Django saved outlived the session")
	}
	for name, key := range map[string]string{
		"encrypted": create(t, cookie.Open(cookie.WithEncryption()).WithSecretKeys(djangotest.SecretKey), nil).Key,
		"forged":    create(t, open(), nil).Key,
		"divided":   "2|" + create(t, e, nil).Key,
	} {
		if _, ok := django.Load(key); ok {
			t.Errorf("%s: Django finds a session", name)
		}
	}
}

// What Django wrote, and Go wrote again, is the same to Django.
func TestCorpus(t *testing.T) {
	t.Parallel()
	corpus, err := os.Open("../../django/testdata/django-3.2.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer corpus.Close()
	const secret = "corpus-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz"
	const age = 100 * 365 * 24 * time.Hour // the corpus is to last
	django := djangotest.Start(t, signedCookies,
		fmt.Sprintf("SECRET_KEY = %q\nSESSION_COOKIE_AGE = %d", secret, int(age.Seconds())))
	e := cookie.Open(cookie.WithMaxAge(age)).WithSecretKeys(secret)

	seen := 0
	lines := bufio.NewScanner(corpus)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		var record struct{ Engine, Name, Raw string }
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		if record.Engine != "signed_cookies" {
			continue
		}
		seen++
		r, err := e.Load(t.Context(), record.Raw)
		if record.Name == "expiry_seconds" {
			if !errors.Is(err, cloakroom.ErrNotFound) { // as Django's own check of the age does not tell
				t.Errorf("Load of a session that expired: %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", record.Name, err)
			continue
		}
		again := &cloakroom.Record{Key: r.Key, Data: r.Data, Expires: time.Now().Add(age), Version: r.Version}
		if err := e.Save(t.Context(), again); err != nil {
			t.Errorf("%s: %v", record.Name, err)
			continue
		}
		same := fmt.Sprintf("same(dict(opened(%q).items()), dict(opened(%q).items()), {})", record.Raw, again.Key)
		if django.Eval(djangotest.Python(same)) != true {
			t.Errorf("%s: Django reads another session than it wrote", record.Name)
		}
	}
	if err := lines.Err(); err != nil || seen < 10 {
		t.Fatalf("%d records, %v", seen, err)
	}
}

// Horizon's token object survives a save from Go.
func TestHorizon(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../django/testdata/horizon-23/signed_cookies.json")
	if err != nil {
		t.Fatal(err)
	}
	var captured struct {
		Settings struct {
			SecretKey string `json:"SECRET_KEY"`
		}
		Store []struct{ Value string }
	}
	if err := json.Unmarshal(text, &captured); err != nil {
		t.Fatal(err)
	}
	raw, secret := captured.Store[0].Value, captured.Settings.SecretKey
	django := djangotest.Start(t, signedCookies, pickled, fmt.Sprintf("SECRET_KEY = %q\nSESSION_COOKIE_AGE = 10**10", secret))
	// Its hour is over, so it goes on as another.
	loaded, err := session.New(signing.CookieSalt).WithSecretKeys(secret).Decode(raw, 0)
	if err != nil {
		t.Fatal(err)
	}
	loaded.Data["changed"] = "by Go"
	for name, options := range map[string][]cookie.Option{
		"as it was read": nil,
		"by choice":      {cookie.WithSerializer(session.Pickle)},
		"on a list":      {cookie.WithRevocation(locmem.New())},
	} {
		e := cookie.Open(options...).WithSecretKeys(secret)
		r := &cloakroom.Record{Data: loaded.Data, Version: loaded.Form, Expires: time.Now().Add(time.Hour)}
		if err := e.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := e.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		survived := fmt.Sprintf("(lambda was, now: now.pop('changed') == 'by Go' and (now.pop('_cloakroom_id', None), same(was, now, {}))[1])"+
			"(dict(opened(%q).items()), dict(opened(%q).items()))", raw, r.Key)
		if django.Eval(djangotest.Python(survived)) != true {
			t.Errorf("%s: Django reads another session than Horizon wrote", name)
		}
	}
}
