package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cloakroom-go/cloakroom"
)

// Migrate creates the table django_session and its index where they are
// missing, exactly as Django does, and records that in django_migrations so
// that Django's own migrate finds nothing to do. It may be repeated. A table that
// is there stays as it is, but for a missing index; PostgreSQL lets nobody write
// while it makes that.
func (e *Engine) Migrate(ctx context.Context) error {
	if err := e.checkTable(ctx, "migrate"); err != nil {
		return err
	}
	return failure("migrate", e.migrate(ctx, e.now()), func(err error) diagnosis {
		found := e.diagnose(err)
		if found == missingGrant {
			found.reason, found.mend = "this user may not create tables in the database", "let cloakroom createdb grant it what migrating needs, or name a user who may"
		}
		return found
	})
}

// checkTable refuses a table that does not hold what Django writes. A missing
// one may still come.
func (e *Engine) checkTable(ctx context.Context, op string) error {
	columns, err := e.readColumns(ctx)
	if err != nil {
		return e.failure(op, err)
	}
	if len(columns) == 0 {
		return nil
	}
	if differences := e.compare(columns); len(differences) > 0 {
		return &cloakroom.Error{
			Engine: "db", Op: op, Kind: cloakroom.ErrConfig,
			Reason: "the table django_session is not Django's: " + strings.Join(differences, ", "),
			Mend:   "move it out of the way, then let cloakroom or Django create it (migrate)",
		}
	}
	return nil
}

// column is one of a table's.
type column struct {
	name, kind string
	length     int64 // 0 without a bound
	primary    bool
	required   bool // an INSERT has to name it
}

func (d *database) readColumns(ctx context.Context) ([]column, error) {
	rows, err := d.read.QueryContext(ctx, d.columns)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var columns []column
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.name, &c.kind, &c.length, &c.primary, &c.required); err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

// compare says what of a table neither Django nor we could work with. Columns
// beside Django's are left alone by both, where they can be.
func (d *database) compare(columns []column) (differences []string) {
	differ := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	for _, name := range []string{"session_key", "session_data", "expire_date"} {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.name == name }) {
			differ("column %q is missing", name)
		}
	}
	incomplete := len(differences) > 0
	for _, c := range columns {
		kinds, known := d.kinds[c.name]
		switch {
		case !known && (c.required || incomplete):
			differ("column %q is unknown", c.name)
		case known && !slices.Contains(kinds, c.kind):
			differ("column %q is of type %s, not %s", c.name, c.kind, kinds[0])
		case c.name == "session_key" && c.length > 0 && c.length < keyLength:
			differ("column %q holds %d characters, and a session key has %d", c.name, c.length, keyLength)
		}
		switch {
		case c.name == "session_key" && !c.primary:
			differ("column %q is not the primary key", c.name)
		case c.name != "session_key" && c.primary:
			differ("column %q is in the primary key", c.name)
		}
	}
	return differences
}

// keyLength is that of Django's session keys, and of ours.
const keyLength = 32

// largestText is the least that a column for any session holds: MySQL's
// mediumtext.
const largestText = 1<<24 - 1

// Problems tells what is amiss with a table that works all the same, or that is
// missing: each with its mend, and of the kind [cloakroom.ErrConfig]. A table
// that cannot work is refused by [Open].
func (e *Engine) Problems(ctx context.Context) ([]*cloakroom.Error, error) {
	var problems []*cloakroom.Error
	add := func(d diagnosis) {
		problems = append(problems, &cloakroom.Error{Engine: "db", Op: "check", Kind: d.kind, Reason: d.reason, Mend: d.mend})
	}
	columns, err := e.readColumns(ctx)
	if err != nil {
		return nil, e.failure("check", err)
	}
	if len(columns) == 0 {
		add(missingTable)
		return problems, nil
	}
	for _, c := range columns {
		if c.name == "session_data" && c.length > 0 && c.length < largestText {
			add(diagnosis{
				cloakroom.ErrConfig,
				fmt.Sprintf("column %q of django_session, a %s, takes no session beyond %d bytes", c.name, c.kind, c.length),
				"make it a " + e.kinds[c.name][0] + ", as Django does: ALTER TABLE",
			})
		}
	}
	var indexed bool
	if err := e.read.QueryRowContext(ctx, e.indexed).Scan(&indexed); err != nil {
		return nil, e.failure("check", err)
	}
	if !indexed {
		add(diagnosis{
			cloakroom.ErrConfig,
			"django_session has no index on expire_date, so that listing and clearing sessions reads all of it",
			"create it with cloakroom migrate",
		})
	}
	return problems, nil
}
