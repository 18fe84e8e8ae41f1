package db

import (
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// postgresDialect is PostgreSQL as Django uses it. A timestamptz is a moment,
// whatever Django's USE_TZ and TIME_ZONE say.
var postgresDialect = dialect{
	name: "PostgreSQL",
	statements: statements{
		load:   `SELECT session_data, expire_date FROM django_session WHERE session_key = $1 AND expire_date > $2`,
		create: `INSERT INTO django_session (session_key, session_data, expire_date) VALUES ($1, $2, $3) ON CONFLICT (session_key) DO NOTHING`,
		save:   `UPDATE django_session SET session_data = $1, expire_date = $2 WHERE session_key = $3 AND session_data = $4 AND expire_date > $5`,
		end:    `DELETE FROM django_session WHERE session_key = $1 AND session_data = $2 AND expire_date > $3`,
		delete: `DELETE FROM django_session WHERE session_key = $1`,
		expire: `DELETE FROM django_session WHERE session_key = $1 AND expire_date <= $2`,
		touch:  `UPDATE django_session SET expire_date = $1 WHERE session_key = $2 AND expire_date > $3`,
		// By their places, so that no plan reads the whole table; without those
		// that somebody else is about to write.
		clear: `DELETE FROM django_session WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM django_session WHERE expire_date <= $1 ORDER BY expire_date LIMIT $2 FOR UPDATE SKIP LOCKED))`,
		list: `SELECT session_key, session_data, expire_date FROM django_session
			WHERE expire_date >= $1 AND (expire_date > $2 OR session_key > $3) ORDER BY expire_date, session_key LIMIT $4`,
		stats: `SELECT live, CASE WHEN expired <= 100000 THEN expired ELSE greatest(expired, total - live) END, bytes
			FROM (SELECT (SELECT count(*) FROM django_session WHERE expire_date > $1) AS live,
				(SELECT count(*) FROM (SELECT 1 FROM django_session WHERE expire_date <= $2 LIMIT 100001) AS earliest) AS expired,
				reltuples::bigint AS total, pg_total_relation_size(oid) AS bytes
				FROM pg_class WHERE oid = 'django_session'::regclass) AS counted`,
		ping:   `SELECT 1 FROM django_session WHERE session_key = ''`,
		clock:  `SELECT clock_timestamp()`,
		sample: `SELECT session_data FROM django_session WHERE expire_date > $1 ORDER BY expire_date DESC LIMIT $2`,
	},
	atOnce: 10_000,
	columns: `SELECT attname, format_type(atttypid, NULL), CASE WHEN atttypid = 'varchar'::regtype THEN greatest(atttypmod - 4, 0) ELSE 0 END,
			EXISTS (SELECT 1 FROM pg_index WHERE indrelid = attrelid AND indisprimary AND attnum = ANY (indkey)),
			attnotnull AND NOT atthasdef AND attidentity = ''
		FROM pg_attribute WHERE attrelid = to_regclass('django_session') AND attnum > 0 AND NOT attisdropped`,
	kinds: map[string][]string{
		"session_key":  {"character varying", "text"},
		"session_data": {"text", "character varying"},
		"expire_date":  {"timestamp with time zone"},
	},
	indexed: `SELECT EXISTS (SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
		WHERE indrelid = to_regclass('django_session') AND attname = 'expire_date')`,
	formatTime: func(at time.Time, _ *time.Location) any { return at },
	parseTime: func(text string, _ *time.Location) (time.Time, error) {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return time.Time{}, errNoDate
		}
		return at, nil
	},
	diagnose:    diagnosePostgres,
	isDuplicate: never,
}

func postgresCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// isPostgresRolledBack: serialization failure, deadlock, and what a server says
// on a connection that it ended while nothing was under way.
func isPostgresRolledBack(err error) bool {
	code := postgresCode(err)
	return code == "40001" || code == "40P01" || code == "57P01"
}

func isPostgresReadOnly(err error) bool { return diagnosePostgres(err) == readOnlyServer }

func isPostgresBroken(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || isConnectionBroken(err)
}
