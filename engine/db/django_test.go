package db_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

// site is a real Django on a database file.
type site struct {
	testing.TB
	in  io.Writer
	out *bufio.Reader
}

// setting is one of Django's.
type setting struct {
	name  string
	value any
}

func django(t testing.TB, path string, settings ...setting) *site {
	t.Helper()
	overrides := map[string]any{}
	for _, s := range settings {
		overrides[s.name] = s.value
	}
	argument, err := json.Marshal(overrides)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-W", "ignore", "testdata/django_site.py", path, string(argument))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("Django: %v", err)
		}
	})
	return &site{TB: t, in: in, out: bufio.NewReader(out)}
}

// ask has Django do something, and returns its answer.
func (s *site) ask(question ...any) any {
	s.Helper()
	if err := json.NewEncoder(s.in).Encode(question); err != nil {
		s.Fatal(err)
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		s.Fatalf("Django has no answer to %v: %v", question, err)
	}
	var answer [1]any
	if err := json.Unmarshal(line, &answer); err != nil {
		s.Fatal(err)
	}
	return answer[0]
}

// everything is a session with all that JSON has, as encoding/json reads it.
func everything() map[string]any {
	return map[string]any{
		"user": "1", "float": 3.25, "whole": 2.0, "yes": true, "none": nil, "name": "žluťoučký 日本語 😀",
		"cart":   []any{"tea", 2.0, nil, map[string]any{"z": 1.0, "a": []any{}}},
		"nested": map[string]any{"b": map[string]any{"c": "d"}, "a": 1.0},
	}
}

func TestBesideDjango(t *testing.T) {
	t.Parallel()
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		settings []setting
		options  []db.Option
	}{
		"USE_TZ":     {[]setting{{"USE_TZ", true}}, nil},
		"local time": {[]setting{{"USE_TZ", false}, {"TIME_ZONE", "Europe/Prague"}}, []db.Option{db.WithTimeZone(prague)}},
		"legacy":     {[]setting{{"DEFAULT_HASHING_ALGORITHM", "sha1"}}, []db.Option{db.WithLegacyFormat()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "site.sqlite3")
			site := django(t, path, c.settings...)
			site.ask("migrate")
			e := openMigrated(t, path, c.options...)
			begunByDjango(t, site, e)
			begunByGo(t, site, e)
			endedByDjango(t, site, e)
		})
	}
}

func begunByDjango(t *testing.T, site *site, e *db.Engine) {
	key := site.ask("create", everything()).(string)
	r, err := e.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if life := time.Until(r.Expires); life < 13*24*time.Hour || life > 14*24*time.Hour {
		t.Errorf("the session lives for %v, want Django's two weeks", life)
	}
	r.Data["count"] = int64(42)
	if err := e.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want := everything()
	want["count"] = 42.0
	if diff := cmp.Diff(any(want), site.ask("load", key)); diff != "" {
		t.Errorf("Django reads after a save from Go (-want +got):\n%s", diff)
	}

	site.ask("set", key, "count", 43)
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("Save after Django saved: %v", err)
	}
	if r, err = e.Load(t.Context(), key); err != nil || r.Data["count"] != int64(43) {
		t.Errorf("Load after Django saved: %v", err)
	}
}

func begunByGo(t *testing.T, site *site, e *db.Engine) {
	r := create(t, e, everything())
	if diff := cmp.Diff(any(everything()), site.ask("load", r.Key)); diff != "" {
		t.Errorf("Django reads what Go created (-want +got):\n%s", diff)
	}
	site.ask("set", r.Key, "count", 1)
	got, err := e.Load(t.Context(), r.Key)
	if err != nil || got.Data["count"] != int64(1) || got.Data["whole"] != 2.0 {
		t.Errorf("Load after Django saved: %v, %v", got, err)
	}
	if err := e.Delete(t.Context(), r.Key); err != nil {
		t.Fatal(err)
	}
	if got := site.ask("load", r.Key); got != nil {
		t.Errorf("Django reads a session that Go ended: %v", got)
	}
}

func endedByDjango(t *testing.T, site *site, e *db.Engine) {
	r := create(t, e, everything())
	cycled := site.ask("cycle", r.Key).(string)
	if _, err := e.Load(t.Context(), r.Key); !errors.Is(err, cloakroom.ErrNotFound) {
		t.Errorf("Load of the key before Django cycled it: %v", err)
	}
	late, err := e.Load(t.Context(), cycled)
	if err != nil {
		t.Fatalf("Load of the key after: %v", err)
	}
	site.ask("flush", cycled)
	if err := e.Save(t.Context(), late); !errors.Is(err, cloakroom.ErrGone) {
		t.Errorf("Save after Django's flush: %v", err)
	}
	key := site.ask("create", everything()).(string)
	site.ask("expire", key, -1)
	if _, err := e.Load(t.Context(), key); !errors.Is(err, cloakroom.ErrNotFound) {
		t.Errorf("Load of what Django let expire: %v", err)
	}
}

// The table that Go creates is Django's to the letter, and known as migrated.
func TestMigrateAsDjango(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours := openMigrated(t, filepath.Join(dir, "go.sqlite3"))
	if err := ours.Migrate(t.Context()); err != nil {
		t.Errorf("Migrate again: %v", err)
	}
	onOurs, onTheirs := django(t, filepath.Join(dir, "go.sqlite3")), django(t, filepath.Join(dir, "django.sqlite3"))
	onTheirs.ask("migrate")
	if diff := cmp.Diff(onTheirs.ask("schema"), onOurs.ask("schema")); diff != "" {
		t.Errorf("the table differs (-Django +Go):\n%s", diff)
	}
	if n := onOurs.ask("unapplied"); n != 0.0 {
		t.Errorf("Django wants to run %v migrations", n)
	}
	onOurs.ask("migrate")
}
