package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// What differs from run to run stands in the golden files by its name, or as some
// number.
var changing = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`"20\d\d-\d\d-\d\dT[\d:.]+Z"`), `"TIME"`},
	{regexp.MustCompile(`"[a-z0-9]{32}"`), `"KEY"`},
	{regexp.MustCompile(`"[\w.-]+:[A-Za-z0-9]{6}:[\w-]{43}"`), `"SIGNED"`},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), `127.0.0.1:PORT`},
	{regexp.MustCompile(` in \d[\d.]*[nµm]?s\b`), ` in DURATION`},
	{regexp.MustCompile(`"seconds": [\d.e-]+`), `"seconds": 0.25`},
	{regexp.MustCompile(`"one_time_password": "[^"]*"`), `"one_time_password": "PASSWORD"`},
}

// golden compares one JSON document with testdata/NAME.golden.
func golden(t *testing.T, name, folder, document string) {
	t.Helper()
	if !json.Valid([]byte(document)) {
		t.Errorf("%s: this is not one JSON document:\n%s", name, document)
	}
	document = strings.ReplaceAll(document, folder, "DIR")
	for _, c := range changing {
		document = c.pattern.ReplaceAllString(document, c.name)
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test -run TestJSON -update writes it", err)
	}
	if diff := cmp.Diff(string(want), document); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// horizonSession is what Horizon keeps of a user, as far as it is shown.
func horizonSession(id, name string) map[string]any {
	return map[string]any{
		auth.UserIDName: id, auth.BackendName: "openstack_auth.backend.KeystoneBackend", auth.HashName: "f00d",
		"token": map[string]any{
			"id": "gAAAAA", "user": map[string]any{"id": id, "name": name}, "user_domain_name": "Default",
		},
	}
}

// siteOn is a migrated SQLite file, and the flags that name it.
type siteOn struct {
	flags  []string
	engine cloakroom.Engine
}

func openSite(t *testing.T, folder string) siteOn {
	t.Helper()
	url := "sqlite:///" + filepath.Join(folder, "site.sqlite3")
	engine, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	if err := engine.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return siteOn{[]string{"--engine", url}, engine.WithSecretKeys(secret)}
}

const secret = "only for tests"

func (s siteOn) create(t *testing.T, data map[string]any) string {
	t.Helper()
	r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
	if err := s.engine.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r.Key
}

// done runs a command that succeeds, and returns what it prints.
func (s siteOn) done(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := command(t, append(args, s.flags...)...)
	if code != exitDone {
		t.Errorf("%q: exit code %d\n%s", args, code, stderr)
	}
	return stdout
}

// Every command's --json is one document, of the form that docs/command.md shows.
func TestJSON(t *testing.T) {
	t.Setenv(secretVariable, secret)
	folder := t.TempDir()
	s := openSite(t, folder)
	s.create(t, horizonSession("77", "ada"))
	s.create(t, map[string]any{"n": int64(1)})
	settings := filepath.Join(folder, "local_settings.py")
	write(t, settings, fmt.Sprintf("SECRET_KEY = %q\nSESSION_ENGINE = 'django.contrib.sessions.backends.file'\nSESSION_FILE_PATH = %q\nSESSION_COOKIE_AGE = 60\nSESSION_COOKIE_AGE = 3600\n", secret, folder))

	golden(t, "list", folder, s.done(t, "list", "--json"))
	key := strings.TrimSpace(s.done(t, "create", "n=1", `name="Žofie"`, `t={"$tuple": [1, 2]}`, `b={"$bytes": "aGk="}`))
	golden(t, "show", folder, s.done(t, "show", key, "--json"))
	golden(t, "create", folder, s.done(t, "create", "n=1", "--json"))
	golden(t, "set", folder, s.done(t, "set", key, "n=2", "--json"))
	golden(t, "revoke", folder, s.done(t, "revoke", key[:8], "--json"))
	golden(t, "revoke-user", folder, s.done(t, "revoke", "--user", "ada", "--json"))
	siteOn{engine: s.engine.(cloakroom.Signed).WithSecretKeys("another key")}.create(t, nil)
	golden(t, "copy", folder, s.done(t, "copy", "--to-settings", settings, "--json"))
	golden(t, "migrate", folder, s.done(t, "migrate", "--json"))
	golden(t, "clearsessions", folder, s.done(t, "clearsessions", "--json"))
	golden(t, "createdb", folder, s.done(t, "createdb", "--json"))
	golden(t, "revoke-all", folder, s.done(t, "revoke", "--all", "--yes", "--json"))
	golden(t, "list-empty", folder, s.done(t, "list", "--json"))

	_, stdout, _ := command(t, "createdb", "--print", "--json", "--engine", "mysql://horizon:pw@127.0.0.1/dash")
	golden(t, "createdb-print", folder, stdout)
	_, stdout, _ = command(t, "createdb", "--print", "--json", "--engine", "locmem:")
	golden(t, "createdb-print-nothing", folder, stdout)
	_, stdout, _ = command(t, "settings", "--json", "--settings", settings)
	golden(t, "settings", folder, stdout)
	golden(t, "settings-url", folder, s.done(t, "settings", "--json"))
	_, stdout, _ = command(t, "createdb", "--json", "--engine", "sqlite:///"+filepath.Join(folder, "new.sqlite3"))
	golden(t, "createdb-new", folder, stdout)
	_, stdout, _ = command(t, "migrate", "--json", "--engine", "locmem:")
	golden(t, "migrate-nothing", folder, stdout)
	_, stdout, _ = commandWith(t, `{"n": 1}`, "encode", "--json")
	golden(t, "encode", folder, stdout)
	_, stdout, _ = commandWith(t, `{"n": 1}`, "encode", "--format", "pickle", "--json")
	golden(t, "encode-pickle", folder, stdout)
	_, stdout, _ = commandWith(t, `{"t": {"$tuple": [1, "ž"]}}`, "encode", "--serializer", "pickle")
	_, stdout, stderr := commandWith(t, stdout, "decode", "--json")
	golden(t, "decode", folder, stdout)
	if !strings.HasPrefix(stderr, "cloakroom: signed ") {
		t.Errorf("decode does not show the age, but says %q", stderr)
	}
	_, stdout, _ = command(t, "serve", "--json", "--listen", "127.0.0.1:0", "--data", folder)
	golden(t, "serve", folder, stdout)
	_, stdout, _ = command(t, "passwd", "admin", "--json", "--data", folder)
	golden(t, "passwd", folder, stdout)
}

// Every command has a golden document, and docs/command.md tells of each field.
func TestJSONIsDocumented(t *testing.T) {
	t.Parallel()
	for name := range allCommands() {
		if name == "help" || name == "man" || strings.HasPrefix(name, "completion") {
			continue // these print no JSON
		}
		if _, err := os.Stat(filepath.Join("testdata", name+".golden")); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile("../../docs/command.md")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("testdata/*.golden")
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range fieldsOf(parsed(t, string(document))) {
			if file != "testdata/decode.golden" && !strings.Contains(string(text), "`"+field+"`") {
				t.Errorf("docs/command.md lacks `%s` of %s", field, file)
			}
		}
	}
}

// fieldsOf are the names in a document, but for those that a site gave.
func fieldsOf(document any) (names []string) {
	switch document := document.(type) {
	case []any:
		for _, item := range document {
			names = append(names, fieldsOf(item)...)
		}
	case map[string]any:
		for name, value := range document {
			names = append(names, name)
			if name != "data" && name != "value" && name != "skipped" {
				names = append(names, fieldsOf(value)...)
			}
		}
	}
	return names
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A failure leaves standard output to what could be a whole document.
func TestJSONOfAFailure(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"show", strings.Repeat("a", 32)}, {"list"}, {"settings"}, {"decode", "--format", "pickle"}, {"passwd", "nobody", "--data", "nowhere"},
	} {
		code, stdout, stderr := command(t, append(args, "--json")...)
		if code == exitDone || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
	s := openSite(t, t.TempDir())
	code, stdout, _ := command(t, append([]string{"show", strings.Repeat("a", 32), "--json"}, s.flags...)...)
	if code != exitFailed || stdout != "" {
		t.Errorf("show of what is not there: exit code %d, %q", code, stdout)
	}
}
