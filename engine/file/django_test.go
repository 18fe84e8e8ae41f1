package file_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
)

func django(t testing.TB, dir string, settings ...djangotest.Settings) *djangotest.Django {
	t.Helper()
	settings = append([]djangotest.Settings{
		"SESSION_ENGINE = 'django.contrib.sessions.backends.file'", fmt.Sprintf("SESSION_FILE_PATH = %q", dir),
	}, settings...)
	return djangotest.Start(t, settings...)
}

func TestBesideDjango(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings djangotest.Settings
		options  []file.Option
	}{
		"JSON": {},
		"pickle": {
			"SESSION_SERIALIZER = 'django.contrib.sessions.serializers.PickleSerializer'",
			[]file.Option{file.WithSerializer(session.Pickle)},
		},
		"legacy":     {"DEFAULT_HASHING_ALGORITHM = 'sha1'", []file.Option{file.WithLegacyFormat()}},
		"local time": {"USE_TZ = False\nTIME_ZONE = 'Europe/Prague'", nil},
		"an hour": {
			"SESSION_COOKIE_AGE = 3600\nSESSION_COOKIE_NAME = 'horizon'",
			[]file.Option{file.WithLifetime(time.Hour), file.WithCookieName("horizon")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e, err := file.Open(t.Context(), "file://"+dir, c.options...)
			if err != nil {
				t.Fatal(err)
			}
			djangotest.Interop(t, e.WithSecretKeys(djangotest.SecretKey), django(t, dir, c.settings))
			for _, left := range names(t, dir) {
				if len(left) != len("sessionid")+32 && len(left) != len("horizon")+32 {
					t.Errorf("left behind: a file whose name has %d bytes", len(left))
				}
			}
		})
	}
}

// What Django saves at any moment of a save from here is neither lost nor taken
// for ours, and what it deletes does not come back.
func TestAmidDjango(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir).WithSecretKeys(djangotest.SecretKey)
	d := django(t, dir)
	// Django deletes each session as soon as it has been told of it, a little
	// earlier or later.
	d.Exec(`
def end(key, wait):
    import os, threading, time
    path = os.path.join(settings.SESSION_FILE_PATH, 'sessionid' + key)
    def run():
        time.sleep(wait)
        os.unlink(path)
    threading.Thread(target=run).start()
`)
	trials := 300
	if testing.Short() {
		trials = 50
	}
	for i := range trials {
		r := create(t, e, map[string]any{"n": int64(0)})
		d.Eval(djangotest.Python(fmt.Sprintf("end(%q, %f)", r.Key, float64(i%30)/10_000)))
		for n := int64(1); ; n++ {
			r.Data = map[string]any{"n": n}
			if err := e.Save(t.Context(), r); err != nil {
				break
			}
		}
		if _, err := os.Lstat(pathOf(e, r.Key)); err == nil {
			t.Fatalf("trial %d: the session that Django ended is back", i)
		}
	}
}

// Whatever the data say of the expiry, a session expires when it was told to.
func TestExpiryOfMoments(t *testing.T) {
	t.Parallel()
	e := open(t, t.TempDir())
	at := time.Now().Add(30 * 24 * time.Hour).UTC().Truncate(time.Microsecond)
	for name, data := range map[string]map[string]any{
		"a moment":  {"_session_expiry": at.Format(time.RFC3339Nano)},
		"seconds":   {"_session_expiry": int64(60)},
		"a number":  {"_session_expiry": int64(0)},
		"nothing":   {},
		"no moment": {"_session_expiry": "soon"},
	} {
		for _, expires := range []time.Time{at, at.Add(-time.Hour), at.Add(time.Hour), time.Now().Add(time.Minute)} {
			r := &cloakroom.Record{Data: data, Expires: expires}
			if err := e.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			got, err := e.Load(t.Context(), r.Key)
			if err != nil || got.Expires.Sub(expires).Abs() > time.Millisecond {
				t.Errorf("%s: %v, expires %v, want %v", name, err, got, expires)
			}
		}
	}
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
