package tagged_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/tagged"
)

// What Django wrote comes out as the corpus says, and goes back the same.
func TestCorpus(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../testdata/django-3.2.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var record struct {
			Name, Format string
			Pickle       []byte `json:"raw_b64"`
			Expected     json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		if record.Format != "pickle" {
			continue
		}
		seen++
		session, err := pickle.Unmarshal(record.Pickle)
		if err != nil {
			t.Fatalf("%s: %v", record.Name, err)
		}
		text, err := tagged.Marshal(session)
		if err != nil {
			t.Fatalf("%s: %v", record.Name, err)
		}
		for _, text := range [][]byte{text, record.Expected} {
			back, err := tagged.Unmarshal(text)
			if err != nil {
				t.Fatalf("%s: %v", record.Name, err)
			}
			again, err := tagged.Marshal(back)
			if err != nil {
				t.Fatalf("%s: %v", record.Name, err)
			}
			if diff := cmp.Diff(value(t, record.Expected), value(t, again)); diff != "" {
				t.Errorf("%s: %s", record.Name, diff)
			}
		}
	}
	if seen == 0 {
		t.Error("the corpus has no pickles")
	}
}

func value(t *testing.T, text []byte) (v any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOneValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"a"`: `"a"`, ` 1 `: `1`, `"žluť 😀"`: `"\u017elu\u0165 \ud83d\ude00"`, `"\ud800"`: `"\ud800"`,
		`{"$tuple":[1]}`: `{"$tuple":[1]}`, `99999999999999999999`: `{"$int":"99999999999999999999"}`, `2.5`: `{"$float":"2.5"}`,
	} {
		v, err := tagged.UnmarshalValue([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := tagged.Marshal(map[string]any{"v": v})
		if err != nil || string(got) != `{"v":`+want+`}` {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
	for _, text := range []string{``, `ada`, `1,"other":2`, `1}`, "\"\xff\"", `NaN`, `[1,]`} {
		if v, err := tagged.UnmarshalValue([]byte(text)); err == nil {
			t.Errorf("%s is %v", text, v)
		}
	}
	for text, want := range map[string]string{
		`{"$uuid":"x"}`:                              "the tag $uuid holds",
		`{"$nosuch":1}`:                              "unknown tag $nosuch",
		`{"$tuple":[{"$set":1}]}`:                    "the tag $set holds",
		`{"$tuple":[{"$nosuch":1}]}`:                 "unknown tag $nosuch",
		`{"$date":"someday"}`:                        "the tag $date holds",
		`{"$object":{"class":"a.B","nonsense":"1"}}`: "the tag $object holds",
		`{"$dict":[1]}`:                              "the tag $dict holds",
	} {
		if _, err := tagged.UnmarshalValue([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := tagged.Unmarshal([]byte(`[]`)); err == nil {
		t.Error("a list is a session")
	}
}
