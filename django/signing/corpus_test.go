package signing_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// record is one that Django 3.2 wrote, and what it decodes to.
type record struct {
	Name, Engine, Format, Serializer, Salt, Raw string
	SecretKey                                   string `json:"secret_key"`
	Expected                                    map[string]any
}

func corpus(t *testing.T) []record {
	t.Helper()
	file, err := os.Open("../testdata/django-3.2.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var records []record
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r record
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.Format == "signed" || r.Format == "legacy" {
			records = append(records, r)
		}
	}
	return records
}

// Everything that Django signed is verified, decoded, encoded again (untouched,
// and taken apart) and read back by Django as what it was.
func TestCorpus(t *testing.T) {
	t.Parallel()
	type rewritten struct {
		Name, Salt, Before, After string
	}
	var forDjango []rewritten
	var secretKey string
	for _, r := range corpus(t) {
		secretKey = r.SecretKey
		signer := signing.New(r.Salt, "the key that replaced it", r.SecretKey)
		payload, _, err := signer.Unsign(nil, r.Raw, 0)
		if err != nil {
			t.Errorf("%s (%s, %s): %v", r.Name, r.Format, r.Serializer, err)
			continue
		}
		if r.Serializer != "json" {
			continue
		}
		session, err := pyjson.Unmarshal(payload)
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		plain := make(map[string]any, len(session))
		for name, v := range session {
			if raw, ok := v.(cloakroom.Value); ok {
				v = raw.Plain()
			}
			plain[name] = v
		}
		if diff := cmp.Diff(untag(t, r.Expected), any(plain), cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", r.Name, diff)
		}
		current := signing.New(r.Salt, r.SecretKey)
		sign := current.Sign
		if r.Format == "legacy" {
			sign = current.SignLegacy
		}
		for _, v := range []map[string]any{session, plain} {
			text, err := pyjson.Marshal(v)
			if err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			signed, err := sign(text)
			if err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			forDjango = append(forDjango, rewritten{r.Name, r.Salt, r.Raw, signed})
		}
	}
	if len(forDjango) != 2*30 {
		t.Errorf("%d values for Django, want 60", len(forDjango))
	}
	stdin, err := json.Marshal(map[string]any{"key": secretKey, "values": forDjango})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", `
import json, sys
from django.conf import settings
given = json.load(sys.stdin)
settings.configure(SECRET_KEY=given["key"], SESSION_SERIALIZER="django.contrib.sessions.serializers.JSONSerializer")
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
class SessionStore(SessionBase): pass
SessionStore.key_salt = "django.contrib.sessions.SessionStore"
def read(salt, raw):
    if ":" in raw: return signing.loads(raw, salt=salt, max_age=10**9)
    return SessionStore().decode(raw)
for v in given["values"]:
    if read(v["Salt"], v["Before"]) != read(v["Salt"], v["After"]): print(v["Name"], "differs")
`)
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("Django: %v\n%s", err, out)
	}
}

// untag turns the corpus's notation for what JSON lacks into the plain value.
func untag(t *testing.T, v any) any {
	switch v := v.(type) {
	case json.Number:
		i, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return i
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = untag(t, v[i])
		}
		return out
	case map[string]any:
		if text, ok := v["$int"].(string); ok {
			if i, err := strconv.ParseInt(text, 10, 64); err == nil {
				return i
			}
			i, _ := new(big.Int).SetString(text, 10)
			return i
		}
		if text, ok := v["$float"].(string); ok {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		out := make(map[string]any, len(v))
		for name := range v {
			out[name] = untag(t, v[name])
		}
		return out
	}
	return v
}
