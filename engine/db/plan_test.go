package db_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

// No statement reads the table from end to end, whatever its size: each goes by
// an index, and as far as it has to.
func TestPlans(t *testing.T) {
	t.Parallel()
	const fill = `INSERT INTO django_session (session_key, session_data, expire_date) `
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			at := b.shared(t).NewDatabase(t).URL
			e := openAt(t, at)
			migrate(t, e)
			if b.name == "MariaDB" {
				execute(t, at, fill+`SELECT md5(seq), repeat(md5(seq), 10), now(6) - INTERVAL seq SECOND FROM seq_1_to_20000`,
					fill+`SELECT md5(-seq), repeat(md5(seq), 10), now(6) + INTERVAL seq HOUR FROM seq_1_to_200`,
					`ANALYZE TABLE django_session`)
			} else {
				execute(t, at, fill+`SELECT md5(n::text), repeat(md5(n::text), 10), now() - n * interval '1 second' FROM generate_series(1, 20000) n`,
					fill+`SELECT md5((-n)::text), repeat(md5(n::text), 10), now() + n * interval '1 hour' FROM generate_series(1, 200) n`,
					`VACUUM ANALYZE django_session`)
			}
			whole := map[string]string{"MariaDB": "django_session ALL", "PostgreSQL": "Seq Scan on django_session"}[b.name]
			if plan := answer(t, e, `EXPLAIN SELECT session_data FROM django_session`); !strings.Contains(plan, whole) {
				t.Fatalf("the test does not know such a plan when it sees one:\n%s", plan)
			}
			for name, statement := range e.Explainable(cloakroom.NewKey(), time.Now()) {
				plan := answer(t, e, "EXPLAIN "+statement.Text, statement.Args...)
				if strings.Contains(plan, whole) {
					t.Errorf("%s reads the whole table:\n%s", name, plan)
				}
				if !strings.Contains(plan, "django_session") && !strings.Contains(plan, "const") {
					t.Errorf("%s: no plan for django_session:\n%s", name, plan)
				}
			}
		})
	}
}

// answer is what the database answers on the engine's connections, a line for
// each row.
func answer(t *testing.T, e *db.Engine, text string, args ...any) string {
	t.Helper()
	rows, err := e.Query(t.Context(), text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for rows.Next() {
		fields := make([]any, len(columns))
		for i := range fields {
			fields[i] = new(any)
		}
		if err := rows.Scan(fields...); err != nil {
			t.Fatal(err)
		}
		for _, field := range fields {
			switch value := (*field.(*any)).(type) {
			case nil:
			case []byte:
				fmt.Fprintf(&lines, "%s ", value)
			default:
				fmt.Fprintf(&lines, "%v ", value)
			}
		}
		lines.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines.String()
}
