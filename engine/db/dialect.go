package db

import (
	"errors"
	"time"
)

// dialect is what differs from one database to another.
type dialect struct {
	name       string // "SQLite"
	statements statements

	// columns lists the columns of django_session, none when it is missing:
	// name, kind, length or 0 if that is not bounded, whether it is in the
	// primary key, whether an INSERT has to name it.
	columns string

	// kinds are the kinds of a column that hold what Django writes there, its own
	// first.
	kinds map[string][]string

	// indexed tells whether an index begins with expire_date.
	indexed string

	// formatTime gives a moment the form of the column expire_date.
	formatTime func(at time.Time, zone *time.Location) any
	parseTime  func(text string, zone *time.Location) (time.Time, error)

	// diagnose says what an error of the driver means.
	diagnose func(err error) diagnosis

	// isDuplicate reports whether err says that the key is taken, where create
	// does not pass over that.
	isDuplicate func(err error) bool
}

// statements are the SQL of the engine's verbs. The arguments are, in order:
type statements struct {
	load   string // key, now → session_data, expire_date as text
	create string // key, data, expiry → no row if the key is taken, or an error
	save   string // data, expiry, key, data as read, now
	end    string // key, data as read, now
	delete string // key
	expire string // key, now
	touch  string // expiry, key, now
	clear  string // now, limit
	list   string // expiry, expiry again and key of the last of the page before, limit → key, session_data, expire_date as text
	stats  string // now, now → live, expired, bytes
	ping   string // → no row
	clock  string // → now in UTC, as text
	sample string // now, limit → session_data
}

// localTime is a date without its zone.
const localTime = "2006-01-02 15:04:05"

var errNoDate = errors.New("expire_date is no date") // without the text

func parseLocalTime(text string, zone *time.Location) (time.Time, error) {
	at, err := time.ParseInLocation(localTime, text, zone) // takes a fraction too
	if err != nil {
		return time.Time{}, errNoDate
	}
	return at, nil
}
