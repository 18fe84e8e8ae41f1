package db_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// onDatabases runs a test on each kind of database, with an empty one of its
// own.
func onDatabases(t *testing.T, test func(t *testing.T, d server.Database)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, sqliteDatabase(t))
	})
	onServers(t, func(t *testing.T, b brand) { test(t, b.shared(t).NewDatabase(t)) })
}

func sqliteDatabase(t *testing.T) server.Database {
	path := filepath.Join(t.TempDir(), "site.sqlite3")
	return server.Database{
		URL:      "sqlite:///" + path,
		Settings: `DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "` + path + `"}}`,
	}
}

const dbEngine = `SESSION_ENGINE = "django.contrib.sessions.backends.db"`

// Django and Go share their sessions, whatever Django's settings are, as long as
// Go is told of them.
func TestBesideDjango(t *testing.T) {
	t.Parallel()
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	const (
		// Django reads a settings file so; the site's settings are in none.
		local  = "import os, time\nUSE_TZ = False\nos.environ['TZ'] = TIME_ZONE = 'Europe/Prague'\ntime.tzset()"
		legacy = "DEFAULT_HASHING_ALGORITHM = 'sha1'"
		pickle = "SESSION_SERIALIZER = 'django.contrib.sessions.serializers.PickleSerializer'"
	)
	for name, c := range map[string]struct {
		settings []djangotest.Settings
		options  []db.Option
	}{
		"JSON":   {nil, nil},
		"pickle": {[]djangotest.Settings{pickle}, []db.Option{db.WithSerializer(session.Pickle)}},
		"legacy in local time": {
			[]djangotest.Settings{legacy, local},
			[]db.Option{db.WithLegacyFormat(), db.WithTimeZone(prague)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onDatabases(t, func(t *testing.T, d server.Database) {
				django := djangotest.Start(t, append(c.settings, dbEngine, d.Settings)...)
				e := openAt(t, d.URL, c.options...)
				migrate(t, e)
				djangotest.Interop(t, e, django)
			})
		})
	}
}

// The tables that Go creates are Django's to the letter, and known as migrated.
func TestMigrateAsDjango(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		compareMigrations(t, sqliteDatabase(t), sqliteDatabase(t), `
SELECT name || ': ' || sql FROM sqlite_schema WHERE name LIKE 'django%' ORDER BY name`)
	})
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		compareMigrations(t, s.NewDatabase(t), s.NewDatabase(t), map[string]string{
			"MariaDB": `
SELECT concat_ws(' ', table_name, ordinal_position, column_name, column_type, is_nullable, column_default, column_key, extra)
	FROM information_schema.columns WHERE table_schema = database()
UNION SELECT concat_ws(' ', table_name, index_name, non_unique, seq_in_index, column_name, sub_part, index_type)
	FROM information_schema.statistics WHERE table_schema = database()
UNION SELECT concat_ws(' ', table_name, engine, table_collation, create_options)
	FROM information_schema.tables WHERE table_schema = database() ORDER BY 1`,
			"PostgreSQL": `
SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, character_maximum_length, is_nullable, column_default)
	FROM information_schema.columns WHERE table_schema = 'public'
UNION SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
	WHERE connamespace = 'public'::regnamespace ORDER BY 1`,
		}[b.name])
	})
}

// compareMigrations lets Go migrate one database and Django the other. The query
// lists what is there then, as text.
func compareMigrations(t *testing.T, goes, djangos server.Database, query string) {
	t.Helper()
	e := openAt(t, goes.URL)
	for range 2 {
		migrate(t, e)
	}
	django := djangotest.Start(t, dbEngine, djangos.Settings)
	django.Migrate()
	onOurs := djangotest.Start(t, dbEngine, goes.Settings)
	checkMigrated(t, onOurs)
	if diff := cmp.Diff(texts(t, djangos.URL, query), texts(t, goes.URL, query)); diff != "" {
		t.Errorf("the tables differ (-Django +Go):\n%s", diff)
	}
	// On what Django migrated, there is nothing to do, and nothing to own.
	migrate(t, openAt(t, djangos.URL))
	onOurs.Migrate()
}

// texts runs a query whose rows are one text each.
func texts(t *testing.T, address, query string) []string {
	t.Helper()
	rows, err := handle(t, address).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var texts []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if err := rows.Err(); err != nil || len(texts) == 0 {
		t.Fatalf("%d rows, %v", len(texts), err)
	}
	return texts
}
