package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// command runs the command line until it ends or, if it serves, until it says so.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return commandWith(t, "", args...)
}

// commandWith gives it something on standard input.
func commandWith(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	files := []*os.File{scratch(t, stdin), scratch(t, ""), scratch(t, "")}
	if len(args) > 0 && args[0] == "serve" {
		go stopWhenServing(ctx, stop, files[1].Name())
	}
	code = run(ctx, args, files[0], files[1], files[2])
	texts := make([]string, 2)
	for i, file := range files[1:] {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	return code, texts[0], texts[1]
}

func stopWhenServing(ctx context.Context, stop func(), stdout string) {
	for ctx.Err() == nil {
		if info, err := os.Stat(stdout); err == nil && info.Size() > 0 {
			stop()
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A script that keeps what a command prints is told when that was lost.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	folder := t.TempDir()
	file, server := filepath.Join(folder, "settings.py"), filepath.Join(folder, "server.py")
	const settings = `SECRET_KEY = %q
SESSION_ENGINE = 'django.contrib.sessions.backends.db'
DATABASES = {'default': {'ENGINE': 'django.db.backends.%s', 'NAME': %q, 'USER': 'dash'}}
`
	write(t, file, fmt.Sprintf(settings, secret, "sqlite3", filepath.Join(folder, "site.sqlite3")))
	write(t, server, fmt.Sprintf(settings, secret, "mysql", "dash"))
	done := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := command(t, append(args, "--settings", file)...)
		if code != exitDone {
			t.Fatalf("%q: exit code %d\n%s", args, code, stderr)
		}
		return strings.TrimSpace(stdout)
	}
	done("migrate")
	done("createdb")
	key := done("create", "n=1")
	for _, c := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{"check", "--settings", file}},
		{"", []string{"settings", "--settings", file}},
		{"", []string{"createdb", "--settings", file}},
		{"", []string{"createdb", "--print", "--settings", server}},
		{"", []string{"migrate", "--settings", file}},
		{"", []string{"clearsessions", "--settings", file}},
		{"", []string{"copy", "--settings", file, "--to", "file://" + folder}},
		{"", []string{"list", "--settings", file}},
		{"", []string{"list", "--user", "nobody", "--settings", file}},
		{"", []string{"show", key, "--settings", file}},
		{"", []string{"set", key, "n=2", "--settings", file}},
		{"", []string{"create", "n=1", "--settings", file}},
		{"", []string{"revoke", key, "--settings", file}},
		{"{}", []string{"encode", "--settings", file}},
		{"", []string{"serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(folder, "data")}},
	} {
		stdin, stderr := scratch(t, c.stdin), scratch(t, "")
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		code := run(ctx, c.args, stdin, full, stderr)
		stop()
		said, err := os.ReadFile(stderr.Name())
		if err != nil {
			t.Fatal(err)
		}
		if last := strings.TrimSpace(string(said)); code != exitFailed || !strings.HasSuffix(last, "no space left on device") {
			t.Errorf("%q: exit code %d\n%s", c.args, code, said)
		}
	}
}

// scratch is a file with some text, open at its beginning.
func scratch(t *testing.T, text string) *os.File {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	return file
}
