package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom/internal/djangotest"
)

// record is one that Django 3.2 wrote, and what it decodes to, tagged.
type record struct {
	Name, Format, Salt, Raw string
	Serializer              string
	Protocol                *int
	SecretKey               string `json:"secret_key"`
	Pickle                  []byte `json:"raw_b64"`
	Expected                json.RawMessage
}

// flags are those of decode and encode for the record's form.
func (r record) flags() []string {
	flags := []string{"--format", r.Format}
	if r.Salt != "" && r.Format == "signed" {
		flags = append(flags, "--salt", r.Salt)
	}
	if r.Serializer != "" {
		flags = append(flags, "--serializer", r.Serializer)
	}
	if r.Protocol != nil {
		flags = append(flags, "--protocol", string(rune('0'+*r.Protocol)))
	}
	return flags
}

// Whatever Django wrote decodes to what the corpus says, and what is encoded
// from that decodes to the same.
func TestCorpus(t *testing.T) {
	file, err := os.Open("../../django/testdata/django-3.2.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		seen[r.Format]++
		t.Setenv(secretVariable, r.SecretKey)
		raw := r.Raw + string(r.Pickle)
		for _, turn := range []string{"what Django wrote", "what was encoded"} {
			code, stdout, stderr := commandWith(t, raw, append(append([]string{"decode"}, r.flags()...), "--json")...)
			if code != exitDone {
				t.Errorf("%s, %s: %s", r.Name, turn, stderr)
				break
			}
			if diff := cmp.Diff(parsed(t, string(r.Expected)), parsed(t, stdout)); diff != "" {
				t.Errorf("%s, %s: %s", r.Name, turn, diff)
			}
			if code, raw, stderr = commandWith(t, stdout, append([]string{"encode"}, r.flags()...)...); code != exitDone {
				t.Errorf("%s, %s: %s", r.Name, turn, stderr)
				break
			}
		}
	}
	if seen["signed"] == 0 || seen["legacy"] == 0 || seen["pickle"] == 0 {
		t.Errorf("the corpus has %v", seen)
	}
}

func parsed(t *testing.T, text string) (v any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// A real Django reads what is encoded, and what it writes decodes.
func TestDjangoReadsWhatIsEncoded(t *testing.T) {
	t.Setenv(secretVariable, djangotest.SecretKey)
	django := djangotest.Start(t, `SESSION_ENGINE = "django.contrib.sessions.backends.db"`)
	django.Exec("import base64, pickle\nfrom django.contrib.sessions.backends.db import SessionStore\nfrom django.contrib.sessions.serializers import PickleSerializer")
	const text = `{"n": 1, "name": "Žofie 😀"}`
	for format, read := range map[string]string{"signed": "SessionStore().decode(%s)", "legacy": "SessionStore().decode(%s)"} {
		_, raw, stderr := commandWith(t, text, "encode", "--format", format)
		got := django.Eval(djangotest.Python(strings.ReplaceAll(read, "%s", quoted(strings.TrimSpace(raw)))))
		if diff := cmp.Diff(map[string]any{"n": int64(1), "name": "Žofie 😀"}, got); diff != "" {
			t.Errorf("%s: %s%s", format, diff, stderr)
		}
	}
	_, document, _ := commandWith(t, `{"t": {"$tuple": [1, {"$bytes": "aGk="}]}}`, "encode", "--format", "pickle", "--protocol", "2", "--json")
	var encoded struct{ Pickle string }
	if err := json.Unmarshal([]byte(document), &encoded); err != nil {
		t.Fatal(err)
	}
	if got := django.Eval(djangotest.Python("repr(pickle.loads(base64.b64decode(" + quoted(encoded.Pickle) + ")))")); got != `{'t': (1, b'hi')}` {
		t.Errorf("pickle: %v", got)
	}

	raw, _ := django.Eval(djangotest.Python(`SessionStore().encode({"n": 2})`)).(string)
	if _, stdout, stderr := commandWith(t, raw, "decode", "--json"); parsed(t, stdout).(map[string]any)["n"] != json.Number("2") {
		t.Errorf("%s%s", stdout, stderr)
	}
}

func quoted(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// Whatever is wrong is one line, which tells nothing of the session.
func TestDecodeRefuses(t *testing.T) {
	t.Setenv(secretVariable, secret)
	for name, test := range map[string]struct {
		stdin string
		args  []string
	}{
		"nothing":         {"", nil},
		"another key":     {"eyJuIjoxfQ:1xVvhK:IC4CrxvcndwCCFU25LWc-hgmh4McRp_tPqcSC4zuzGU", nil},
		"no pickle":       {"hello", []string{"--format", "pickle"}},
		"another salt":    {"eyJuIjoxfQ:1xVvhK:IC4CrxvcndwCCFU25LWc-hgmh4McRp_tPqcSC4zuzGU", []string{"--salt", "x"}},
		"cut off legacy":  {"MDA6e30=", []string{"--format", "legacy"}},
		"cut off, pickle": {"\x80\x05}", []string{"--format", "pickle"}},
	} {
		code, stdout, stderr := commandWith(t, test.stdin, append([]string{"decode"}, test.args...)...)
		if code != exitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "eyJ") {
			t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
		}
	}
}

// A cookie that is decoded as if it came from a table is refused with the salt that
// it needs.
func TestDecodeNamesTheSalt(t *testing.T) {
	t.Setenv(secretVariable, secret)
	const salt = "django.contrib.sessions.backends.signed_cookies"
	_, cookie, _ := commandWith(t, `{"n": 1}`, "encode", "--salt", salt)
	if code, _, stderr := commandWith(t, cookie, "decode"); code != exitFailed || !strings.Contains(stderr, "--salt") || !strings.Contains(stderr, salt) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
