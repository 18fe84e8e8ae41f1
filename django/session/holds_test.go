package session_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// What JSON has no form for is refused, but for what Horizon knows again.
func TestHolds(t *testing.T) {
	t.Parallel()
	horizon := horizonSession(t)
	withTuple := map[string]any{"t": unpickled(t, "\x80\x04}\x8c\x01tK\x01K\x02\x86s.")["t"]}
	both := map[string]any{"token": horizon["token"], "t": withTuple["t"]}
	for name, c := range map[string]struct {
		data map[string]any
		json bool
	}{
		"nothing":                {nil, true},
		"plain":                  {data(), true},
		"bytes":                  {map[string]any{"b": []byte("b")}, false},
		"a tuple":                {withTuple, false},
		"Horizon's":              {horizon, true},
		"Horizon's, and a tuple": {both, false},
	} {
		for serializer, want := range map[session.Serializer]bool{
			session.AsFound: true, session.JSON: c.json, session.Pickle: true,
		} {
			err := session.New(signing.SessionSalt, session.WithSerializer(serializer)).Holds(c.data)
			if (err == nil) != want || err != nil && !errors.Is(err, cloakroom.ErrUnencodable) {
				t.Errorf("%s, serializer %v: %v, want it held: %v", name, serializer, err, want)
			}
		}
	}
}

// horizonSession is what Horizon kept for an administrator.
func horizonSession(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../testdata/horizon-23/cache_memcached.json")
	if err != nil {
		t.Fatal(err)
	}
	var captured struct {
		Store []struct {
			Value string `json:"value_b64"`
		}
	}
	if err := json.Unmarshal(text, &captured); err != nil {
		t.Fatal(err)
	}
	pickled, err := base64.StdEncoding.DecodeString(captured.Store[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	data, err := pickle.Unmarshal(pickled)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
