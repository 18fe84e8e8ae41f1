package djangotest

import (
	"path/filepath"
	"testing"

	"github.com/cloakroom-go/cloakroom/engine/db"
)

func TestInterop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.sqlite3")
	d := Start(t, `DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "`+path+`"}}`)
	d.Migrate()
	e, err := db.Open(t.Context(), "sqlite:///"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	Interop(t, e, d)
}
