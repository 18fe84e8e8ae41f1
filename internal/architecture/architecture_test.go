// Package architecture holds the house to its plan: which room may import which.
package architecture

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/cloakroom-go/cloakroom"

// allowed says what each room may import of the others; a room stands for what
// is below it too. A room that is not listed may import all.
var allowed = map[string][]string{
	"":                    {},
	"django":              {"", "django"},
	"django/signing":      {},
	"django/secretkey":    {},
	"engine/cache":        {""},
	"engine/db":           {"", "django"},
	"cache":               {"", "engine/cache"},
	"enginetest":          {""},
	"dashboard":           {"", "django/auth", "dashboard"},
	"dashboard/accounts":  {"", "dashboard", "django"},
	"dashboard/history":   {"", "dashboard"},
	"internal":            {},
	"internal/djangotest": {"", "django"},
	"examples":            nil,
	"cmd":                 nil,
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"/...")
	list.Stderr = &strings.Builder{}
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, list.Stderr)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		packages := strings.Fields(line)
		from := room(packages[0])
		may, restricted := rule(from)
		for _, imported := range packages[1:] {
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				continue
			}
			seen++
			if restricted && !within(room(imported), may) {
				t.Errorf("%q imports %q; it may import %q only", from, room(imported), may)
			}
		}
	}
	if seen == 0 {
		t.Fatal("no imports seen: the test looks in the wrong place")
	}
}

func room(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

// rule is that of the nearest room around.
func rule(room string) (may []string, restricted bool) {
	for around := room; ; {
		if may, ok := allowed[around]; ok && (around != "" || room == "") {
			return may, may != nil
		}
		i := strings.LastIndex(around, "/")
		if i < 0 {
			return nil, false
		}
		around = around[:i]
	}
}

func within(room string, rooms []string) bool {
	for _, r := range rooms {
		if room == r || r != "" && strings.HasPrefix(room, r+"/") {
			return true
		}
	}
	return false
}
