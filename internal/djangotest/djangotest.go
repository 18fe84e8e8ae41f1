// Package djangotest runs a real Django beside a test: it keeps sessions in any
// of Django's engines, and does with them what it is told.
package djangotest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// SecretKey is the site's SECRET_KEY unless its settings have another.
const SecretKey = "a secret key of the tests, known to Django and to Go"

// Settings are lines of Django's settings file.
type Settings = string

// Python is an expression that Django evaluates, for values that Go has no type
// for. It knows the modules collections, datetime, decimal and uuid, gettext_lazy,
// and a class Token(user, project) like Horizon's.
type Python string

// Django is one process of a Django site with sessions. It belongs to the test's
// goroutine; whatever it cannot do ends the test.
type Django struct {
	t       testing.TB
	process *process
}

// Start starts Django with those settings. Sessions are serialized as JSON
// unless they say otherwise, and no database is set up: see [Django.Migrate].
func Start(t testing.TB, settings ...Settings) *Django {
	t.Helper()
	settings = append([]Settings{fmt.Sprintf("SECRET_KEY = %q", SecretKey)}, settings...)
	chosen, err := pyjson.Marshal(strings.Join(settings, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProcess()
	if err != nil {
		t.Fatalf("this test needs Django; install it with `apt-get install python3-django`: %v", err)
	}
	t.Cleanup(func() {
		if err := p.end(); err != nil {
			t.Errorf("Django: %v", err)
		}
	})
	if _, err := p.conversation.Write(append(chosen, '\n')); err != nil {
		t.Fatalf("Django: %v", err)
	}
	return &Django{t, p}
}

// In returns the same process on behalf of another test, such as a subtest, which
// may run in parallel.
func (d *Django) In(t testing.TB) *Django { return &Django{t, d.process} }

// Migrate makes Django's tables.
func (d *Django) Migrate() {
	d.t.Helper()
	d.must("migrate")
}

// Create stores a new session and returns its key.
func (d *Django) Create(data map[string]any) (key string) {
	d.t.Helper()
	return d.must("create", tagAll(data)).(string)
}

// Load returns what Django finds under key, and whether it finds a session. A
// value that JSON lacks comes as the text of Python's repr.
func (d *Django) Load(key string) (data map[string]any, ok bool) {
	d.t.Helper()
	found, ok := d.ask("load", key)
	if !ok {
		return nil, false
	}
	return found.(map[string]any), true
}

// Set changes one value of a session and returns the session's key, which
// changes where the key is the session itself.
func (d *Django) Set(key, name string, value any) (newKey string) {
	d.t.Helper()
	return d.must("set", key, name, tag(value)).(string)
}

// Delete removes one value of a session and returns the session's key.
func (d *Django) Delete(key, name string) (newKey string) {
	d.t.Helper()
	return d.must("delete", key, name).(string)
}

// SetExpiry calls Django's set_expiry with seconds, 0 for the browser's close,
// or a datetime in [Python], and returns the session's key.
func (d *Django) SetExpiry(key string, value any) (newKey string) {
	d.t.Helper()
	return d.must("set_expiry", key, tag(value)).(string)
}

// Expires is when the session expires. In the database and in files it is what
// is stored; elsewhere what get_expiry_date makes of the session's data.
func (d *Django) Expires(key string) time.Time {
	d.t.Helper()
	return time.UnixMicro(int64(d.must("expires", key).(float64) * 1e6))
}

// AtBrowserClose reports whether the session's cookie ends with the browser.
func (d *Django) AtBrowserClose(key string) bool {
	d.t.Helper()
	return d.must("at_browser_close", key).(bool)
}

// CycleKey gives the session another key, as Django does at login.
func (d *Django) CycleKey(key string) (newKey string) {
	d.t.Helper()
	return d.must("cycle_key", key).(string)
}

// Flush ends the session, as Django does at logout.
func (d *Django) Flush(key string) {
	d.t.Helper()
	d.must("flush", key)
}

// Difference compares what Django finds under key with what it should: names,
// values, types, and what is one object in two places. It is empty when nothing
// differs.
func (d *Django) Difference(key string, want map[string]any) string {
	d.t.Helper()
	difference, ok := d.ask("difference", key, tagAll(want))
	if !ok {
		return "Django finds no session"
	}
	return difference.(string)
}

// Eval evaluates an expression. What it gives has to be JSON.
func (d *Django) Eval(expression Python) any {
	d.t.Helper()
	return d.must("python", string(expression))
}

// Exec runs statements, whose names are there for every [Python] that follows.
func (d *Django) Exec(code string) {
	d.t.Helper()
	d.must("run", code)
}

// tag tells a Python expression from a value.
func tag(value any) any {
	if expression, ok := value.(Python); ok {
		return []any{"python", string(expression)}
	}
	return []any{"json", value}
}

func tagAll(values map[string]any) map[string]any {
	tagged := make(map[string]any, len(values))
	for name, value := range values {
		tagged[name] = tag(value)
	}
	return tagged
}

func (d *Django) must(question ...any) any {
	d.t.Helper()
	answer, ok := d.ask(question...)
	if !ok {
		d.t.Fatalf("Django, asked to %s: it finds no session", question[0])
	}
	return answer
}

// ask has Django do something. It is not ok when there is no such session.
func (d *Django) ask(question ...any) (answer any, ok bool) {
	d.t.Helper()
	answer, failure := d.try(question...)
	if failure != "" && failure != "gone" {
		d.t.Fatalf("Django, asked to %s: %s", question[0], failure)
	}
	return answer, failure == ""
}

func (d *Django) try(question ...any) (answer any, failure string) {
	d.t.Helper()
	line, err := pyjson.Marshal(question)
	if err != nil {
		d.t.Fatal(err)
	}
	line, err = d.process.ask(append(line, '\n'))
	if err != nil {
		d.t.Fatalf("Django, asked to %s: %v (it says why above; scripts/install-packages installs what it needs)", question[0], err)
	}
	session, err := pyjson.Unmarshal([]byte(`{"answer": ` + string(line) + `}`))
	if err != nil {
		d.t.Fatal(err)
	}
	both := cloakroom.Plain(session["answer"]).([]any)
	failure, _ = both[1].(string)
	return both[0], failure
}
