package pyjson_test

import (
	"bufio"
	"bytes"
	"os/exec"
	"testing"

	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// What Go writes is, byte for byte, what Python writes for what it reads there.
func TestPythonReadsWhatGoWrites(t *testing.T) {
	t.Parallel()
	generator := sessions()
	var texts bytes.Buffer
	for seed := range 2000 {
		text, err := pyjson.Marshal(generator.Example(seed))
		if err != nil {
			t.Fatal(err)
		}
		texts.Write(append(text, '\n'))
	}
	got := python(t, `
import json, sys
for line in sys.stdin.buffer:
    print(json.dumps(json.loads(line.decode("latin-1")), separators=(",", ":"), sort_keys=True))
`, texts.Bytes())
	compareLines(t, texts.Bytes(), got)
}

// What Python writes, Go reads, takes apart and writes again the same.
func TestGoReadsWhatPythonWrites(t *testing.T) {
	t.Parallel()
	texts := python(t, `
import json, random, struct
r = random.Random(1)
def string():
    # Through JSON once, so that adjacent halves have become pairs before names are sorted.
    return json.loads(json.dumps("".join(chr(r.choice([r.randrange(128), r.randrange(0x110000), r.randrange(0xD800, 0xE000)])) for _ in range(r.randrange(8)))))
def value(depth):
    kind = r.randrange(10 if depth < 4 else 8)
    if kind == 0: return r.choice([None, True, False, float("nan"), float("inf"), -float("inf"), 0.0, -0.0])
    if kind < 3: return struct.unpack("d", struct.pack("Q", r.getrandbits(64)))[0]
    if kind == 3: return round(r.uniform(-1e18, 1e18), r.randrange(-18, 18))
    if kind == 4: return r.randrange(-1000, 1000)
    if kind == 5: return r.getrandbits(r.randrange(1, 400)) - 2**63
    if kind < 8: return string()
    if kind == 8: return [value(depth + 1) for _ in range(r.randrange(5))]
    return {string(): value(depth + 1) for _ in range(r.randrange(5))}
for _ in range(3000):
    print(json.dumps({string(): value(0) for _ in range(r.randrange(8))}, separators=(",", ":"), sort_keys=True))
`, nil)
	var got bytes.Buffer
	for lines := bufio.NewScanner(bytes.NewReader(texts)); lines.Scan(); {
		session, err := pyjson.Unmarshal(lines.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		text, err := pyjson.Marshal(plain(session))
		if err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		got.Write(append(text, '\n'))
	}
	compareLines(t, texts, got.Bytes())
}

func python(t *testing.T, script string, stdin []byte) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", script)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	return out
}

func compareLines(t *testing.T, want, got []byte) {
	t.Helper()
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	if len(w) != len(g) {
		t.Fatalf("%d lines, want %d", len(g), len(w))
	}
	for i := range w {
		if !bytes.Equal(w[i], g[i]) {
			t.Errorf("line %d\nwant %s\n got %s", i, w[i], g[i])
		}
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	text := benchSession()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pyjson.Unmarshal(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	session, err := pyjson.Unmarshal(benchSession())
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = pyjson.Append(buf[:0], session); err != nil {
			b.Fatal(err)
		}
	}
}

// benchSession is 1 KiB with nine keys, as a signed-in user's is.
func benchSession() []byte {
	return []byte(`{"_auth_user_id":"1","_auth_user_backend":"django.contrib.auth.backends.ModelBackend",` +
		`"_auth_user_hash":"` + string(bytes.Repeat([]byte("9f2c"), 16)) + `","_session_expiry":3600,"count":41,"pi":3.25,` +
		`"list":[` + string(bytes.Repeat([]byte(`"item",`), 40)) + `null],"unicode":"\u017elu\u0165ou\u010dk\u00fd",` +
		`"nested":{"a":{"b":["` + string(bytes.Repeat([]byte("c"), 400)) + `"]}}}`)
}
