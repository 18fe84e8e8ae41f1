package secretkey_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom-go/cloakroom/django/secretkey"
)

func TestFirstStartMakesOneKeyForAll(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret_key")
	keys := make([]string, 16)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = secretkey.FromFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		if len(key) < 50 || key != keys[0] {
			t.Fatalf("keys of %d and %d characters, want the same of 50 at least", len(key), len(keys[0]))
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode %#o", mode)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestKeyIsReadAsItStands(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret_key")
	if err := os.WriteFile(path, []byte("a key of Horizon's\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := secretkey.FromFile(path); key != "a key of Horizon's" || err != nil {
		t.Errorf("got %q, %v", key, err)
	}
}

func TestUnusableFileSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, test := range map[string]struct {
		content string
		mode    os.FileMode
		mend    string
	}{
		"readable by others": {"secret", 0o644, "chmod 600"},
		"empty":              {"\n", 0o600, "remove it"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(test.content), test.mode); err != nil {
			t.Fatal(err)
		}
		_, err := secretkey.FromFile(path)
		if err == nil || !strings.Contains(err.Error(), test.mend) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret\n") {
			t.Errorf("%s: the key is in the error", name)
		}
	}
	if _, err := secretkey.FromFile(filepath.Join(dir, "no", "folder")); err == nil {
		t.Error("no folder, no error")
	}
}
