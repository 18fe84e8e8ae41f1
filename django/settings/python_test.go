package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom/django/settings/python"
)

// sites are the settings files of testdata, each with Horizon's snippets to it.
func sites(t *testing.T) (all [][]string) {
	t.Helper()
	for _, pattern := range []string{"documented/*.py", "debian/local_settings.py", "sites/*.py", "sites/horizon/local_settings.py", "sites/package/production.py"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || files == nil {
			t.Fatalf("%s: nothing there (%v)", pattern, err)
		}
		for _, file := range files {
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			site := []string{file}
			more, err := snippets(filepath.Join(filepath.Dir(file), "local_settings.d"))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, append(site, more...))
		}
	}
	return all
}

// TestPythonAgrees executes all of testdata with Python itself. What is known here
// must be what Python has; what is unknown must be so for a reason, which the file
// states in its first line.
func TestPythonAgrees(t *testing.T) {
	t.Parallel()
	environ := append(os.Environ(), "CLOAKROOM_TEST_KEY=a key from the environment", "CLOAKROOM_TEST_PORT=5433")
	if err := os.Chmod("testdata/sites/horizon/.secret_key_store", 0o600); err != nil {
		t.Fatal(err) // git keeps no such mode
	}
	all := sites(t)
	all = slices.DeleteFunc(all, func(site []string) bool { return strings.Contains(site[0], "debian") }) // its key is in /var/lib
	question, _ := json.Marshal(all)
	cmd := exec.Command("/usr/bin/python3", "-B", filepath.Join("testdata", "reference.py"))
	cmd.Env = environ
	cmd.Stdin = bytes.NewReader(question)
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test needs Python: %v\n%s", err, answer)
	}
	var answers []map[string]any
	if err := json.Unmarshal(answer, &answers); err != nil {
		t.Fatalf("%v: %.200s", err, answer)
	}
	for i, site := range all {
		t.Run(filepath.Base(filepath.Dir(site[0]))+"/"+filepath.Base(site[0]), func(t *testing.T) {
			names := python.New(python.Host{Environ: environ, Modules: modules()})
			if err := names.Exec(site[0]); err != nil {
				t.Fatal(err)
			}
			if len(site) > 1 {
				sibling := names.Sibling()
				sibling.Import(names)
				names = sibling
				for _, snippet := range site[1:] {
					if err := names.Exec(snippet); err != nil {
						t.Fatal(err)
					}
				}
			}
			agree(t, site[0], names, answers[i])
		})
	}
}

func agree(t *testing.T, file string, names *python.Namespace, want map[string]any) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(source), "\n")
	stated, _ := strings.CutPrefix(first, "# unknown:")
	if stated == first {
		stated = ""
	}
	unknown := strings.Fields(stated)
	for name, value := range want {
		b := names.Lookup(name)
		if b == nil {
			t.Errorf("%s: not set; Python has %v", name, value)
			continue
		}
		if cmp.Equal(value, map[string]any{"other": "_Environ"}) {
			continue
		}
		holes := 0
		if diff := cmp.Diff(value, fill(tagged(b.Value), value, &holes)); diff != "" {
			t.Errorf("%s (-Python +Go):\n%s", name, diff)
		}
		if ours := slices.Contains(ourNames, name); ours && holes > 0 != slices.Contains(unknown, name) {
			t.Errorf("%s: %d unknown values in it: %v", name, holes, b.Value)
		}
	}
	for name := range names.Names() {
		if _, ok := want[name]; !ok && python.WhyUnknown(names.Lookup(name).Value) == nil {
			t.Errorf("%s: set to %v; Python does not", name, tagged(names.Lookup(name).Value))
		}
	}
}

// ourNames are the settings of ours.
var ourNames = func() (all []string) {
	for _, item := range (&Settings{IsHorizon: true}).Items() {
		all = append(all, item.Name)
	}
	return all
}()

type hole struct{}

// fill replaces what is unknown by what is wanted there.
func fill(got, want any, holes *int) any {
	switch got := got.(type) {
	case hole:
		*holes++
		return want
	case map[string]any:
		w, _ := want.(map[string]any)
		for tag, items := range got {
			got[tag] = fill(items, w[tag], holes)
		}
	case []any:
		w, _ := want.([]any)
		for len(got) > len(w) && isHoleItem(got[len(got)-1]) { // may be there, or not
			*holes++
			got = got[:len(got)-1]
		}
		for i := range got {
			if i < len(w) {
				got[i] = fill(got[i], w[i], holes)
			}
		}
		return got
	}
	return got
}

// isHoleItem tells an item of a dictionary whose value is unknown.
func isHoleItem(v any) bool {
	item, ok := v.([]any)
	return ok && len(item) == 2 && item[1] == hole{}
}

// tagged is v in the form of reference.py.
func tagged(v python.Value) any {
	if python.WhyUnknown(v) != nil {
		return hole{}
	}
	list := func(items []python.Value) []any {
		all := []any{}
		for _, item := range items {
			all = append(all, tagged(item))
		}
		return all
	}
	switch v := v.(type) {
	case python.None:
		return nil
	case python.Bool:
		return bool(v)
	case python.Str:
		return string(v)
	case python.Int:
		return map[string]any{"int": strconv.FormatInt(int64(v), 10)}
	case python.Float:
		return map[string]any{"float": pythonFloat(float64(v))}
	case python.Bytes:
		return map[string]any{"bytes": latin1(string(v))}
	case python.Path:
		return map[string]any{"Path": string(v)}
	case python.Delta:
		return map[string]any{"timedelta": strconv.FormatInt(int64(v), 10)}
	case python.Tuple:
		return map[string]any{"tuple": list(v)}
	case *python.List:
		return map[string]any{"list": list(v.Items)}
	case *python.Set:
		items, _ := python.Sequence(v)
		all := list(items)
		slices.SortFunc(all, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return map[string]any{"set": all}
	case *python.Dict:
		all := []any{}
		for _, item := range v.Items() {
			all = append(all, []any{tagged(item.Key), tagged(item.Value)})
		}
		return map[string]any{"dict": all}
	}
	return hole{}
}

// pythonFloat is repr of a float, the other way round: what Python reads.
func pythonFloat(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if f != 0 && (f >= 1e16 || f < 1e-4 && f > -1e-4 || f <= -1e16) {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// latin1 is the text of which each character is one of the bytes.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}
