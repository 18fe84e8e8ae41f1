package db

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// lateAnswer is how long an answer is waited for that nobody wants any more. pgx
// would end the connection at once, and those who stayed would wait for another.
const lateAnswer = 100 * time.Millisecond

// whenOver is what becomes of a connection whose context ends during a statement.
type whenOver struct{ conn net.Conn }

func newWhenOver(c *pgconn.PgConn) ctxwatch.Handler { return whenOver{c.Conn()} }

// HandleCancel implements [ctxwatch.Handler].
func (w whenOver) HandleCancel(ctx context.Context) {
	end := time.Now()
	if errors.Is(ctx.Err(), context.Canceled) {
		end = end.Add(lateAnswer)
	}
	_ = w.conn.SetDeadline(end) // a connection that is closed needs none
}

// HandleUnwatchAfterCancel implements [ctxwatch.Handler].
func (w whenOver) HandleUnwatchAfterCancel() { _ = w.conn.SetDeadline(time.Time{}) }
