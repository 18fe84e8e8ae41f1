package session_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// A session from another engine becomes JSON where that says all of it.
func TestAdopt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data map[string]any
		json bool // says all of it
	}{
		"nothing": {nil, true},
		"plain": {map[string]any{
			"none": nil, "yes": true, "n": int64(1) << 60, "big": new(big.Int).Lsh(big.NewInt(1), 70),
			"half": 0.5, "nan": math.NaN(), "text": "žluťoučký", "list": []any{int64(1), map[string]any{"a": "b"}},
		}, true},
		"like a tag":      {map[string]any{"a": map[string]any{"$tuple": []any{}}}, true},
		"bytes":           {map[string]any{"b": []byte("b")}, false},
		"a time":          {map[string]any{"t": time.Unix(0, 0)}, false},
		"a pickled list":  {unpickled(t, "\x80\x04}\x8c\x01l]K\x01as."), true},
		"a pickled dict":  {unpickled(t, "\x80\x04}\x8c\x01d}\x8c\x01aK\x01ss."), true},
		"a tuple":         {unpickled(t, "\x80\x04}\x8c\x01tK\x01K\x02\x86s."), false},
		"a tuple inside":  {unpickled(t, "\x80\x04}\x8c\x01l]K\x01K\x02\x86as."), false},
		"a number as key": {unpickled(t, "\x80\x04}\x8c\x01d}K\x01K\x02ss."), false},
		"such an item":    {unpickled(t, "\x80\x04}K\x01K\x02s."), false},
		"no such value":   {map[string]any{"c": make(chan int)}, false},
	} {
		for serializer, want := range map[session.Serializer]struct{ pickled, keeps bool }{
			session.AsFound: {!c.json, true},
			session.JSON:    {false, c.json},
			session.Pickle:  {false, true}, // without being told
		} {
			codec := session.New(signing.SessionSalt, session.WithSerializer(serializer))
			if pickled := codec.Adopt(c.data) != (session.Form{}); pickled != want.pickled {
				t.Errorf("%s, serializer %v: pickled: %v", name, serializer, pickled)
			}
			if keeps := codec.Keeps(c.data); keeps != want.keeps {
				t.Errorf("%s, serializer %v: keeps: %v", name, serializer, keeps)
			}
		}
	}
}

// What is adopted as a pickle comes back as it was.
func TestAdoptedComesBack(t *testing.T) {
	t.Parallel()
	codec := session.New(signing.SessionSalt).WithSecretKeys(secret)
	data := unpickled(t, "\x80\x04}\x8c\x01tK\x01K\x02\x86s.")
	text, err := codec.Encode(data, codec.Adopt(data))
	if err != nil {
		t.Fatal(err)
	}
	back, err := codec.Decode(text, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, isRaw := back.Data["t"].(cloakroom.Value); !isRaw {
		t.Errorf("the tuple is a %T", back.Data["t"])
	}
}

func unpickled(t *testing.T, text string) map[string]any {
	t.Helper()
	data, err := pickle.Unmarshal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
