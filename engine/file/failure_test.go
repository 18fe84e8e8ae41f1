package file_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/internal/fault"
	"github.com/cloakroom-go/cloakroom/internal/nobody"
	"github.com/cloakroom-go/cloakroom/internal/processes"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]struct {
		kind error
		says string
	}{
		"":                                   {cloakroom.ErrConfig, "names no folder"},
		"/var/lib/sessions":                  {cloakroom.ErrConfig, "names no folder"},
		"file:relative":                      {cloakroom.ErrConfig, "names no folder"},
		"file://host/dir":                    {cloakroom.ErrConfig, "names no folder"},
		"file:///dir?x":                      {cloakroom.ErrConfig, "names no folder"},
		"sqlite:///dir":                      {cloakroom.ErrConfig, "names no folder"},
		"file://" + t.TempDir() + "/missing": {cloakroom.ErrUnavailable, "the folder is missing (create /"},
		"file://" + plain:                    {cloakroom.ErrUnavailable, "what should be a folder is none"},
	} {
		_, err := file.Open(t.Context(), address)
		if !errors.Is(err, want.kind) || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%q: got %v\nwant %q, and %q", address, err, want.says, want.kind)
		}
	}
	for name, option := range map[string]file.Option{
		"no cookie name": file.WithCookieName(""), "a path": file.WithCookieName("../x"), "no life": file.WithLifetime(0),
	} {
		if _, err := file.Open(t.Context(), "file:", option); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWithoutSecretKey(t *testing.T) {
	t.Parallel()
	signed := open(t, t.TempDir())
	r := create(t, signed, nil)
	e := signed.WithSecretKeys("").(*file.Engine)
	_, loading := e.Load(t.Context(), r.Key)
	_, clearing := e.ClearExpired(t.Context(), 1)
	for name, err := range map[string]error{
		"Load": loading, "Save": e.Save(t.Context(), r), "Create": e.Create(t.Context(), r),
		"Touch": e.Touch(t.Context(), r.Key, r.Expires), "ClearExpired": clearing,
	} {
		if !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := e.Delete(t.Context(), r.Key); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func TestMode(t *testing.T) {
	t.Parallel()
	e := open(t, t.TempDir())
	r := create(t, e, nil)
	for _, op := range []string{"Create", "Save"} {
		if info, err := os.Stat(pathOf(e, r.Key)); err != nil || info.Mode() != 0o600 {
			t.Errorf("after %s: %v, %v", op, info.Mode(), err)
		}
		if err := e.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever bears a session's name, only plain files are read, and nothing
// outside of the folder is.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	outside := open(t, t.TempDir())
	live := create(t, outside, map[string]any{"whose": "another's"})
	for name, place := range map[string]func(path string) error{
		"a link out":      func(path string) error { return os.Symlink(pathOf(outside, live.Key), path) },
		"a link to no":    func(path string) error { return os.Symlink("nowhere", path) },
		"a link to it":    func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"a folder":        func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":          func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"an empty file":   func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"a huge hole":     func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<40)) },
		"another's bytes": func(path string) error { return os.WriteFile(path, []byte("\xff\x00:::"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, t.TempDir())
			key := cloakroom.NewKey()
			if err := place(pathOf(e, key)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // to read the hole takes an hour
			defer cancel()
			if _, err := e.Load(ctx, key); !errors.Is(err, cloakroom.ErrNotFound) {
				t.Errorf("Load: %v", err)
			}
			r := &cloakroom.Record{Key: key, Expires: time.Now().Add(time.Hour)}
			if err := e.Save(ctx, r); !errors.Is(err, cloakroom.ErrGone) {
				t.Errorf("Save: %v", err)
			}
			if err := e.Touch(ctx, key, r.Expires); !errors.Is(err, cloakroom.ErrGone) {
				t.Errorf("Touch: %v", err)
			}
			for range e.List(ctx) {
				t.Error("List yields it, or an error")
			}
			if st, err := e.Stats(ctx); err != nil || st.Live != 0 {
				t.Errorf("Stats: %+v, %v", st, err)
			}
			if _, err := e.ClearExpired(ctx, 10); err != nil {
				t.Errorf("ClearExpired: %v", err)
			}
			if err := e.Delete(ctx, key); err != nil {
				t.Errorf("Delete: %v", err)
			}
			if _, err := outside.Load(ctx, live.Key); err != nil {
				t.Errorf("what is outside: %v", err)
			}
		})
	}
}

// What cannot be read is removed once it is as old as a session may get.
func TestClearUnreadable(t *testing.T) {
	t.Parallel()
	e := open(t, t.TempDir())
	for _, content := range []string{"", "unreadable"} {
		if err := os.WriteFile(pathOf(e, cloakroom.NewKey()), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := e.ClearExpired(t.Context(), 10); n != 0 || err != nil {
		t.Errorf("new: %d, %v", n, err)
	}
	old := time.Now().Add(-15 * 24 * time.Hour)
	for _, name := range names(t, location(e)) {
		if err := os.Chtimes(filepath.Join(location(e), name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := e.ClearExpired(t.Context(), 10); n != 2 || err != nil {
		t.Errorf("old: %d, %v", n, err)
	}
}

// A lock that nobody gives back makes a save wait no longer than it is asked
// to, and a load not at all.
func TestHeldLock(t *testing.T) {
	t.Parallel()
	e := open(t, t.TempDir())
	r := create(t, e, map[string]any{"n": int64(1)})
	dir, err := os.Open(location(e))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := e.Load(ctx, r.Key); err != nil {
		t.Errorf("Load: %v", err)
	}
	if err := e.Save(ctx, r); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Save: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v to give up after 300 ms", took)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Save(t.Context(), r); err != nil {
		t.Errorf("Save afterwards: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := fault.NewDisk(t, t.TempDir(), "200").Dir
	e := open(t, dir)
	r := create(t, e, map[string]any{"n": int64(1)})
	full := &cloakroom.Record{Key: r.Key, Version: r.Version, Expires: r.Expires}
	full.Data = map[string]any{"large": incompressible(300_000)}
	for name, err := range map[string]error{"Create": e.Create(t.Context(), full), "Save": e.Save(t.Context(), full)} {
		if !errors.Is(err, cloakroom.ErrUnavailable) || cloakroom.Reason(err) != "the disk is full" {
			t.Errorf("%s on a full disk: %v", name, err)
		}
	}
	if got, err := e.Load(t.Context(), r.Key); err != nil || got.Data["n"] != int64(1) {
		t.Errorf("Load after a save on a full disk: %v", err)
	}
	if left := names(t, dir); len(left) != 1 {
		t.Errorf("%d files are there, want 1", len(left))
	}
}

func TestWithoutRights(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "file")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := open(t, dir)
	r := create(t, e, nil)
	for _, c := range []struct {
		what         string
		folder, file os.FileMode
		key          string
		works        bool
	}{
		{"a folder that cannot be entered", 0o700, 0o600, "", false},
		{"a folder that cannot be written", 0o755, 0o644, "", false},
		{"a file that cannot be read", 0o777, 0o600, r.Key, false},
		{"a folder and a file that can", 0o777, 0o644, r.Key, true},
	} {
		if err := errors.Join(os.Chmod(dir, c.folder), os.Chmod(pathOf(e, r.Key), c.file)); err != nil {
			t.Fatal(err)
		}
		says := nobody.Output(t, processes.Command(t, "use", dir, c.key))
		if refused := strings.Contains(says, "this user may not do that in the folder (let it"); refused == c.works ||
			strings.Contains(says, r.Key) || strings.Count(says, "\n") > 1 {
			t.Errorf("%s: %q", c.what, says)
		}
	}
}

func incompressible(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(cloakroom.NewKey())
	}
	return b.String()
}
