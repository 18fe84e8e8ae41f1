package site_test

import (
	"errors"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/site"
)

// What the OPTIONS of a database come to.
func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	const mysql, postgresql = "django.db.backends.mysql", "django.db.backends.postgresql"
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	myCnf := filepath.Join(t.TempDir(), "my.cnf")
	if err := os.WriteFile(myCnf, []byte(`
; read by MySQL's clients too
[mysqld]
user=mysql
socket=/nowhere
[client]
user = "dash"
password = 'p#w=\\d\s'   
host=db.example.org # ours
port=3307
ssl-ca=/etc/ca.pem
ssl_verify_server_cert
[horizon]
database = dash
user = horizon
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		database settings.Database
		want     string
	}{
		"escapes":             {settings.Database{Engine: mysql, Name: "d/b?", User: "a@b:c", Password: "p@/:?#%", Host: "db", Port: "3307"}, "mysql://a%40b%3Ac:p%40%2F%3A%3F%23%25@db:3307/d%2Fb%3F"},
		"IPv6":                {settings.Database{Engine: mysql, Name: "dash", User: "u", Password: "p", Host: "::1"}, "mysql://u:p@[::1]:3306/dash"},
		"socket":              {settings.Database{Engine: mysql, Name: "dash", User: "u", Password: "p", Host: "/run/my.sock", Port: "3306"}, "mysql://u:p@/dash?unix_socket=%2Frun%2Fmy.sock"},
		"socket elsewhere":    {settings.Database{Engine: mysql, Name: "dash", User: "u", Host: "localhost", Options: map[string]any{"unix_socket": "/my.sock"}}, "mysql://u:@/dash?unix_socket=%2Fmy.sock"},
		"nobody":              {settings.Database{Engine: mysql, Name: "dash", Host: "db"}, "mysql://" + me.Username + ":@db:3306/dash"},
		"ssl":                 {settings.Database{Engine: mysql, Name: "dash", User: "u", Host: "db", Options: map[string]any{"ssl": map[string]any{"ca": "/ca", "cert": "/cert", "key": "/key"}}}, "mysql://u:@db:3306/dash?ssl_ca=%2Fca&ssl_cert=%2Fcert&ssl_key=%2Fkey"},
		"ssl_mode":            {settings.Database{Engine: mysql, Name: "dash", User: "u", Host: "db", Options: map[string]any{"ssl": map[string]any{}, "ssl_mode": "VERIFY_IDENTITY", "charset": "utf8"}}, "mysql://u:@db:3306/dash?ssl_mode=VERIFY_IDENTITY"},
		"OPTIONS before":      {settings.Database{Engine: mysql, Name: "dash", User: "u", Host: "db", Port: "1", Options: map[string]any{"host": "other", "port": int64(2), "passwd": "p", "db": "d", "user": "v"}}, "mysql://v:p@other:2/d"},
		"my.cnf":              {settings.Database{Engine: mysql, Name: "dash", Options: map[string]any{"read_default_file": myCnf}}, `mysql://dash:p%23w=%5Cd%20@db.example.org:3307/dash?ssl_ca=%2Fetc%2Fca.pem&ssl_mode=VERIFY_IDENTITY`},
		"my.cnf, group":       {settings.Database{Engine: mysql, Host: "127.0.0.1", Password: "q", Options: map[string]any{"read_default_file": myCnf, "read_default_group": "horizon"}}, `mysql://horizon:q@127.0.0.1:3307/dash?ssl_ca=%2Fetc%2Fca.pem&ssl_mode=VERIFY_IDENTITY`},
		"PostgreSQL":          {settings.Database{Engine: postgresql, Name: "dash", User: "u", Password: "p &=+", Host: "db", Port: "5433"}, "postgres:///?dbname=dash&host=db&password=p%20%26%3D%2B&port=5433&user=u"},
		"PostgreSQL, socket":  {settings.Database{Engine: postgresql, Name: "dash", Host: "/run/postgresql"}, "postgres:///?dbname=dash&host=%2Frun%2Fpostgresql"},
		"PostgreSQL, nothing": {settings.Database{Engine: postgresql, Name: "dash"}, "postgres:///?dbname=dash"},
		"PostgreSQL, service": {settings.Database{Engine: postgresql, Options: map[string]any{"service": "dash", "passfile": "/pw"}}, "postgres:///?passfile=%2Fpw&service=dash"},
		"PostgreSQL, TLS":     {settings.Database{Engine: postgresql, Name: "dash", Host: "db", Options: map[string]any{"sslmode": "verify-full", "sslrootcert": "/ca", "assume_role": "web"}}, "postgres:///?dbname=dash&host=db&role=web&sslmode=verify-full&sslrootcert=%2Fca"},
		"SQLite":              {settings.Database{Engine: "django.db.backends.sqlite3", Name: "/var/lib/d b?.sqlite3"}, "sqlite:////var/lib/d%20b%3F.sqlite3"},
		"SQLite, relative":    {settings.Database{Engine: "django.db.backends.sqlite3", Name: "db.sqlite3"}, "sqlite:///db.sqlite3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plain(dbEngine)
			s.Databases = map[string]settings.Database{"default": c.database}
			got, err := site.DatabaseURL(s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if _, err := url.Parse(got); err != nil {
				t.Error(err)
			}
		})
	}
}

// This machine's own server is asked on its socket, as MySQL's clients do.
func TestLocalhost(t *testing.T) {
	t.Parallel()
	s := plain(dbEngine)
	s.Databases = map[string]settings.Database{"default": {Engine: "django.db.backends.mysql", Name: "dash", User: "u", Host: "localhost"}}
	got, err := site.DatabaseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	want := "mysql://u:@localhost:3306/dash"
	for _, socket := range []string{"/tmp/mysql.sock", "/var/lib/mysql/mysql.sock", "/run/mysqld/mysqld.sock"} {
		if _, err := os.Stat(socket); err == nil {
			want = "mysql://u:@/dash?unix_socket=" + url.QueryEscape(socket)
		}
	}
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNoSecretKey(t *testing.T) {
	t.Parallel()
	s := plain(cookieEngine)
	s.SecretKey, s.NoSecretKey = "", &cloakroom.Error{Kind: cloakroom.ErrConfig, Reason: "the file of the key is not there"}
	if _, err := site.Open(t.Context(), s); !errors.Is(err, s.NoSecretKey) {
		t.Errorf("%v", err)
	}
}
