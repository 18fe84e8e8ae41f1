package session_test

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

const secret = "a secret key of this test"

func data() map[string]any {
	return map[string]any{"_auth_user_id": "1", "n": int64(3), "name": "žluťoučký", "none": nil, "half": 0.5}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]session.Option{
		"default": nil,
		"JSON":    {session.WithSerializer(session.JSON)},
		"legacy":  {session.WithLegacyFormat()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			codec := session.New(signing.SessionSalt, options...).WithSecretKeys(secret)
			text, err := codec.Encode(data(), session.Form{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := codec.Decode(text, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(data(), got.Data); diff != "" {
				t.Errorf("comes back as another (-want +got):\n%s", diff)
			}
			if legacy := name == "legacy"; got.Signed.IsZero() != legacy {
				t.Errorf("signed at %v", got.Signed)
			}
		})
	}
}

func TestSecretKeys(t *testing.T) {
	t.Parallel()
	codec := session.New(signing.SessionSalt).WithSecretKeys(secret)
	text, err := codec.Encode(data(), session.Form{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		codec session.Codec
		want  error
	}{
		"none":         {session.New(signing.SessionSalt), signing.ErrNoKey},
		"only old":     {codec.WithSecretKeys("", secret), signing.ErrNoKey},
		"another":      {codec.WithSecretKeys("new"), signing.ErrSignature},
		"rotated":      {codec.WithSecretKeys("new", secret), nil},
		"another salt": {session.New(signing.CookieSalt).WithSecretKeys(secret), signing.ErrSignature},
	} {
		if _, err := c.codec.Decode(text, 0); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if ready := c.codec.Ready(); ready == errors.Is(c.want, signing.ErrNoKey) {
			t.Errorf("%s: ready: %v", name, ready)
		}
	}
	if _, err := (session.Codec{}).Encode(data(), session.Form{}); !errors.Is(err, signing.ErrNoKey) {
		t.Errorf("Encode without a key: %v", err)
	}
}

func TestUnencodable(t *testing.T) {
	t.Parallel()
	codec := session.New(signing.SessionSalt).WithSecretKeys(secret)
	for name, c := range map[string]struct {
		value any
		want  error
	}{
		"a channel":   {make(chan int), cloakroom.ErrUnencodable},
		"too large":   {string(make([]byte, signing.MaxPayload)), signing.ErrTooLarge},
		"a large int": {new(big.Int).Lsh(big.NewInt(1), 70), nil},
	} {
		if _, err := codec.Encode(map[string]any{"v": c.value}, session.Form{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	codec := session.New(signing.CookieSalt).WithSecretKeys(secret)
	text, err := codec.Encode(data(), session.Form{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := codec.Decode(text, time.Hour); err != nil {
		t.Errorf("within its age: %v", err)
	}
	if _, err := codec.Decode(text, time.Nanosecond); !errors.Is(err, signing.ErrExpired) {
		t.Errorf("beyond its age: %v", err)
	}
}
