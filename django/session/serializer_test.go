package session_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// A session is written by what it was read with, protocol included, unless the
// Codec is told to do otherwise.
func TestFormStays(t *testing.T) {
	t.Parallel()
	const (
		json    = `{"tuple":[1,2]}`
		pickled = "\x80\x04}\x8c\x05tupleK\x01K\x02\x86s." // {"tuple": (1, 2)}
	)
	signer := signing.New(signing.SessionSalt, secret)
	for name, c := range map[string]struct {
		given  string
		wanted session.Serializer
		first  string // what the payload begins with
	}{
		"JSON as found":     {json, session.AsFound, "{"},
		"JSON stays":        {json, session.JSON, "{"},
		"JSON to pickle":    {json, session.Pickle, "\x80\x05"},
		"pickle as found":   {pickled, session.AsFound, "\x80\x04"},
		"pickle stays":      {pickled, session.Pickle, "\x80\x04"},
		"pickle to JSON":    {pickled, session.JSON, `{"tuple":[1,2]}`},
		"JSON behind space": {"\r\n\t " + json, session.AsFound, "{"},
	} {
		text, err := signer.Sign([]byte(c.given))
		if err != nil {
			t.Fatal(err)
		}
		codec := session.New(signing.SessionSalt, session.WithSerializer(c.wanted)).WithSecretKeys(secret)
		read, err := codec.Decode(text, 0)
		if err != nil {
			t.Fatalf("%s: Decode: %v", name, err)
		}
		if text, err = codec.Encode(read.Data, read.Form); err != nil {
			t.Fatalf("%s: Encode: %v", name, err)
		}
		payload, _, err := signer.Unsign(nil, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(payload[:min(len(payload), len(c.first))]); got != c.first {
			t.Errorf("%s: the payload begins with %q, want %q", name, got, c.first)
		}
		again, err := codec.Decode(text, 0)
		if err != nil {
			t.Fatalf("%s: Decode again: %v", name, err)
		}
		want := []any{int64(1), int64(2)}
		if diff := cmp.Diff(any(want), again.Data["tuple"].(cloakroom.Value).Plain()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// No pickle, of whatever protocol, is taken for JSON.
func TestEveryProtocol(t *testing.T) {
	t.Parallel()
	signer := signing.New(signing.SessionSalt, secret)
	codec := session.New(signing.SessionSalt).WithSecretKeys(secret)
	for protocol := range pickle.DefaultProtocol + 1 {
		for _, want := range []map[string]any{data(), {}} {
			payload, err := pickle.Marshal(want, protocol)
			if err != nil {
				t.Fatal(err)
			}
			text, err := signer.Sign(payload)
			if err != nil {
				t.Fatal(err)
			}
			got, err := codec.Decode(text, 0)
			if err != nil {
				t.Fatalf("protocol %d: %v", protocol, err)
			}
			if diff := cmp.Diff(want, got.Data); diff != "" {
				t.Errorf("protocol %d: (-want +got)\n%s", protocol, diff)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	signer := signing.New(signing.SessionSalt, secret)
	codec := session.New(signing.SessionSalt).WithSecretKeys(secret)
	for _, payload := range []string{"", " ", "{", "[]", "null", "\x80", "\x80\x05.", "\x80\x05K\x01.", "hello"} {
		text, err := signer.Sign([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := codec.Decode(text, 0); err == nil || got.Data != nil {
			t.Errorf("%q: decoded to %v", payload, got.Data)
		}
	}
}
