package db

import (
	"database/sql/driver"
	"errors"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mysqlDialect is MySQL and MariaDB as Django uses them.
//
// A column's text compares by its collation, which takes upper for lower case
// and ignores spaces at the end. What was read is compared byte for byte.
var mysqlDialect = dialect{
	name: "MySQL",
	statements: statements{
		load:   `SELECT session_data, expire_date FROM django_session WHERE session_key = ? AND expire_date > ?`,
		create: `INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?, ?, ?)`,
		save:   `UPDATE django_session SET session_data = ?, expire_date = ? WHERE session_key = ? AND session_data = CAST(? AS BINARY) AND expire_date > ?`,
		end:    `DELETE FROM django_session WHERE session_key = ? AND session_data = CAST(? AS BINARY) AND expire_date > ?`,
		delete: `DELETE FROM django_session WHERE session_key = ?`,
		expire: `DELETE FROM django_session WHERE session_key = ? AND expire_date <= ?`,
		touch:  `UPDATE django_session SET expire_date = ? WHERE session_key = ? AND expire_date > ?`,
		clear:  `DELETE FROM django_session WHERE expire_date <= ? ORDER BY expire_date LIMIT ?`,
		list: `SELECT session_key, session_data, expire_date FROM django_session
			WHERE expire_date >= ? AND (expire_date > ? OR session_key > ?) ORDER BY expire_date, session_key LIMIT ?`,
		stats: `SELECT live, CASE WHEN expired <= 100000 THEN expired ELSE GREATEST(expired, CAST(total AS SIGNED) - live) END, bytes
			FROM (SELECT (SELECT count(*) FROM django_session WHERE expire_date > ?) AS live,
				(SELECT count(*) FROM (SELECT 1 FROM django_session WHERE expire_date <= ? LIMIT 100001) AS earliest) AS expired,
				table_rows AS total, data_length + index_length AS bytes
				FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'django_session') AS counted`,
		ping:   `SELECT 1 FROM django_session WHERE session_key = ''`,
		clock:  `SELECT UTC_TIMESTAMP(6)`,
		sample: `SELECT session_data FROM django_session WHERE expire_date > ? ORDER BY expire_date DESC LIMIT ?`,

		some:   `SELECT count(*) FROM (SELECT 1 FROM django_session WHERE expire_date <= ? LIMIT ?) AS earliest`,
		ahead:  `SELECT session_key FROM django_session WHERE session_key >= ? ORDER BY session_key LIMIT 1 OFFSET ?`,
		walk:   `DELETE FROM django_session WHERE session_key >= ? AND session_key < ? AND expire_date <= ? ORDER BY session_key LIMIT ?`,
		walkOn: `DELETE FROM django_session WHERE session_key >= ? AND expire_date <= ? ORDER BY session_key LIMIT ?`,
	},
	atOnce: 10_000,
	columns: `SELECT column_name, data_type, COALESCE(character_maximum_length, 0), column_key = 'PRI',
			is_nullable = 'NO' AND column_default IS NULL AND extra NOT LIKE '%auto_increment%' AND extra NOT LIKE '%generated%'
		FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'django_session'`,
	// Before MySQL 5.6 and Django 1.8 a datetime had no fraction; it is served as
	// well, rounded to seconds.
	kinds: map[string][]string{
		"session_key": {"varchar", "char"}, "session_data": {"longtext", "mediumtext", "text"}, "expire_date": {"datetime"},
	},
	indexed: `SELECT EXISTS (SELECT 1 FROM information_schema.statistics
		WHERE table_schema = DATABASE() AND table_name = 'django_session' AND column_name = 'expire_date' AND seq_in_index = 1)`,
	formatTime:  func(at time.Time, zone *time.Location) any { return at.In(zone).Format(localTime + ".000000") },
	parseTime:   parseLocalTime,
	diagnose:    diagnoseMySQL,
	isDuplicate: func(err error) bool { return mysqlCode(err) == 1062 },
}

func mysqlCode(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}

// isMySQLRolledBack: a lock was not to be had in time, or in a deadlock (which is
// also what a Galera cluster says of a write that another node was faster with).
func isMySQLRolledBack(err error) bool {
	code := mysqlCode(err)
	return code == 1205 || code == 1213 || code == 1020
}

func isMySQLReadOnly(err error) bool { return diagnoseMySQL(err) == readOnlyServer }

func isMySQLBroken(err error) bool {
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) || isConnectionBroken(err)
}
