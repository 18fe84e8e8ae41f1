package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServeNeedsNothing(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "not", "there yet?#%")
	code, stdout, stderr := command(t, "serve", "--listen", "127.0.0.1:0", "--data", data)
	if code != exitDone || stderr != "" {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"http://127.0.0.1:", "db on SQLite", data, "kept across restarts", "as admin with the one-time password"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in\n%s", want, stdout)
		}
	}
	for _, name := range []string{"secret_key", "cloakroom.sqlite3"} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %#o", name, info.Mode().Perm())
		}
	}
	_, again, _ := command(t, "serve", "--listen", "127.0.0.1:0", "--data", data)
	if password(again) == "" || password(again) == password(stdout) {
		t.Error("until the one-time password is used, every start must print a new one")
	}
}

func password(stdout string) string {
	_, password, _ := strings.Cut(stdout, "one-time password ")
	return strings.TrimSpace(password)
}

// What is wrong is one line that says how to mend it.
func TestServeRefusesToStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	folder := func(file, content string, mode os.FileMode) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"port taken":         {[]string{"--listen", taken.Addr().String()}, exitFailed, "choose another address with --listen"},
		"unknown port":       {[]string{"--listen", "127.0.0.1:no-such-port"}, exitUsage, "127.0.0.1:8000"},
		"no port":            {[]string{"--listen", "localhost"}, exitUsage, "--listen localhost"},
		"unwritable folder":  {[]string{"--data", filepath.Join(folder("file", "", 0o600), "file", "below")}, exitFailed, "choose another with --data"},
		"key for all":        {[]string{"--data", folder("secret_key", "x", 0o644)}, exitFailed, "chmod 600"},
		"no database":        {[]string{"--data", folder("cloakroom.sqlite3", strings.Repeat("no database ", 100), 0o600)}, exitFailed, "no SQLite database"},
		"unknown flag":       {[]string{"--port", "1"}, exitUsage, "cloakroom serve --help"},
		"unknown argument":   {[]string{"now"}, exitUsage, "cloakroom serve --help"},
		"proxy is no prefix": {[]string{"--trusted-proxy", "proxy.example"}, exitUsage, "10.0.0.0/8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"serve"}, test.args...)
			if !strings.Contains(name, "port") {
				args = append(args, "--listen", "127.0.0.1:0")
			}
			if !strings.Contains(strings.Join(args, " "), "--data") {
				args = append(args, "--data", t.TempDir())
			}
			code, stdout, stderr := command(t, args...)
			if code != test.code || stdout != "" {
				t.Errorf("exit code %d, want %d; stdout %q", code, test.code, stdout)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "cloakroom: ") || !strings.Contains(stderr, test.want) {
				t.Errorf("want one line with %q, got:\n%s", test.want, stderr)
			}
		})
	}
}

func TestFlagsFromTheEnvironment(t *testing.T) {
	data := t.TempDir()
	t.Setenv("CLOAKROOM_LISTEN", "127.0.0.1:0")
	t.Setenv("CLOAKROOM_DATA", data)
	if code, stdout, stderr := command(t, "serve"); code != exitDone || !strings.Contains(stdout, data) {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	t.Setenv("CLOAKROOM_TRUSTED_PROXY", "nonsense")
	if code, _, stderr := command(t, "serve"); code != exitUsage {
		t.Errorf("exit code %d, want usage\n%s", code, stderr)
	}
}
