package roster_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/roster"
)

// engines are those whose lists and deletes could get into each other's way.
func engines(t *testing.T) map[string]cloakroom.Engine {
	table, err := db.Open(t.Context(), "sqlite:///"+filepath.Join(t.TempDir(), "sessions.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	if err := table.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := file.Open(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]cloakroom.Engine{
		"locmem": locmem.Open(), "db": table.WithSecretKeys("secret"), "file": files.WithSecretKeys("secret"),
	}
}

func create(t *testing.T, engine cloakroom.Engine, user string) string {
	t.Helper()
	r := &cloakroom.Record{Data: map[string]any{"user": user}, Expires: time.Now().Add(time.Hour)}
	if err := engine.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r.Key
}

func TestFind(t *testing.T) {
	t.Parallel()
	for name, engine := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := create(t, engine, "ada")
			create(t, engine, "grace")
			for _, text := range []string{key, key[:31], key[:6]} {
				record, err := roster.Find(t.Context(), engine, text)
				if err != nil || record.Key != key {
					t.Errorf("%d characters: %v, %v", len(text), record, err)
				}
			}
			for text, says := range map[string]string{key[:5]: "too little", "zzzzzzzz": "no session", strings.Repeat("z", 32): "not found", "": "too little"} {
				if _, err := roster.Find(t.Context(), engine, text); !errors.Is(err, cloakroom.ErrNotFound) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), key[:5]) {
					t.Errorf("%q: %v", text, err)
				}
			}
		})
	}
}

// twins lists two sessions whose keys begin alike.
type twins struct{ *cache.Engine }

func (twins) List(context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		for _, key := range []string{"abcdefgh1", "abcdefgh1", "abcdefgh2"} {
			if !yield(&cloakroom.Record{Key: key}, nil) {
				return
			}
		}
	}
}

func TestFindWhatBeginsAlike(t *testing.T) {
	t.Parallel()
	if _, err := roster.Find(t.Context(), twins{locmem.Open()}, "abcdefgh"); err == nil || !strings.Contains(err.Error(), "more of the key") {
		t.Error(err)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	for name, engine := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := create(t, engine, "grace")
			for range 50 {
				create(t, engine, "ada")
			}
			told := 0
			tally, err := roster.End(t.Context(), engine, func(r *cloakroom.Record) bool {
				return r.Key != kept
			}, func(roster.Tally) { told++ })
			if err != nil || tally != (roster.Tally{Read: 51, Ended: 50}) || told == 0 {
				t.Errorf("%+v, told %d times, %v", tally, told, err)
			}
			if _, err := engine.Load(t.Context(), kept); err != nil {
				t.Error(err)
			}
		})
	}
}

// stuck lists its sessions, and then nothing more.
type stuck struct{ *cache.Engine }

func (s stuck) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		for record, err := range s.Engine.List(ctx) {
			if !yield(record, err) {
				return
			}
		}
		<-ctx.Done()
		yield(nil, &cloakroom.Error{Engine: "stuck", Op: "list", Kind: cloakroom.ErrUnavailable, Err: ctx.Err()})
	}
}

func TestEndWithinADeadline(t *testing.T) {
	t.Parallel()
	engine := stuck{locmem.Open()}
	create(t, engine, "ada")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	tally, err := roster.End(ctx, engine, func(*cloakroom.Record) bool { return true }, func(roster.Tally) {})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cloakroom.ErrUnavailable) || tally != (roster.Tally{Read: 1, Ended: 1}) {
		t.Errorf("%+v, %v", tally, err)
	}
}

func TestCookiesCannotBeListed(t *testing.T) {
	t.Parallel()
	engine := cookie.Open().WithSecretKeys("secret")
	key := create(t, engine, "ada")
	if _, err := roster.Find(t.Context(), engine, key); err != nil {
		t.Error(err)
	}
	_, err := roster.End(t.Context(), engine, func(*cloakroom.Record) bool { return true }, func(roster.Tally) {})
	if !errors.Is(err, cloakroom.ErrConfig) {
		t.Error(err)
	}
}
