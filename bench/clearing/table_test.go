package clearing

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	mathrand "math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// sessionData is 1,024 bytes of JSON: what a signed-in user's session holds.
func sessionData() map[string]any {
	return map[string]any{
		"_auth_user_id": "1", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
		"_auth_user_hash": text(64), "_session_expiry": int64(3600), "n": int64(mathrand.IntN(1000)),
		"token": text(256), "token2": text(256),
		"region": "RegionOne", "cart": text(234),
	}
}

func text(length int) string {
	b := make([]byte, length/2)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// table is django_session, and a copy from which it is filled again.
type table struct {
	*sql.DB
	live   []string // session keys
	folder string   // of its files
}

func openTable(t *testing.T, s *server.Server, d server.Database) *table {
	t.Helper()
	db, err := sql.Open("mysql", "root@unix("+s.Socket+")/"+d.Name+"?interpolateParams=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &table{DB: db, folder: filepath.Join(s.Dir, "data", d.Name)}
}

// prepare makes the copy: so many rows of which so many have expired, in the
// order of the key, each with a session of its own of 1,024 bytes.
func (b *table) prepare(t *testing.T, rows, expired int) {
	t.Helper()
	codec := session.New(signing.SessionSalt).WithSecretKeys(djangotest.SecretKey)
	b.exec(t, `CREATE TABLE filled LIKE django_session`)
	keys := make([]string, rows)
	for i := range keys {
		keys[i] = cloakroom.NewKey()
	}
	slices.Sort(keys)
	samples := make([]string, 1000)
	for i := range samples {
		sample, err := codec.Encode(sessionData(), session.Form{})
		if err != nil {
			t.Fatal(err)
		}
		samples[i] = sample
	}
	// A million inserts are no part of what is measured.
	b.exec(t, `SET GLOBAL innodb_log_file_size = 4294967296`)
	b.exec(t, `SET GLOBAL innodb_io_capacity_max = 20000`)
	b.exec(t, `SET GLOBAL innodb_io_capacity = 10000`)
	const together = 500
	now := time.Now().UTC()
	for start := 0; start < rows; start += together {
		chunk := keys[start:min(start+together, rows)]
		args := make([]any, 0, 3*len(chunk))
		for _, key := range chunk {
			at := now.Add(sessionAge/2 + mathrand.N(sessionAge/2))
			if mathrand.IntN(rows) < expired {
				at = now.Add(-time.Minute - mathrand.N(365*24*time.Hour))
			} else {
				b.live = append(b.live, key)
			}
			args = append(args, key, samples[mathrand.IntN(len(samples))], at.Format("2006-01-02 15:04:05.000000"))
		}
		b.exec(t, `INSERT INTO filled VALUES `+strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", len(chunk)), ", "), args...)
	}
	b.exec(t, `SET GLOBAL innodb_io_capacity = DEFAULT`)
	b.exec(t, `SET GLOBAL innodb_io_capacity_max = 2000`)
	b.exec(t, `SET GLOBAL innodb_log_file_size = 100663296`)
}

// fill puts the copy's rows into django_session, and nothing else: by its file,
// for a million inserts would leave the server busy for long.
func (b *table) fill(t *testing.T) {
	t.Helper()
	b.exec(t, `DROP TABLE IF EXISTS django_session`)
	b.exec(t, `CREATE TABLE django_session LIKE filled`)
	b.exec(t, `ALTER TABLE django_session DISCARD TABLESPACE`)
	conn, err := b.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `FLUSH TABLES filled FOR EXPORT`); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{".ibd", ".cfg"} {
		if out, err := exec.Command("cp", "-p", filepath.Join(b.folder, "filled"+kind), filepath.Join(b.folder, "django_session"+kind)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if _, err := conn.ExecContext(t.Context(), `UNLOCK TABLES`); err != nil {
		t.Fatal(err)
	}
	b.exec(t, `ALTER TABLE django_session IMPORT TABLESPACE`)
	b.exec(t, `ANALYZE TABLE django_session`)
	var n int
	if err := b.QueryRowContext(t.Context(), `SELECT count(*) FROM django_session WHERE session_data > ''`).Scan(&n); err != nil {
		t.Fatal(err)
	}
}

func (b *table) status(t *testing.T, name string) (n int) {
	t.Helper()
	var ignored string
	if err := b.QueryRowContext(t.Context(), `SHOW GLOBAL STATUS LIKE '`+name+`'`).Scan(&ignored, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (b *table) exec(t *testing.T, statement string, args ...any) int {
	t.Helper()
	result, err := b.ExecContext(context.WithoutCancel(t.Context()), statement, args...)
	if err != nil {
		t.Fatalf("%.60s: %v", statement, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}
