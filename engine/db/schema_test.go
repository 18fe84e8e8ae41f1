package db_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// shape is a table django_session, and what is said of it; nothing where both
// Django and Go can work with it.
type shape struct{ key, data, date, want string }

const (
	key  = "varchar(40) NOT NULL PRIMARY KEY"
	text = "text NOT NULL"
)

var shapes = map[string][]shape{
	"SQLite": {
		{key, text, "datetime NOT NULL", ""},
		{"varchar(20) NOT NULL PRIMARY KEY", text, "datetime", ""}, // SQLite keeps what is longer
		{"text PRIMARY KEY", "clob", "text", ""},
		{"integer NOT NULL PRIMARY KEY", text, "datetime", `column "session_key" is of type integer, not text`},
		{key, "real", "datetime", `column "session_data" is of type real, not text`},
		{key, text, "integer", `column "expire_date" is of type integer, not datetime`},
		{key, text, "datetime, owner integer", ""},
		{key, text, "datetime, owner integer NOT NULL DEFAULT 1", ""},
		{key, text, "datetime, owner integer NOT NULL", `column "owner" is unknown`},
		{"varchar(40)", text, "datetime PRIMARY KEY", `column "expire_date" is in the primary key`},
	},
	"MariaDB": {
		{key, "longtext NOT NULL", "datetime(6) NOT NULL", ""},
		{key, "mediumtext", "datetime", ""}, // before MySQL 5.6
		{"char(32) COLLATE utf8mb4_bin PRIMARY KEY", text, "datetime(6)", ""},
		{"varchar(20) PRIMARY KEY", text, "datetime(6)", `column "session_key" holds 20 characters, and a session key has 32`},
		{"binary(32) PRIMARY KEY", text, "datetime(6)", `column "session_key" is of type binary, not varchar`},
		{key, "longblob", "datetime(6)", `column "session_data" is of type longblob, not longtext`},
		{key, "varchar(1000)", "datetime(6)", `column "session_data" is of type varchar, not longtext`},
		{key, text, "timestamp(6)", `column "expire_date" is of type timestamp, not datetime`},
		{key, text, "date", `column "expire_date" is of type date, not datetime`},
		{key, text, "datetime(6), owner integer", ""},
		{key, text, "datetime(6), n integer NOT NULL AUTO_INCREMENT UNIQUE", ""},
		{key, text, "datetime(6), n integer AS (length(session_data)) STORED", ""},
		{key, text, "datetime(6), owner integer NOT NULL", `column "owner" is unknown`},
	},
	"PostgreSQL": {
		{key, text, "timestamptz NOT NULL", ""},
		{"text PRIMARY KEY", "varchar", "timestamptz", ""},
		{"varchar(20) PRIMARY KEY", text, "timestamptz", `column "session_key" holds 20 characters, and a session key has 32`},
		{"char(40) PRIMARY KEY", text, "timestamptz", `column "session_key" is of type character, not character varying`},
		{key, "bytea", "timestamptz", `column "session_data" is of type bytea, not text`},
		{key, text, "timestamp", `column "expire_date" is of type timestamp without time zone, not timestamp with time zone`},
		{key, text, "timestamptz, owner integer", ""},
		{key, text, "timestamptz, n serial", ""},
		{key, text, "timestamptz, n integer GENERATED ALWAYS AS IDENTITY", ""},
		{key, text, "timestamptz, owner integer NOT NULL", `column "owner" is unknown`},
	},
}

func (s shape) create(t *testing.T, d server.Database) {
	t.Helper()
	execute(t, d.URL, "DROP TABLE IF EXISTS django_session",
		"CREATE TABLE django_session (session_key "+s.key+", session_data "+s.data+", expire_date "+s.date+")")
}

// kindOf is the name of the database that a test of onDatabases runs on.
func kindOf(t *testing.T) string { return t.Name()[strings.LastIndex(t.Name(), "/")+1:] }

