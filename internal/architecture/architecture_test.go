// Package architecture holds the house to its plan: which room may import which.
package architecture

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/cloakroom-go/cloakroom"

// allowed says what each room may import of the others; a room stands for what
// is below it too, and the root for itself.
var allowed = map[string][]string{
	".":                   {},
	"django":              {".", "django"},
	"django/signing":      {},
	"django/secretkey":    {},
	"django/settings":     {".", "django"},
	"django/horizon":      {".", "django", "internal/circuit"},
	"engine/cache":        {"."},
	"engine/cacheddb":     {".", "engine/cache", "django/pickle"},
	"engine/cookie":       {".", "django"},
	"engine/db":           {".", "django"},
	"engine/file":         {".", "django"},
	"engine/guarded":      {".", "internal/circuit"},
	"engine/moving":       {"."},
	"cache":               {".", "engine/cache", "django"},
	"clearing":            {"."},
	"roster":              {"."},
	"site":                {".", "engine", "cache", "django"},
	"check":               {".", "engine", "cache", "django", "site", "internal/human"},
	"enginetest":          {".", "internal/history"},
	"dashboard":           {".", "dashboard", "django/auth", "django/identity", "internal/fields", "internal/human", "roster"},
	"observe":             {".", "engine/guarded"},
	"dashboard/accounts":  {".", "dashboard", "django"},
	"dashboard/history":   {".", "dashboard"},
	"internal":            {},
	"internal/djangotest": {".", "django"},
	"internal/fault":      {"."},
	"internal/fields":     {".", "internal/human"},
	"internal/history":    {"."},
	"internal/movingtest": {".", "django", "engine/moving", "internal/djangotest"},
	"internal/processes":  {"."},
}

// free are the rooms that put the others together.
var free = []string{"bench", "cmd", "examples"}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	seen := 0
	tree := os.DirFS("../..")
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || len(file) > 1 && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || within(file, free):
			return nil
		}
		room := path.Dir(file)
		may, known := rule(room)
		if !known {
			t.Errorf("%s: no rule says what it may import", room)
		}
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range source.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				continue
			}
			seen++
			if imported = path.Clean("." + strings.TrimPrefix(imported, module)); !within(imported, may) {
				t.Errorf("%s imports %q; it may import %q only", file, imported, may)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Fatal("no imports seen: the test looks in the wrong place")
	}
}

// rule is that of the nearest room around.
func rule(room string) (may []string, known bool) {
	for around := room; ; around = path.Dir(around) {
		if may, known := allowed[around]; known || around == "." {
			return may, known && (around != "." || room == ".")
		}
	}
}

func within(place string, rooms []string) bool {
	for _, room := range rooms {
		if place == room || strings.HasPrefix(place, room+"/") {
			return true
		}
	}
	return false
}
