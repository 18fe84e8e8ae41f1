package db_test

import (
	"path/filepath"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

// A session that Horizon pickled stays pickled when its key changes, for JSON
// would flatten its objects.
func TestCycleKeyKeepsTheSerializer(t *testing.T) {
	t.Parallel()
	address := "sqlite:///" + filepath.Join(t.TempDir(), "sessions.sqlite3")
	open := func(options ...db.Option) *cloakroom.Manager {
		e, err := db.Open(t.Context(), address, options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		if err := e.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return cloakroom.New(e, cloakroom.WithSecretKey(secret))
	}
	// (1, 2), which JSON has not.
	pickled, err := pickle.Unmarshal([]byte("\x80\x05}(\x8c\x04pairK\x01K\x02\x86u."))
	if err != nil {
		t.Fatal(err)
	}
	s := &cloakroom.Session{}
	s.Set("pair", pickled["pair"])
	if err := open(db.WithSerializer(session.Pickle)).Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	sessions := open()
	if s, err = sessions.Load(t.Context(), s.Key()); err != nil {
		t.Fatal(err)
	}
	s.CycleKey()
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	record, err := sessions.Engine().Load(t.Context(), s.Key())
	if err != nil {
		t.Fatal(err)
	}
	if _, still := record.Data["pair"].(cloakroom.Value); !still {
		t.Errorf("the pair is now a %T", record.Data["pair"])
	}
	if _, isPickle := pickled["pair"].(cloakroom.Value); !isPickle {
		t.Fatalf("a tuple is a %T", pickled["pair"])
	}
}
