package pickle_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"testing"

	"github.com/cloakroom-go/cloakroom/django/pickle"
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
