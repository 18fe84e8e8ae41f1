package db_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/processes"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

func TestMain(m *testing.M) {
	processes.Main(m, openProcess, map[string]processes.Role{
		"open": func(context.Context, cloakroom.Engine, string) error { return nil },
	})
}

func openProcess(ctx context.Context, address string) (cloakroom.Engine, error) {
	e, err := db.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	return e.WithSecretKeys(secret), nil
}

func TestTwoProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		e := openAt(t, d.URL)
		migrate(t, e)
		processes.LoseNothing(t, e, d.URL)
	})
}

func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		e := openAt(t, d.URL)
		migrate(t, e)
		acknowledged := processes.Acknowledged{}
		for range 3 {
			acknowledged.SaveUntil(t, d.URL, func(p *os.Process) { _ = p.Kill() })
		}
		acknowledged.Check(t, e, 3)
	})
}

// killedServerLosesNothing: a server that is killed keeps what it confirmed.
func killedServerLosesNothing(t *testing.T, s *server.Server) {
	d := s.NewDatabase(t)
	e := openAt(t, d.URL)
	migrate(t, e)
	acknowledged := processes.Acknowledged{}
	for range 2 {
		acknowledged.SaveUntil(t, d.URL, func(*os.Process) { crash(s) })
		s.Start()
	}
	acknowledged.Check(t, e, 2)
}

// publicDir is a folder that everybody may read.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Several that begin on a database which is empty yet are in nobody's way.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				opened, err := openProcess(t.Context(), d.URL)
				if err != nil {
					t.Error(err)
					return
				}
				e := opened.(*db.Engine)
				r := &cloakroom.Record{Expires: time.Now().Add(time.Hour)}
				if err := errors.Join(e.Migrate(t.Context()), e.Create(t.Context(), r), e.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		applied := texts(t, d.URL, `SELECT name FROM django_migrations`)
		if diff := cmp.Diff([]string{"0001_initial"}, applied); diff != "" {
			t.Errorf("recorded as migrated (-want +got):\n%s", diff)
		}
	})
}
