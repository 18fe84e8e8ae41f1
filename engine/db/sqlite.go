package db

import (
	"errors"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/cloakroom-go/cloakroom"
)

// sqliteDialect is SQLite as Django uses it. Dates are text. They compare as
// moments do, because Django writes either no fraction or six digits of it.
var sqliteDialect = dialect{
	name: "SQLite",
	statements: statements{
		// Without the cast the driver would parse the date, trying many forms.
		load:   `SELECT session_data, CAST(expire_date AS TEXT) FROM django_session WHERE session_key = ? AND expire_date > ?`,
		create: `INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?, ?, ?) ON CONFLICT (session_key) DO NOTHING`,
		save:   `UPDATE django_session SET session_data = ?, expire_date = ? WHERE session_key = ? AND session_data = ? AND expire_date > ?`,
		end:    `DELETE FROM django_session WHERE session_key = ? AND session_data = ? AND expire_date > ?`,
		delete: `DELETE FROM django_session WHERE session_key = ?`,
		expire: `DELETE FROM django_session WHERE session_key = ? AND expire_date <= ?`,
		touch:  `UPDATE django_session SET expire_date = ? WHERE session_key = ? AND expire_date > ?`,
		clear: `DELETE FROM django_session WHERE session_key IN
			(SELECT session_key FROM django_session WHERE expire_date <= ? LIMIT ?)`,
		list: `SELECT session_key, session_data, CAST(expire_date AS TEXT) FROM django_session
			WHERE expire_date >= ? AND (expire_date > ? OR session_key > ?) ORDER BY expire_date, session_key LIMIT ?`,
		stats: `SELECT (SELECT count(*) FROM django_session WHERE expire_date > ?),
			(SELECT count(*) FROM django_session WHERE expire_date <= ?),
			(SELECT coalesce(sum(octet_length(session_data)), 0) FROM django_session)`,
		ping:   `SELECT 1 FROM django_session WHERE session_key = ''`,
		clock:  `SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')`,
		sample: `SELECT session_data FROM django_session WHERE expire_date > ? ORDER BY expire_date DESC LIMIT ?`,
	},
	// Any type is allowed; what it makes of a value is its affinity.
	columns: `SELECT name, CASE
			WHEN type LIKE '%INT%' THEN 'integer'
			WHEN type LIKE '%CHAR%' OR type LIKE '%CLOB%' OR type LIKE '%TEXT%' THEN 'text'
			WHEN type LIKE '%BLOB%' OR type = '' THEN 'blob'
			WHEN type LIKE '%REAL%' OR type LIKE '%FLOA%' OR type LIKE '%DOUB%' THEN 'real'
			ELSE 'datetime' END,
		0, pk > 0, "notnull" AND dflt_value IS NULL FROM pragma_table_info('django_session')`,
	kinds: map[string][]string{
		"session_key": {"text", "blob"}, "session_data": {"text", "blob"}, "expire_date": {"datetime", "text", "blob"},
	},
	indexed: `SELECT EXISTS (SELECT 1 FROM pragma_index_list('django_session') AS list, pragma_index_info(list.name) AS info
		WHERE info.seqno = 0 AND info.name = 'expire_date')`,
	formatTime:  formatSQLiteTime,
	parseTime:   parseLocalTime,
	diagnose:    diagnoseSQLite,
	isDuplicate: never,
}

// formatSQLiteTime writes a date as Django does: microseconds unless they are 0.
func formatSQLiteTime(at time.Time, zone *time.Location) any {
	layout := localTime + ".000000"
	if at.Nanosecond() < 1000 {
		layout = localTime
	}
	return at.In(zone).Format(layout)
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code()
}

func isSQLiteBusy(err error) bool { return sqliteCode(err)&0xFF == sqlite3.SQLITE_BUSY }

func diagnoseSQLite(err error) diagnosis {
	unavailable := func(reason, mend string) diagnosis {
		return diagnosis{cloakroom.ErrUnavailable, reason, mend}
	}
	switch sqliteCode(err) & 0xFF { // without the extended part
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return unavailable("the database is busy", "see which other program keeps a transaction open")
	case sqlite3.SQLITE_FULL:
		return fullDisk
	case sqlite3.SQLITE_READONLY:
		return unavailable("the database is read-only", "let this user write the file and its folder")
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return unavailable("the database cannot be opened", "see that the file is there and this user may read and write it and its folder")
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return unavailable("the database is damaged", "restore the file from a backup")
	case sqlite3.SQLITE_TOOBIG:
		return diagnosis{kind: cloakroom.ErrTooLarge}
	case sqlite3.SQLITE_ERROR:
		if strings.Contains(err.Error(), "no such table") {
			return missingTable
		}
	}
	return unavailable("the database failed", "see the disk that it is on")
}
