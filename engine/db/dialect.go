package db

import (
	"context"
	"time"
)

// dialect is what differs from one database to another.
type dialect struct {
	name       string // "SQLite"
	statements statements

	// migrate creates what is missing of the tables. It may be repeated, and
	// runs as one transaction where the database has such for tables.
	migrate func(ctx context.Context, write *writer, now any) error

	// columns lists the columns of django_session, none when it is missing.
	columns func(ctx context.Context, read *pool) ([]column, error)

	// formatTime gives a moment the form of the column expire_date.
	formatTime func(at time.Time, zone *time.Location) any
	parseTime  func(text string, zone *time.Location) (time.Time, error)

	// diagnose says what an error of the driver means.
	diagnose func(err error) diagnosis

	// isDuplicate reports whether err says that the key is taken.
	isDuplicate func(err error) bool
}

// statements are the SQL of the engine's verbs. The arguments are, in order:
type statements struct {
	load   string // key, now → session_data, expire_date as text
	exists string // key, now → 1
	create string // key, data, expiry
	save   string // data, expiry, key, data as read, now
	end    string // key, data as read, now
	delete string // key
	touch  string // expiry, key, now
	clear  string // now, limit
	list   string // the last key of the page before, now, limit → key, session_data, expire_date as text
	stats  string // now, now → live, expired, bytes
	ping   string // → any row or none
}

// column is one of a table's.
type column struct {
	name    string
	primary bool
}
