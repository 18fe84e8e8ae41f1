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
		data                  map[string]any
		asFound, json, pickle bool
	}{
		"nothing":                {nil, true, true, true},
		"plain":                  {data(), true, true, true},
		"bytes":                  {map[string]any{"b": []byte("b")}, false, false, true},
		"a tuple":                {withTuple, false, false, true},
		"Horizon's":              {horizon, false, true, true},
		"Horizon's, and a tuple": {both, false, false, true},
	} {
		for serializer, want := range map[session.Serializer]bool{
			session.AsFound: c.asFound, session.JSON: c.json, session.Pickle: c.pickle,
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
