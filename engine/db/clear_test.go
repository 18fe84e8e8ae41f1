package db_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom/engine/db"
)

// A backlog goes in the order of the key, everything else in that of the expiry;
// neither deletes more at once than it may.
func TestSweep(t *testing.T) {
	t.Parallel()
	const fill = `INSERT INTO django_session (session_key, session_data, expire_date) SELECT md5(seq), 'x', `
	for name, c := range map[string]struct {
		expired, live string // statements
		n             int
		walks         bool
	}{
		"a backlog":           {fill + `now(6) - INTERVAL seq SECOND FROM seq_1_to_30000`, fill + `now(6) + INTERVAL 1 DAY FROM seq_30001_to_33000`, 30_000, true},
		"few of a few":        {fill + `now(6) - INTERVAL seq SECOND FROM seq_1_to_3000`, fill + `now(6) + INTERVAL 1 DAY FROM seq_3001_to_3300`, 3_000, false},
		"a little of a large": {fill + `now(6) - INTERVAL seq SECOND FROM seq_1_to_11000`, fill + `now(6) + INTERVAL 1 DAY FROM seq_11001_to_141000`, 11_000, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := brands[0].shared(t).NewDatabase(t).URL
			e := openAt(t, at)
			migrate(t, e)
			execute(t, at, c.expired, c.live, `ANALYZE TABLE django_session`)
			const limit = 2000
			cleared, short := 0, 0
			for n, err := range e.Sweep(t.Context(), func() int { return limit }) {
				if err != nil || n > limit {
					t.Fatalf("%d at once, %v", n, err)
				}
				if cleared += n; n > 0 && n < limit && cleared < c.n {
					short++ // a stretch has live rows too
				}
			}
			if cleared != c.n || short > 0 != c.walks {
				t.Errorf("cleared %d of %d, %d times less than the limit", cleared, c.n, short)
			}
			if s, err := e.Stats(t.Context()); err != nil || s.Expired != 0 {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

// While a walk is under way nothing of what it deleted is purged; afterwards no
// transaction is left open.
func TestWalkHoldsASnapshot(t *testing.T) {
	t.Parallel()
	s := brands[0].start(t)
	at := s.NewDatabase(t).URL
	e := openAt(t, at)
	migrate(t, e)
	execute(t, at, `INSERT INTO django_session (session_key, session_data, expire_date) SELECT md5(seq), 'x', now(6) - INTERVAL 1 DAY FROM seq_1_to_30000`)
	admin, err := sql.Open("mysql", "root@unix("+s.Socket+")/")
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	open := func() (n int) {
		time.Sleep(200 * time.Millisecond) // InnoDB answers with what it said a tenth of a second ago
		if err := admin.QueryRowContext(t.Context(), `SELECT count(*) FROM information_schema.innodb_trx WHERE trx_isolation_level = 'REPEATABLE READ'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	steps := 0
	for _, err := range e.Sweep(t.Context(), func() int { return 1000 }) {
		if err != nil {
			t.Fatal(err)
		}
		if steps++; steps == 5 {
			if n := open(); n != 1 {
				t.Errorf("%d snapshots during the walk", n)
			}
		}
		if steps == 20 {
			break // somebody who has enough
		}
	}
	if n := open(); n != 0 || steps != 20 {
		t.Errorf("%d snapshots after %d steps", n, steps)
	}
	// With one connection there is none to spare.
	for _, err := range openAt(t, at, db.WithConnections(1)).Sweep(t.Context(), func() int { return 10_000 }) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if stats, err := e.Stats(t.Context()); err != nil || stats.Expired != 0 {
		t.Errorf("%+v, %v", stats, err)
	}
}
