package db_test

import (
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// administrator is the address of a server for its administrator, who comes in by
// the socket.
func administrator(b brand, s *server.Server) string {
	if b.name == "PostgreSQL" {
		return "postgres://postgres@/postgres?" + url.Values{"host": {s.Dir}, "port": {port(s)}}.Encode()
	}
	return "mysql://root@/?" + url.Values{"unix_socket": {s.Socket}}.Encode()
}

// asAdministrator runs a statement in no particular database.
func asAdministrator(t *testing.T, b brand, s *server.Server, statement string) {
	t.Helper()
	administrate(t, b, s, to(b, s, "", "", map[string]string{"PostgreSQL": "postgres"}[b.name]), statement)
}

func port(s *server.Server) string {
	_, port, _ := strings.Cut(s.Addr, ":")
	return port
}

// to is the address of a database on a server.
func to(b brand, s *server.Server, user, password, database string) string {
	scheme := map[string]string{"MariaDB": "mysql", "PostgreSQL": "postgres"}[b.name]
	u := url.URL{Scheme: scheme, User: url.UserPassword(user, password), Host: s.Addr, Path: "/" + database}
	return u.String()
}

// apart is a name of the test's own on a server that it shares, also with its
// next run.
func apart(name string) string { return name + strings.ToLower(rand.Text()[:8]) }

// From nothing to storage: names and passwords may hold anything, what is there
// already stays, and in the end Django finds nothing to do.
func TestCreateDatabase(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		for name, c := range map[string]struct{ user, password, database string }{
			"plain":   {apart("dash"), "secret", apart("dash")},
			"hostile": {apart("o'dash`\"; --"), `p'a"s\' OR 1=1; -- $p$ %s ?`, apart("my_d%b `\"'; DROP")},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				address := to(b, s, c.user, c.password, c.database)
				created, err := db.CreateDatabase(t.Context(), administrator(b, s), address)
				if err != nil {
					t.Fatal(err)
				}
				if len(created.Existing) != 0 || !slices.Contains(created.New, "database "+c.database) {
					t.Errorf("at first: %+v", created)
				}
				again, err := db.CreateDatabase(t.Context(), administrator(b, s), address)
				if err != nil {
					t.Fatal(err)
				}
				slices.Sort(again.Existing)
				slices.Sort(created.New)
				if diff := cmp.Diff(db.Created{Existing: created.New}, again); diff != "" {
					t.Errorf("again (-want +got):\n%s", diff)
				}
				e := openAt(t, address)
				migrate(t, e)
				create(t, e, nil)
				for range 2 { // with its table
					if _, err := db.CreateDatabase(t.Context(), administrator(b, s), address); err != nil {
						t.Error(err)
					}
				}
			})
		}
	})
}

// The SQL that is shown does the same.
func TestStatements(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		address := to(b, s, apart(`sh'ow\n`), `p'a"s\n`, apart("show_n"))
		statements, err := db.Statements(address)
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			asAdministrator(t, b, s, statement)
		}
		e := openAt(t, address)
		migrate(t, e)
		create(t, e, nil)
	})
}

// The rights are those to the one database: none to another whose name a GRANT's
// pattern would match.
func TestRightsToOneDatabase(t *testing.T) {
	t.Parallel()
	b := brands[0]
	s := b.shared(t)
	admin := administrator(b, s)
	one := apart("a_b")
	other := strings.Replace(one, "_", "x", 1)
	for _, database := range []string{one, other} {
		if _, err := db.CreateDatabase(t.Context(), admin, to(b, s, "to_"+database, "secret", database)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := db.Open(t.Context(), to(b, s, "to_"+one, "secret", other))
	if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), "may not use it") {
		t.Errorf("another database: %v", err)
	}
}

// A database that somebody else made and owns serves as well.
func TestCreateInAnothersDatabase(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		name := apart("anothers")
		asAdministrator(t, b, s, "CREATE DATABASE "+name)
		address := to(b, s, apart("guest"), "secret", name)
		created, err := db.CreateDatabase(t.Context(), administrator(b, s), address)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"database " + name}, created.Existing); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		e := openAt(t, address)
		migrate(t, e)
		create(t, e, nil)
	})
}

