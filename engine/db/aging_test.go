package db_test

import (
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom/engine/db"
)

// Connections that began together end one by one, and no request fails for it.
func TestConnectionsAge(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		const together, shortest, longest = 8, time.Second, 3 * time.Second
		pool, err := db.Aging(b.shared(t).NewDatabase(t).URL, shortest, longest)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		pool.SetMaxOpenConns(together)
		pool.SetMaxIdleConns(together)
		number := map[string]string{"MariaDB": "SELECT CONNECTION_ID()", "PostgreSQL": "SELECT pg_backend_pid()"}[b.name]

		var mu sync.Mutex
		last := map[int64]time.Time{} // when each connection was used last
		var all sync.WaitGroup
		for until := time.Now().Add(longest + 500*time.Millisecond); time.Now().Before(until); {
			for range together {
				all.Go(func() {
					var id int64
					if err := pool.QueryRowContext(t.Context(), number).Scan(&id); err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					last[id] = time.Now()
				})
			}
			all.Wait()
			time.Sleep(5 * time.Millisecond)
		}
		ends := map[time.Duration]bool{} // of all that ended, in tenths of a second
		for _, at := range last {
			ends[time.Since(at).Round(100*time.Millisecond)] = true
		}
		if len(last) <= together || len(ends) < together/2 {
			t.Errorf("%d connections ended at %d different times", len(last), len(ends))
		}
	})
}
