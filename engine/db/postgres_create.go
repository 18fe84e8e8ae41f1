package db

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom-go/cloakroom"
)

// postgresWanted is a database and its owner on PostgreSQL.
type postgresWanted struct{ database, user, password string }

func parsePostgresWanted(address string) (*postgresWanted, error) {
	config, err := postgresConfig(address)
	switch {
	case err != nil:
		return nil, err
	case config.Database == "":
		return nil, badAddress("it names no database")
	case config.User == "":
		return nil, badAddress("it names no user")
	case strings.ContainsRune(config.User+config.Password+config.Database, 0):
		return nil, badAddress("it has a zero byte")
	}
	return &postgresWanted{config.Database, config.User, config.Password}, nil
}

// Without a password the user can log in by the server's socket alone, if that
// knows users of the system (peer).
func (w *postgresWanted) createUser() string {
	statement := "CREATE ROLE " + postgresName(w.user) + " LOGIN"
	if w.password != "" {
		statement += " PASSWORD " + postgresText(w.password)
	}
	return statement
}

// The owner of a database owns its schema public, to which others have no rights
// since PostgreSQL 15. Only template0 can be copied into any encoding.
func (w *postgresWanted) createDatabase() string {
	return "CREATE DATABASE " + postgresName(w.database) + " OWNER " + postgresName(w.user) + " ENCODING 'UTF8' TEMPLATE template0"
}

func (w *postgresWanted) statements() []string { return []string{w.createUser(), w.createDatabase()} }

func postgresName(name string) string { return pgx.Identifier{name}.Sanitize() }

// postgresText is right whatever standard_conforming_strings says.
func postgresText(text string) string {
	quoted := "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(text) + "'"
	if strings.Contains(text, `\`) {
		return " E" + quoted
	}
	return quoted
}

func (w *postgresWanted) create(ctx context.Context, admin string) (created Created, err error) {
	conn, err := connectPostgres(ctx, admin, "")
	if err != nil {
		return created, err
	}
	defer conn.Close(ctx)
	var super, user bool
	var owner *string // of the database, if there is one
	err = conn.QueryRow(ctx, `SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
		EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1),
		(SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $2)`, w.user, w.database).
		Scan(&super, &user, &owner)
	if err != nil {
		return created, adminFailure(err, diagnosePostgresAdmin)
	}
	for _, step := range []struct {
		what, statement string
		existed         bool
	}{
		{"user " + w.user, w.createUser(), user},
		// Who is no superuser has to be a member of what it makes the owner.
		{"", "GRANT " + postgresName(w.user) + " TO CURRENT_USER", super || owner != nil},
		{"database " + w.database, w.createDatabase(), owner != nil},
	} {
		if !step.existed {
			_, err := conn.Exec(ctx, step.statement)
			step.existed = slices.Contains([]string{"42710", "42P04", "23505"}, postgresCode(err)) // somebody was faster
			if err != nil && !step.existed {
				return created, adminFailure(err, diagnosePostgresAdmin)
			}
		}
		created.add(step.what, step.existed)
	}
	if owner != nil && *owner != w.user {
		return created, w.grant(ctx, admin)
	}
	return created, nil
}

// grant lets the user make tables in a database that is somebody else's.
func (w *postgresWanted) grant(ctx context.Context, admin string) error {
	conn, err := connectPostgres(ctx, admin, w.database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range []string{
		"GRANT CONNECT ON DATABASE " + postgresName(w.database) + " TO " + postgresName(w.user),
		"GRANT USAGE, CREATE ON SCHEMA public TO " + postgresName(w.user),
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return adminFailure(err, diagnosePostgresAdmin)
		}
	}
	return nil
}

// connectPostgres connects to the database that the address names, or another.
func connectPostgres(ctx context.Context, address, database string) (*pgx.Conn, error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	if database != "" {
		config.Database = database
	}
	if config.Database == "" {
		config.Database = "postgres"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, adminFailure(err, diagnosePostgresAdmin)
	}
	return conn, nil
}

func diagnosePostgresAdmin(err error) diagnosis {
	if code := postgresCode(err); code == "22023" || code == "0A000" {
		return diagnosis{cloakroom.ErrConfig, "the database server cannot have a database in UTF-8", "see its locale (initdb --encoding=UTF8)"}
	}
	return diagnosePostgres(err)
}