// A user that is there keeps its password.
func TestCreateForExistingUser(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		admin := administrator(b, s)
		keeper, first, second := apart("keeper"), apart("first"), apart("second")
		if _, err := db.CreateDatabase(t.Context(), admin, to(b, s, keeper, "the first", first)); err != nil {
			t.Fatal(err)
		}
		_, err := db.CreateDatabase(t.Context(), admin, to(b, s, keeper, "the second", second))
		if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), "there was such a user already") {
			t.Errorf("with another password: %v", err)
		}
		if strings.Contains(err.Error(), "the second") {
			t.Error("the error tells the password")
		}
		openAt(t, to(b, s, keeper, "the first", first))
		if _, err := db.CreateDatabase(t.Context(), admin, to(b, s, keeper, "the first", second)); err != nil {
			t.Errorf("with its own: %v", err)
		}
	})
}

// An administrator need not be one of all.
func TestCreateByLesserAdministrator(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		lesser, user, name := apart("lesser"), apart("under"), apart("lessers")
		statements := map[string][]string{
			"MariaDB": {
				"CREATE USER " + lesser + " IDENTIFIED BY 'secret'",
				"GRANT CREATE USER ON *.* TO " + lesser,
				"GRANT ALL ON " + name + ".* TO " + lesser + " WITH GRANT OPTION",
			},
			"PostgreSQL": {"CREATE ROLE " + lesser + " LOGIN PASSWORD 'secret' CREATEDB CREATEROLE"},
		}[b.name]
		for _, statement := range statements {
			asAdministrator(t, b, s, statement)
		}
		address := to(b, s, user, "secret", name)
		admin, err := db.Administrator(address, lesser, "secret")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.CreateDatabase(t.Context(), admin, address); err != nil {
			t.Fatal(err)
		}
		migrate(t, openAt(t, address))

		under, err := db.Administrator(address, user, "secret")
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.CreateDatabase(t.Context(), under, to(b, s, apart("below"), "secret", apart("below")))
		if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), "the administrator may not create") {
			t.Errorf("who may not: %v", err)
		}
		wrong, err := db.Administrator(address, lesser, "wrong")
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.CreateDatabase(t.Context(), wrong, address)
		if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), "refuses the administrator") {
			t.Errorf("a wrong password: %v", err)
		}
	})
}

// From nothing to storage that Django finds complete.
func TestFromNothingForDjango(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		user, name := apart("site"), apart("site")
		address := to(b, s, user, "secret", name)
		if _, err := db.CreateDatabase(t.Context(), administrator(b, s), address); err != nil {
			t.Fatal(err)
		}
		e := openAt(t, address)
		migrate(t, e)
		backend := map[string]string{"MariaDB": "mysql", "PostgreSQL": "postgresql"}[b.name]
		django := djangotest.Start(t, dbEngine, `DATABASES = {"default": {"ENGINE": "django.db.backends.`+backend+
			`", "NAME": "`+name+`", "USER": "`+user+`", "PASSWORD": "secret", "HOST": "127.0.0.1", "PORT": "`+port(s)+`"}}`)
		checkMigrated(t, django)
		if _, err := e.Load(t.Context(), django.Create(map[string]any{"from": "Django"})); err != nil {
			t.Error(err)
		}
	})
}

// checkMigrated runs Django's "migrate --check".
func checkMigrated(t *testing.T, django *djangotest.Django) {
	t.Helper()
	django.Exec(`
from django.core.management import call_command
call_command("migrate", check_unapplied=True, verbosity=0)`)
}

func TestCreateFile(t *testing.T) {
	t.Parallel()
	address := "sqlite:///" + t.TempDir() + "/new.sqlite3"
	first, err := db.CreateDatabase(t.Context(), "", address)
	if err != nil || len(first.New) != 1 || len(first.Existing) != 0 {
		t.Errorf("at first: %+v, %v", first, err)
	}
	again, err := db.CreateDatabase(t.Context(), "", address)
	if err != nil || len(again.New) != 0 || len(again.Existing) != 1 {
		t.Errorf("again: %+v, %v", again, err)
	}
	if statements, err := db.Statements(address); err != nil || len(statements) != 0 {
		t.Errorf("statements: %q, %v", statements, err)
	}
}

