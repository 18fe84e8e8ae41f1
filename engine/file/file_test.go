package file_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/enginetest"
)

const secret = "a secret key of this test"

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, enginetest.Config{
		Open:   func(t testing.TB) cloakroom.Engine { return open(t, t.TempDir()) },
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine { return open(t, location(e)) },
		// The disk is gone: as when it was unmounted.
		Break: func(t testing.TB, e cloakroom.Engine) func() {
			away := location(e) + ".away"
			rename(t, location(e), away)
			return func() { rename(t, away, location(e)) }
		},
		Corrupt: func(t testing.TB, e cloakroom.Engine, key string) {
			if err := os.Truncate(pathOf(e, key), 20); err != nil {
				t.Fatal(err)
			}
		},
		Waived: map[string]string{
			"RoundTripTimesAndBytes": "JSON, which Django signs here, has neither: they come back as text",
		},
	})
}

// open opens a folder with the test's secret key.
func open(t testing.TB, dir string, options ...file.Option) *file.Engine {
	t.Helper()
	e, err := file.Open(t.Context(), (&url.URL{Scheme: "file", Path: dir}).String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	return e.WithSecretKeys(secret).(*file.Engine)
}

func location(e cloakroom.Engine) string { return e.(*file.Engine).Describe().Location }

func pathOf(e cloakroom.Engine, key string) string {
	return filepath.Join(location(e), "sessionid"+key)
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, e cloakroom.Engine, data map[string]any) *cloakroom.Record {
	t.Helper()
	r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
	if err := e.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}
