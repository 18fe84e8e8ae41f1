package pickle_test

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// record is one that Django 3.2 wrote, and what it decodes to, tagged.
type record struct {
	Name, Format, Serializer, Salt, Raw string
	SecretKey                           string `json:"secret_key"`
	Protocol                            int
	Pickle                              []byte          `json:"raw_b64"`
	Tagged                              json.RawMessage `json:"expected"`
}

// corpus returns the records that are pickled, the signed ones unwrapped.
func corpus(t testing.TB) (records []record) {
	t.Helper()
	file, err := os.Open("../testdata/django-3.2.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		switch {
		case r.Serializer == "pickle":
			signer := signing.New(r.Salt, r.SecretKey)
			if r.Pickle, _, err = signer.Unsign(nil, r.Raw, 0); err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			r.Protocol = 5
		case r.Format != "pickle":
			continue
		}
		records = append(records, r)
	}
	if len(records) != 112 {
		t.Fatalf("%d records, want 112", len(records))
	}
	return records
}

// Everything that Django pickled decodes to what it says, and Django reads it
// back equal, object for object, from every protocol. So it does after a detour
// through the tagged form, except for what is shared.
func TestCorpus(t *testing.T) {
	t.Parallel()
	var p pairs
	for _, r := range corpus(t) {
		name := fmt.Sprintf("%s of protocol %d", r.Name, r.Protocol)
		session, protocol, err := pickle.UnmarshalProtocol(r.Pickle)
		if err != nil || protocol != r.Protocol {
			t.Errorf("%s: protocol %d, %v", name, protocol, err)
			continue
		}
		tagged, err := pickle.Tag(session)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := fromJSON(t, r.Tagged)
		if diff := cmp.Diff(inOrder(want), inOrder(tagged)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		p.rewrite(t, name, r.Pickle, 0, 1, 2, 3, 4, 5)

		if r.Name == "shared" {
			continue
		}
		untagged, err := pickle.Untag(want)
		if err != nil {
			t.Errorf("%s, untagged: %v", name, err)
			continue
		}
		for protocol := range 6 {
			after, err := pickle.Marshal(untagged, protocol)
			if err != nil {
				t.Errorf("%s, untagged: %v", name, err)
			}
			p.add(t, name+", untagged", r.Pickle, after)
		}
	}
	p.check(t)
}

// fromJSON reads tagged JSON as a command would.
func fromJSON(t *testing.T, text []byte) any {
	t.Helper()
	session, err := pyjson.Unmarshal(text)
	if err != nil {
		t.Fatal(err)
	}
	plain := make(map[string]any, len(session))
	for name, v := range session {
		if raw, ok := v.(pyjson.Raw); ok {
			v = raw.Plain()
		}
		plain[name] = v
	}
	return plain
}

// inOrder sorts what has no order: sets, and the pairs of a dict.
func inOrder(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = inOrder(v[i])
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			v[name] = inOrder(v[name])
			if list, ok := v[name].([]any); ok && (name == "$set" || name == "$frozenset" || name == "$dict") {
				slices.SortFunc(list, func(a, b any) int { return bytes.Compare(text(a), text(b)) })
			}
		}
	}
	return v
}

func text(v any) []byte {
	text, err := pyjson.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// horizon returns the sessions of users who signed in to a real Horizon 23, as
// each engine kept them.
func horizon(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../testdata/horizon-23/*.json")
	if err != nil {
		t.Fatal(err)
	}
	sessions := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var fixture struct {
			Settings struct {
				SecretKey string `json:"SECRET_KEY"`
			}
			Store []struct {
				Kind, Key string
				Cached    []byte `json:"value_b64"`
				Row       string `json:"session_data"`
				Cookie    string `json:"value"`
			}
		}
		if err := json.Unmarshal(text, &fixture); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, kept := range fixture.Store {
			name := filepath.Base(file) + ", " + kept.Kind
			var pickled []byte
			switch salt := signing.SessionSalt; {
			case kept.Key != "" && !strings.Contains(kept.Key, "sessions"):
				continue // what Horizon keeps beside the session
			case bytes.HasPrefix(kept.Cached, []byte{0x80}):
				pickled = kept.Cached
			case bytes.HasPrefix(kept.Cached, []byte{'x'}):
				var r io.Reader
				if r, err = zlib.NewReader(bytes.NewReader(kept.Cached)); err == nil {
					pickled, err = io.ReadAll(r)
				}
			default:
				if kept.Cookie != "" {
					salt = "django.contrib.sessions.backends.signed_cookies"
				}
				signed := kept.Row + kept.Cookie + string(kept.Cached)
				pickled, _, err = signing.New(salt, fixture.Settings.SecretKey).Unsign(nil, signed, 0)
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			sessions[name] = pickled
		}
	}
	if len(sessions) != 13 {
		t.Fatalf("%d sessions: %q", len(sessions), slices.Sorted(maps.Keys(sessions)))
	}
	return sessions
}

// A Horizon session survives a save made from Go: its token object, the lazy
// translation, and that the token's project and tenant are one object. Python
// compares with Horizon's own classes where they are installed, else with
// classes of the same names.
func TestHorizon(t *testing.T) {
	t.Parallel()
	var p pairs
	for name, pickled := range horizon(t) {
		p.rewrite(t, name, pickled, 0, 1, 2, 3, 4, 5)

		session, protocol, err := pickle.UnmarshalProtocol(pickled)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		token := session["token"].(pickle.Raw).Plain().(map[string]any)
		if user, _ := token["user"].(map[string]any); user["name"] != "admin" {
			t.Errorf("%s: the token's user is %v", name, user)
		}
		if _, ok := token["expires"].(time.Time); !ok {
			t.Errorf("%s: the token expires %v", name, token["expires"])
		}
		if region := session["region_name"].(pickle.Raw).Plain(); region != "Default Region" {
			t.Errorf("%s: the region is %v", name, region)
		}

		again, err := pickle.Marshal(session, protocol)
		if err != nil || len(again) > len(pickled) {
			t.Errorf("%s: %d bytes became %d, %v", name, len(pickled), len(again), err)
		}

		tagged, err := pickle.Tag(session)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		object := tagged.(map[string]any)["token"].(map[string]any)["$object"].(map[string]any)
		if names := slices.Sorted(maps.Keys(object)); !slices.Equal(names, []string{"args", "class", "state"}) ||
			object["class"] != "openstack_auth.user.Token" {
			t.Errorf("%s: the token is tagged %v", name, object)
		}
		untagged, err := pickle.Untag(tagged)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		back, err := pickle.Tag(untagged)
		if diff := cmp.Diff(tagged, back); diff != "" || err != nil {
			t.Errorf("%s: (-want +got) %v\n%s", name, err, diff)
		}
	}
	p.check(t)
}
