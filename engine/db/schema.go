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
// that Django's own migrate finds nothing to do. It may be repeated.
func (e *Engine) Migrate(ctx context.Context) error {
	if err := e.migrate(ctx, e.now()); err != nil {
		return e.failure("migrate", err)
	}
	return e.checkTable(ctx, "migrate")
}

// checkTable refuses a table of another shape. A missing one may still come.
func (e *Engine) checkTable(ctx context.Context, op string) error {
	columns, err := e.readColumns(ctx)
	if err != nil {
		return e.failure(op, err)
	}
	if len(columns) == 0 {
		return nil
	}
	if differences := compareColumns(columns); len(differences) > 0 {
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
	name    string
	primary bool
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
		if err := rows.Scan(&c.name, &c.primary); err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

func compareColumns(columns []column) (differences []string) {
	wanted := []string{"session_key", "session_data", "expire_date"}
	for _, name := range wanted {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.name == name }) {
			differences = append(differences, fmt.Sprintf("column %q is missing", name))
		}
	}
	for _, c := range columns {
		switch {
		case !slices.Contains(wanted, c.name):
			differences = append(differences, fmt.Sprintf("column %q is unknown", c.name))
		case c.name == "session_key" && !c.primary:
			differences = append(differences, fmt.Sprintf("column %q is not the primary key", c.name))
		case c.name != "session_key" && c.primary:
			differences = append(differences, fmt.Sprintf("column %q is in the primary key", c.name))
		}
	}
	return differences
}
