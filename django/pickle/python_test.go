package pickle_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// python runs Python's side of a test.
func python(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", append([]string{"testdata/python.py"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	return out
}

// pairs are pickles that Python has to find equal, object for object.
type pairs struct {
	lines bytes.Buffer
	count int
}

func (p *pairs) add(t *testing.T, name string, before, after []byte) {
	t.Helper()
	line, err := json.Marshal(map[string]any{"name": name, "before": before, "after": after})
	if err != nil {
		t.Fatal(err)
	}
	p.lines.Write(append(line, '\n'))
	p.count++
}

// rewrite adds before, read and written again in each of the protocols.
func (p *pairs) rewrite(t *testing.T, name string, before []byte, protocols ...int) {
	t.Helper()
	session, err := pickle.Unmarshal(before)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, protocol := range protocols {
		after, err := pickle.Marshal(session, protocol)
		if err != nil {
			t.Errorf("%s in protocol %d: %v", name, protocol, err)
			continue
		}
		p.add(t, fmt.Sprintf("%s in protocol %d", name, protocol), before, after)
	}
}

func (p *pairs) check(t *testing.T) {
	t.Helper()
	if out := python(t, p.lines.Bytes(), "same"); len(out) > 0 {
		t.Errorf("Python finds that of %d\n%.5000s", p.count, out)
	}
}

// Whatever Python writes comes back equal, object for object, in its protocol
// and in all others.
func TestPythonReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	count := 1000
	if testing.Short() {
		count = 100
	}
	var p pairs
	lines := bufio.NewScanner(bytes.NewReader(python(t, nil, "write", "1", strconv.Itoa(count))))
	lines.Buffer(nil, 1<<24)
	for i := 0; lines.Scan(); i++ {
		var written struct {
			Protocol int
			Pickle   []byte
		}
		if err := json.Unmarshal(lines.Bytes(), &written); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("session %d of protocol %d", i, written.Protocol)
		if _, protocol, err := pickle.UnmarshalProtocol(written.Pickle); err == nil && protocol != written.Protocol {
			t.Errorf("%s is taken for protocol %d", name, protocol)
		}
		p.rewrite(t, name, written.Pickle, written.Protocol, 2+i%4)
	}
	p.check(t)
}

// Where nothing can be shared, Go writes byte for byte what Python does.
func TestMarshalWritesWhatPythonDoes(t *testing.T) {
	t.Parallel()
	long := make([]any, 2001)
	for i := range long {
		long[i] = int64(i*i*i - 70_000)
	}
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for name, session := range map[string]map[string]any{
		"empty":   {},
		"one":     {"a": nil},
		"scalars": {"false": false, "float": 0.1, "huge": huge, "int": int64(1) << 40, "none": nil, "str": "žluťoučký 😀\\\n", "true": true},
		"nested":  {"dict": map[string]any{"x": []any{int64(1)}, "y": []any{}}, "list": []any{map[string]any{}, "z", int64(-129)}},
		"long":    {"list": long, "str": string(bytes.Repeat([]byte("x"), 300))},
		"minimum": {"int": int64(math.MinInt64)},
	} {
		text, err := pyjson.Marshal(session)
		if err != nil {
			t.Fatal(err)
		}
		for protocol, line := range bytes.Fields(python(t, append(text, '\n'), "dumps")) {
			want, err := base64.StdEncoding.DecodeString(string(line))
			if err != nil {
				t.Fatal(err)
			}
			got, err := pickle.Marshal(session, protocol)
			if err != nil || !bytes.Equal(want, got) {
				t.Errorf("%s in protocol %d: %v\nwant %.500q\n got %.500q", name, protocol, err, want, got)
			}
		}
	}
}

// A class that Python 2 called otherwise is known by its name in Python 3.
func TestNamesOfPython2(t *testing.T) {
	t.Parallel()
	for line := range bytes.Lines(python(t, nil, "names")) {
		names := strings.Fields(string(line))
		session, err := pickle.Unmarshal([]byte("\x80\x02}Va\nc" + names[0] + "\n" + names[1] + "\ns."))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := session["a"].(pickle.Raw).Plain(), names[2]+"."+names[3]; got != want {
			t.Errorf("%s.%s: %v, want %s", names[0], names[1], got, want)
		}
	}
}
