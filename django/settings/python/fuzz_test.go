package python

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzExec: whatever a file holds, reading it ends soon, and nothing panics.
func FuzzExec(f *testing.F) {
	for _, pattern := range []string{"*/*.py", "*/*/*.py"} {
		files, err := filepath.Glob(filepath.Join("..", "testdata", pattern))
		if err != nil || files == nil {
			f.Fatalf("%s: nothing there (%v)", pattern, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(source))
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		slow := time.AfterFunc(20*time.Second, func() { panic("it does not end") })
		defer slow.Stop()
		names := New(Host{})
		_ = names.bounded(filepath.Join(t.TempDir(), "settings.py"), source)
		for name := range names.Names() {
			names.Lookup(name)
		}
	})
}
