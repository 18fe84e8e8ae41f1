package db

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"time"
)

// How long a connection to a server lives. The server may move to another address or
// become a replica: no connection is held on to for long.
const (
	shortestLife = 3 * time.Minute
	longestLife  = 5 * time.Minute
)

// aging has each connection end at a time of its own. They often begin together, when
// a site starts or its database comes back; if they ended together too, everybody
// would wait every few minutes while all are made anew.
type aging struct {
	driver.Connector
	shortest, longest time.Duration
}

func (a aging) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := a.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	life := a.shortest + rand.N(a.longest-a.shortest)
	return mortal{conn.(driverConn), time.Now().Add(life)}, nil
}

// driverConn is what both drivers' connections can do.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
}

// mortal is a connection that ends.
type mortal struct {
	driverConn
	ends time.Time
}

// IsValid implements [driver.Validator]: it is asked when somebody gives the
// connection back.
func (m mortal) IsValid() bool {
	if v, ok := m.driverConn.(driver.Validator); ok && !v.IsValid() {
		return false
	}
	return time.Now().Before(m.ends)
}
