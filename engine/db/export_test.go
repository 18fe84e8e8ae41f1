package db

import (
	"fmt"
	"testing"
)

// CloseIdle closes every connection that is not in use, so that the next use
// has to open the file again.
func (e *Engine) CloseIdle() {
	pools := []*pool{e.read}
	if w, ok := e.write.(*groupWriter); ok {
		pools = append(pools, w.pool)
	}
	for _, p := range pools {
		connections := p.Stats().MaxOpenConnections
		p.SetMaxIdleConns(-1)
		p.SetMaxIdleConns(connections)
	}
}

// LimitPages makes SQLite find the disk full beyond so many pages.
func (e *Engine) LimitPages(t testing.TB, pages int) {
	t.Helper()
	if _, err := e.write.(*groupWriter).ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
}
