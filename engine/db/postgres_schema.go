package db

import "context"

// migratePostgres runs what Django's "sqlmigrate sessions 0001" prints, as far
// as it is missing, in one transaction. To a table that is complete it does
// nothing, for which the user need not own it.
func migratePostgres(ctx context.Context, p *pool, now any) error {
	tx, err := p.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// PostgreSQL has no CREATE TABLE IF NOT EXISTS that two can do at once.
	const others = 0x436C6B72 // "Clkr"
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, others); err != nil {
		return err
	}
	// A query of pg_class sees what they did meanwhile; to_regclass alone may
	// answer from before.
	for _, step := range []struct {
		missing string
		create  []string
	}{
		{
			`SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass('django_session'))`,
			[]string{
				`CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" timestamp with time zone NOT NULL)`,
				`CREATE INDEX "django_session_session_key_c0390e0f_like" ON "django_session" ("session_key" varchar_pattern_ops)`,
			},
		},
		{
			`SELECT NOT (` + postgresDialect.indexed + `)`,
			[]string{`CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date")`},
		},
		{
			`SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass('django_migrations'))`,
			[]string{`CREATE TABLE "django_migrations" ("id" serial NOT NULL PRIMARY KEY, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" timestamp with time zone NOT NULL)`},
		},
	} {
		var missing bool
		if err := tx.QueryRowContext(ctx, step.missing).Scan(&missing); err != nil {
			return err
		}
		if !missing {
			continue
		}
		for _, statement := range step.create {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO django_migrations (app, name, applied) SELECT 'sessions', '0001_initial', $1::timestamptz
		WHERE NOT EXISTS (SELECT 1 FROM django_migrations WHERE app = 'sessions' AND name = '0001_initial')`, now)
	if err != nil {
		return err
	}
	return tx.Commit()
}