func TestStatementsText(t *testing.T) {
	t.Parallel()
	const rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES"
	for address, want := range map[string][]string{
		"mysql://u:p@db.example/my_db": {
			"CREATE DATABASE IF NOT EXISTS `my_db` CHARACTER SET utf8mb4",
			"CREATE USER IF NOT EXISTS 'u'@'%' IDENTIFIED BY 'p'",
			"GRANT " + rights + " ON `my\\_db`.* TO 'u'@'%'",
		},
		"mysql://u:p@/d?unix_socket=/run/mysqld/mysqld.sock": {
			"CREATE DATABASE IF NOT EXISTS `d` CHARACTER SET utf8mb4",
			"CREATE USER IF NOT EXISTS 'u'@'localhost' IDENTIFIED BY 'p'",
			"GRANT " + rights + " ON `d`.* TO 'u'@'localhost'",
		},
		"postgres://u:p@db.example/d": {
			`CREATE ROLE "u" LOGIN PASSWORD 'p'`,
			`CREATE DATABASE "d" OWNER "u" ENCODING 'UTF8' TEMPLATE template0`,
		},
		"postgres://u@/d?host=/run/postgresql": {
			`CREATE ROLE "u" LOGIN`,
			`CREATE DATABASE "d" OWNER "u" ENCODING 'UTF8' TEMPLATE template0`,
		},
	} {
		got, err := db.Statements(address)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
}

func TestCreateRefusesAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"oracle://u:p@h/d":          "begins with none of",
		"mysql://u:p@h/":            "names no database",
		"mysql://:p@h/d":            "names no user",
		"mysql://u@h/d":             "has no password",
		"mysql://u:p%00q@h/d":       "has a zero byte",
		"mysql://u:p@h/d?x=y":       "a parameter that is not known",
		"postgres://u:p%00q@h/d":    "",
		"postgres://u:p@h/d?port=x": "the driver does not take it",
		"sqlite:///":                "names no file",
	} {
		_, err := db.Statements(address)
		if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

func TestWithoutPassword(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"mysql://u:p@h/d":               "mysql://u:PASSWORD@h/d",
		"mysql://u@h/d":                 "mysql://u:PASSWORD@h/d",
		"postgres://u@/d?password=p":    "postgres://u@/d?password=PASSWORD",
		"postgres://u:p@h/d?sslmode=no": "postgres://u:PASSWORD@h/d?sslmode=no",
		"sqlite:///p":                   "sqlite:///p",
	} {
		if got, err := db.WithoutPassword(address); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", address, got, err, want)
		}
	}
}

func TestAdministrator(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"mysql://u:p@h:1/d?ssl_mode=REQUIRED":                  "mysql://root:top@h:1/?ssl_mode=REQUIRED",
		"mysql://u:p@/d?unix_socket=/s":                        "mysql://root:top@/?unix_socket=%2Fs",
		"postgres://u:p@h:1/d?sslmode=require&user=x&dbname=y": "postgres://postgres:top@h:1/postgres?sslmode=require",
	} {
		if got, err := db.Administrator(address, "", "top"); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", address, got, err, want)
		}
	}
	if got, err := db.Administrator("mysql://u:p@h/d", "ada", ""); err != nil || got != "mysql://ada@h/" {
		t.Errorf("without a password: %s, %v", got, err)
	}
}

// No text ends early, whatever is in it and however the server is set up.
func TestQuoting(t *testing.T) {
	t.Parallel()
	texts := rapid.StringOfN(rapid.OneOf(
		rapid.SampledFrom([]rune(`'"\;-%_$?`+"`\n\x1a")),
		rapid.Rune().Filter(func(r rune) bool { return r != 0 }),
	), 0, 20, -1)
	onServers(t, func(t *testing.T, b brand) {
		conn, err := handle(t, b.shared(t).NewDatabase(t).URL).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		quote := map[string]func(string) string{"MariaDB": db.MySQLText, "PostgreSQL": db.PostgresText}[b.name]
		check := func(setup string, reads func(text string) string) {
			if _, err := conn.ExecContext(t.Context(), setup); err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				text := texts.Draw(t, "text")
				var got string
				if err := conn.QueryRowContext(t.Context(), "SELECT "+quote(text)).Scan(&got); err != nil || got != reads(text) {
					t.Fatalf("%q is read as %q, %v", text, got, err)
				}
			})
		}
		same := func(text string) string { return text }
		if b.name == "PostgreSQL" {
			check("SET standard_conforming_strings = on", same)
			check("SET standard_conforming_strings = off", same)
			return
		}
		check("SET sql_mode = 'ANSI_QUOTES'", same)
		// Where a backslash is one, it is doubled, but ends nothing.
		check("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", func(text string) string { return strings.ReplaceAll(text, `\`, `\\`) })
	})
}
