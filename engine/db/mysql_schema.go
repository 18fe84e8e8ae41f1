package db

import (
	"context"
	"database/sql"
)

// migrateMySQL runs what Django's "sqlmigrate sessions 0001" prints, as far as
// it is missing. MySQL has no transactions for tables: what is created stays
// when a later step fails, and is found when Migrate is repeated.
func migrateMySQL(ctx context.Context, p *pool, now any) error {
	for _, table := range []string{
		// The index is Django's, which creates it by a statement of its own.
		"CREATE TABLE IF NOT EXISTS `django_session` (`session_key` varchar(40) NOT NULL PRIMARY KEY, `session_data` longtext NOT NULL, `expire_date` datetime(6) NOT NULL, KEY `django_session_expire_date_a5c62663` (`expire_date`))",
		"CREATE TABLE IF NOT EXISTS `django_migrations` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `app` varchar(255) NOT NULL, `name` varchar(255) NOT NULL, `applied` datetime(6) NOT NULL)",
	} {
		if _, err := p.ExecContext(ctx, table); err != nil {
			return err
		}
	}
	if err := indexMySQL(ctx, p); err != nil {
		return err
	}
	for range maxRepeats {
		err := recordMySQLMigration(ctx, p, now)
		if !p.rolledBack(err) {
			return err
		}
	}
	return nil
}

// indexMySQL creates the index on expire_date where a migration of Django's
// ended before it.
func indexMySQL(ctx context.Context, p *pool) error {
	var indexed bool
	if err := p.QueryRowContext(ctx, mysqlDialect.indexed).Scan(&indexed); err != nil || indexed {
		return err
	}
	const alreadyThere = 1061 // somebody was faster
	_, err := p.ExecContext(ctx, "CREATE INDEX `django_session_expire_date_a5c62663` ON `django_session` (`expire_date`)")
	if mysqlCode(err) == alreadyThere {
		return nil
	}
	return err
}

// recordMySQLMigration lets one of those who do it at once win: the others are
// rolled back, and find the record then.
func recordMySQLMigration(ctx context.Context, p *pool, now any) error {
	tx, err := p.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `INSERT INTO django_migrations (app, name, applied) SELECT 'sessions', '0001_initial', ? FROM DUAL
		WHERE NOT EXISTS (SELECT 1 FROM django_migrations WHERE app = 'sessions' AND name = '0001_initial')`, now)
	if err != nil {
		return err
	}
	return tx.Commit()
}
