package signing_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/cloakroom-go/cloakroom/django/signing"
)

const secret = "a secret key of this test"

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	signer := signing.New(signing.SessionSalt, secret)
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		payload = bytes.Repeat(payload, rapid.IntRange(1, 50).Draw(t, "times"))
		for _, sign := range []func([]byte) (string, error){signer.Sign, signer.SignLegacy} {
			signed, err := sign(payload)
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := signer.Unsign([]byte("before"), signed, 0)
			if err != nil || string(got) != "before"+string(payload) {
				t.Fatalf("Unsign(%q) = %q, %v", signed, got, err)
			}
		}
	})
}

// A change anywhere is found.
func TestTampering(t *testing.T) {
	t.Parallel()
	signer := signing.New(signing.SessionSalt, secret)
	for _, sign := range []func([]byte) (string, error){signer.Sign, signer.SignLegacy} {
		signed, err := sign([]byte(`{"user":"` + strings.Repeat("ab", 40) + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		for i := range signed {
			for _, c := range []byte{signed[i] ^ 1, ':', '.', 0} {
				forged := signed[:i] + string(c) + signed[i+1:]
				if forged == signed || strings.ContainsAny(forged, "\r\n") {
					continue
				}
				got, _, err := signer.Unsign(nil, forged, 0)
				// The last letter before the padding has bits that mean nothing.
				if err == nil && strings.Contains(signed, ":") {
					t.Fatalf("byte %d: %q is read as %q", i, forged, got)
				}
			}
			if got, _, err := signer.Unsign(nil, signed[:i], 0); err == nil {
				t.Fatalf("cut at %d: read as %q", i, got)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	signer := signing.New(signing.SessionSalt, secret)
	good, _ := signer.Sign([]byte("{}"))
	legacy, _ := signer.SignLegacy([]byte("{}"))
	otherKey, _ := signing.New(signing.SessionSalt, "another").Sign([]byte("{}"))
	otherSalt, _ := signing.New(signing.CookieSalt, secret).Sign([]byte("{}"))
	for _, c := range []struct {
		name   string
		signer *signing.Signer
		signed string
		want   error
	}{
		{"good", signer, good, nil},
		{"empty", signer, "", signing.ErrMalformed},
		{"colons", signer, "::", signing.ErrSignature},
		{"no base64", signer, "?", signing.ErrMalformed},
		{"no colon inside", signer, "AAAA", signing.ErrMalformed},
		{"other key", signer, otherKey, signing.ErrSignature},
		{"other salt", signer, otherSalt, signing.ErrSignature},
		{"no key", new(signing.Signer), good, signing.ErrNoKey},
		{"fallback alone", signing.New(signing.SessionSalt, "", secret), good, signing.ErrNoKey},
		{"fallback", signing.New(signing.SessionSalt, "new", "older", secret), good, nil},
		{"legacy by fallback", signing.New(signing.SessionSalt, "new", "", secret), legacy, nil},
		{"legacy as a cookie", signing.New(signing.CookieSalt, secret), legacy, signing.ErrSignature},
	} {
		if _, _, err := c.signer.Unsign(nil, c.signed, 0); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := new(signing.Signer).Sign(nil); !errors.Is(err, signing.ErrNoKey) {
		t.Errorf("signed without a key: %v", err)
	}
	cookies := signing.New(signing.CookieSalt, secret)
	signed, err := cookies.SignLegacy([]byte("{}"))
	if i := strings.LastIndex(signed, ":"); err != nil || len(signed[i+1:]) != 27 {
		t.Errorf("a cookie's signature: %q, %v; want one of SHA-1", signed, err)
	}
	if payload, _, err := cookies.Unsign(nil, signed, time.Hour); err != nil || string(payload) != "{}" {
		t.Errorf("%q, %v", payload, err)
	}
}

// What Django up to 3.2 signed under DEFAULT_HASHING_ALGORITHM = "sha1".
func TestSHA1(t *testing.T) {
	t.Parallel()
	const signed = "eyJ1c2VyIjoxfQ:1xVWGL:l2DvhQgbujBU422Jsno7sMVofRk"
	got, at, err := signing.New(signing.CookieSalt, "newer", secret).Unsign(nil, signed, 0)
	if err != nil || string(got) != `{"user":1}` || at.Year() != 2026 {
		t.Errorf("Unsign = %q, %v, %v", got, at, err)
	}
	if _, _, err := signing.New(signing.SessionSalt, secret).Unsign(nil, signed, 0); !errors.Is(err, signing.ErrSignature) {
		t.Errorf("under another salt: %v", err)
	}
}

// A token repeats nothing, and is shorter compressed all the same.
func TestTokensAreCompressed(t *testing.T) {
	t.Parallel()
	signer := signing.New(signing.CookieSalt, secret)
	random := make([]byte, 600)
	rand.Read(random)
	for what, token := range map[string]string{
		"hexadecimal": hex.EncodeToString(random[:300]),
		"base32":      base32.StdEncoding.EncodeToString(random),
		"base64":      base64.RawURLEncoding.EncodeToString(random),
	} {
		signed, err := signer.Sign([]byte(token))
		if err != nil {
			t.Fatal(err)
		}
		payload, _, err := signer.Unsign(nil, signed, 0)
		if err != nil || string(payload) != token {
			t.Errorf("%s: comes back as %q, %v", what, payload, err)
		}
		if plain := base64.RawURLEncoding.EncodedLen(len(token)); strings.Index(signed, ":") > plain*9/10 {
			t.Errorf("%s: %d bytes, and %d were it not compressed", what, strings.Index(signed, ":"), plain)
		}
	}
}

// A fallback verifies and does not sign.
func TestFallbackDoesNotSign(t *testing.T) {
	t.Parallel()
	signed, err := signing.New(signing.SessionSalt, "new", secret).Sign([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := signing.New(signing.SessionSalt, secret).Unsign(nil, signed, 0); !errors.Is(err, signing.ErrSignature) {
		t.Error(err)
	}
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signer := signing.New(signing.SessionSalt, secret)
		signed, _ := signer.Sign([]byte("{}"))
		signedAt := time.Now().Truncate(time.Second)
		for _, step := range []struct {
			sleep  time.Duration
			maxAge time.Duration
			want   error
		}{
			{0, time.Hour, nil},
			{time.Hour, time.Hour, nil},
			{time.Second, time.Hour, signing.ErrExpired},
			{time.Hour * 1e4, 0, nil},
		} {
			time.Sleep(step.sleep)
			_, at, err := signer.Unsign(nil, signed, step.maxAge)
			if !errors.Is(err, step.want) || !at.Equal(signedAt) {
				t.Errorf("after %v: %v, signed at %v, want %v", step.sleep, err, at, signedAt)
			}
		}
		legacy, _ := signer.SignLegacy([]byte("{}"))
		if _, _, err := signer.Unsign(nil, legacy, time.Hour); !errors.Is(err, signing.ErrExpired) {
			t.Errorf("a value without a time: %v", err)
		}
	})
}

func TestPayloadIsBounded(t *testing.T) {
	t.Parallel()
	signer := signing.New(signing.SessionSalt, secret)
	if _, err := signer.Sign(make([]byte, signing.MaxPayload+1)); !errors.Is(err, signing.ErrTooLarge) {
		t.Errorf("signing: %v", err)
	}
	signed, err := signer.Sign(make([]byte, signing.MaxPayload))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := signer.Unsign(nil, signed, 0); err != nil || len(got) != signing.MaxPayload {
		t.Errorf("the largest payload: %d bytes, %v", len(got), err)
	}
	if _, _, err := signer.Unsign(nil, strings.Repeat("A", 2*signing.MaxPayload), 0); !errors.Is(err, signing.ErrTooLarge) {
		t.Errorf("a huge value: %v", err)
	}
}

func FuzzUnsign(f *testing.F) {
	signer := signing.New(signing.SessionSalt, secret)
	known := []string{strings.Repeat("abc", 50), "{}"}
	good, _ := signer.Sign([]byte(known[0]))
	legacy, _ := signer.SignLegacy([]byte(known[1]))
	for _, seed := range []string{"", ":", "::", ".::", good, legacy} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, signed string) {
		got, _, err := signer.Unsign(nil, signed, 0)
		if err == nil && !slices.Contains(known, string(got)) {
			t.Errorf("a forgery was read as %q", got)
		}
	})
}

func ExampleSigner() {
	signer := signing.New(signing.SessionSalt, "the new secret key", "the one before")
	signed, err := signer.Sign([]byte(`{"cart":["tea"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	payload, _, err := signer.Unsign(nil, signed, 14*24*time.Hour)
	fmt.Println(string(payload), err)
	// Output: {"cart":["tea"]} <nil>
}

func BenchmarkSign(b *testing.B) {
	signer, payload := signing.New(signing.SessionSalt, secret), benchPayload()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signer.Sign(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnsign(b *testing.B) {
	signer := signing.New(signing.SessionSalt, secret)
	signed, err := signer.Sign(benchPayload())
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		if buf, _, err = signer.Unsign(buf[:0], signed, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// benchPayload is 1 KiB of JSON that compresses as sessions do.
func benchPayload() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 1024; i++ {
		fmt.Fprintf(&b, `"key_%d":"value %x",`, i, i*7919*7919*7919)
	}
	return b.Bytes()
}