// What cannot hold what Django writes is refused; what can is used.
func TestShapes(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		early := openAt(t, d.URL) // when there was no table
		for _, s := range shapes[kindOf(t)] {
			s.create(t, d)
			e, err := db.Open(t.Context(), d.URL)
			if s.want != "" {
				for at, err := range map[string]error{"Open": err, "Migrate": early.Migrate(t.Context())} {
					if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), s.want) {
						t.Errorf("%s, %+v: %v", at, s, err)
					}
				}
				continue
			}
			if err != nil {
				t.Errorf("%+v: %v", s, err)
				continue
			}
			worksOn(t, s, e.WithSecretKeys(secret).(*db.Engine))
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func worksOn(t *testing.T, s shape, e *db.Engine) {
	t.Helper()
	r, err := e.Load(t.Context(), create(t, e, nil).Key)
	if err != nil {
		t.Errorf("%+v: %v", s, err)
		return
	}
	listed := 0
	for _, err := range e.List(t.Context()) {
		if listed++; err != nil {
			t.Error(err)
		}
	}
	if err := e.Save(t.Context(), r); err != nil || listed != 1 {
		t.Errorf("%+v: %d listed, Save: %v", s, listed, err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	const unindexed = "django_session has no index on expire_date, so that listing and clearing sessions reads all of it"
	onDatabases(t, func(t *testing.T, d server.Database) {
		e := openAt(t, d.URL)
		check := func(at string, want ...string) {
			t.Helper()
			problems, err := e.Problems(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, problem := range problems {
				if got = append(got, problem.Reason); problem.Mend == "" || !errors.Is(problem, cloakroom.ErrConfig) {
					t.Errorf("no mend, or of another kind: %v", problem)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", at, diff)
			}
		}
		check("nothing", "the table django_session is missing")
		shapes[kindOf(t)][0].create(t, d)
		check("a table alone", unindexed)
		migrate(t, e)
		check("migrated")
		small := map[string]string{"MariaDB": `column "session_data" of django_session, a text, takes no session beyond 65535 bytes`}[kindOf(t)]
		if small != "" {
			execute(t, d.URL, "ALTER TABLE django_session MODIFY session_data text NOT NULL")
			check("a small column", small)
		}
	})
}

// The table of an older Django, without an index, the fraction of a second, and a
// record of migrations, is completed, and known to Django of today as migrated.
func TestMigrateFromOlderDjango(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		dates := map[string]string{"SQLite": "datetime", "MariaDB": "datetime", "PostgreSQL": "timestamptz"}
		texts := map[string]string{"SQLite": text, "MariaDB": "longtext NOT NULL", "PostgreSQL": text}
		shape{key, texts[kindOf(t)], dates[kindOf(t)] + " NOT NULL", ""}.create(t, d)
		e := openAt(t, d.URL)
		before := create(t, e, map[string]any{"from": "before"})
		for range 2 {
			migrate(t, e)
		}
		if problems, err := e.Problems(t.Context()); err != nil || len(problems) != 0 {
			t.Errorf("problems: %v, %v", problems, err)
		}
		django := djangotest.Start(t, dbEngine, d.Settings)
		checkMigrated(t, django)
		if _, ok := django.Load(before.Key); !ok {
			t.Error("Django does not find the session from before")
		}
		key := django.Set(before.Key, "by", "Django")
		if r, err := e.Load(t.Context(), key); err != nil || r.Data["by"] != "Django" {
			t.Errorf("what Django saved: %v", err)
		}
	})
}

func TestMigrateWithoutRights(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		name := s.NewDatabase(t).Name
		reader := name + "_reader"
		for _, statement := range map[string][]string{
			"MariaDB":    {"CREATE USER " + reader + " IDENTIFIED BY 'secret'", "GRANT SELECT, INSERT, UPDATE, DELETE ON " + name + ".* TO " + reader},
			"PostgreSQL": {"CREATE ROLE " + reader + " LOGIN PASSWORD 'secret'"},
		}[b.name] {
			asAdministrator(t, b, s, statement)
		}
		address := to(b, s, reader, "secret", name)
		err := openAt(t, address).Migrate(t.Context())
		if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), "may not create tables in the database (let cloakroom createdb") {
			t.Errorf("without rights: %v", err)
		}
		if _, err := db.CreateDatabase(t.Context(), administrator(b, s), address); err != nil {
			t.Fatal(err)
		}
		migrate(t, openAt(t, address))
	})
}

func TestClockAndSample(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		e := openAt(t, d.URL)
		migrate(t, e)
		at, err := e.Clock(t.Context())
		if off := time.Since(at); err != nil || off.Abs() > 5*time.Second {
			t.Errorf("the clock shows %v, %v", at, err)
		}
		for range 3 {
			create(t, e, nil)
		}
		create(t, e.WithSecretKeys("another"), nil)
		broken := create(t, e, nil)
		execute(t, d.URL, `UPDATE django_session SET session_data = 'x' WHERE session_key = '`+broken.Key+`'`)
		expired := create(t, e.WithSecretKeys("yet another"), nil)
		if err := e.Touch(t.Context(), expired.Key, time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		got, err := e.Sample(t.Context(), 100)
		if want := (db.Sample{Verified: 3, Foreign: 1, Unreadable: 1}); err != nil || got != want {
			t.Errorf("got %+v, want %+v, %v", got, want, err)
		}
		few, err := e.Sample(t.Context(), 2)
		if n := few.Verified + few.Foreign + few.Unreadable; err != nil || n != 2 {
			t.Errorf("a sample of 2: %+v, %v", few, err)
		}
	})
}
