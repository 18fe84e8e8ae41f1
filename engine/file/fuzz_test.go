package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// FuzzFileName has a folder hold a file of any name, beside a session: neither
// is it taken for one, unless it is one, nor is anything else harmed by it.
func FuzzFileName(f *testing.F) {
	key := strings.Repeat("k", 32)
	for _, name := range []string{
		"sessionid", "sessionid" + key, "sessionid" + key + "_out_", "sessionid" + key + "_out_x1y2",
		"sessionid" + key + "x", "sessionid" + strings.ToUpper(key), "sessionidsessionid" + key, key,
		"_out_", "sessionid_out_" + key, "sessionid" + key + "_out_a_out_b", "..", "a\nb", "\xff\xfe", "sessionid../" + key,
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		e := open(t, t.TempDir())
		live := create(t, e, map[string]any{"n": int64(1)})
		content, err := os.ReadFile(pathOf(e, live.Key))
		if err != nil {
			t.Fatal(err)
		}
		path := location(e) + "/" + name
		if filepath.Dir(path) != location(e) || filepath.Base(path) != name || os.WriteFile(path, content, 0o600) != nil {
			return // no file can be called that
		}
		old := time.Now().Add(-30 * 24 * time.Hour)
		age := func() {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		key, named := strings.CutPrefix(name, "sessionid")
		isSession := named && cloakroom.ValidKey(key)

		var got []string
		for r, err := range e.List(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Key)
		}
		if want := map[bool]int{false: 1, true: 2}[isSession]; len(got) != want {
			t.Errorf("List yields %d, want %d", len(got), want)
		}
		if _, err := e.Load(t.Context(), key); (err == nil) != isSession {
			t.Errorf("Load: %v", err)
		}
		_ = e.Delete(t.Context(), name) // no key, so nothing happens
		age()
		n, err := e.ClearExpired(t.Context(), 10)
		if err != nil || (n == 1) != isSession {
			t.Errorf("ClearExpired: %d, %v", n, err)
		}
		_, err = os.Lstat(path)
		key, rest, out := strings.Cut(key, "_out_")
		if gone, want := err != nil, isSession || named && out && cloakroom.ValidKey(key); gone != want {
			t.Errorf("it is gone: %v, want %v (%q)", gone, want, rest)
		}
		if _, err := e.Load(t.Context(), live.Key); err != nil {
			t.Errorf("the session beside it: %v", err)
		}
	})
}
