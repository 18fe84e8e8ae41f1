package site_test

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/site"
)

func split(addr string) (host, port string) {
	host, port, _ = net.SplitHostPort(addr)
	return host, port
}

func TestURLs(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "db.sqlite3")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sqlite := "sqlite:///" + empty
	m, p := mariadb(t).NewDatabase(t), postgres(t).NewDatabase(t)
	for name, c := range map[string]struct {
		engine, cache string
		is            cloakroom.Description
		database      bool
	}{
		"local memory":           {"locmem:", "", cloakroom.Description{Engine: "cache", BackEnd: "local memory"}, false},
		"Memcached":              {"memcached://" + memcached(t).Addr + "," + memcached2(t).Addr, "", cloakroom.Description{Engine: "cache", BackEnd: "Memcached", Shared: true}, false},
		"Redis":                  {"redis://" + redis(t).Addr + "/1", "", cloakroom.Description{Engine: "cache", BackEnd: "Redis", Shared: true}, false},
		"SQLite":                 {sqlite, "", cloakroom.Description{Engine: "db", BackEnd: "SQLite", Shared: true, Persistent: true}, true},
		"MariaDB":                {m.URL, "", cloakroom.Description{Engine: "db", BackEnd: "MariaDB", Shared: true, Persistent: true}, true},
		"PostgreSQL":             {p.URL, "", cloakroom.Description{Engine: "db", BackEnd: "PostgreSQL", Shared: true, Persistent: true}, true},
		"Redis before SQLite":    {sqlite, "redis://" + redis(t).Addr + "/2", cloakroom.Description{Engine: "cached_db", BackEnd: "SQLite behind Redis", Shared: true, Persistent: true}, true},
		"files":                  {"file://" + t.TempDir(), "", cloakroom.Description{Engine: "file", BackEnd: "files", Shared: true, Persistent: true}, false},
		"local memory and files": {"file://" + t.TempDir(), "locmem:", cloakroom.Description{Engine: "cached_db", BackEnd: "files behind local memory", Persistent: true}, false},
		"cookies":                {"cookies:", "", cloakroom.Description{Engine: "signed_cookies", BackEnd: "the visitor's browser", Shared: true, Persistent: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plain("of no account")
			s.EngineURL, s.CacheURL = c.engine, c.cache
			opened, err := site.Open(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			got := opened.Engine.(cloakroom.Describer).Describe()
			if diff := cmp.Diff(c.is, got, cmpopts.IgnoreFields(got, "Location")); diff != "" {
				t.Error(diff)
			}
			if _, ok := opened.Database(); ok != c.database {
				t.Errorf("it has a database: %v", ok)
			}
			if url, err := site.DatabaseURL(s); (err == nil) != c.database || c.database && url != c.engine {
				t.Errorf("the database's address is given: %v", err)
			}
		})
	}
}

// A URL does not tell the site's serializer, so a session keeps its own: Horizon's
// token is still an object after a save.
func TestURLKeepsTheSerializer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../django/testdata/horizon-23/file.json")
	if err != nil {
		t.Fatal(err)
	}
	var horizon struct {
		Key   string `json:"session_key"`
		Store []struct {
			Value []byte `json:"value_b64"`
		}
	}
	if err := json.Unmarshal(text, &horizon); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "sessionid"+horizon.Key), horizon.Store[0].Value, 0o600); err != nil {
		t.Fatal(err)
	}
	s := settings.FromURLs("file://"+folder, "")
	s.SecretKey = "horizon-lab-secret-key-not-for-production-0123456789"
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	before, err := opened.Engine.Load(t.Context(), horizon.Key)
	if err != nil {
		t.Fatal(err)
	}
	changed := *before
	changed.Data = maps.Clone(before.Data)
	changed.Data["changed"] = true
	if err := opened.Engine.Save(t.Context(), &changed); err != nil {
		t.Fatal(err)
	}
	after, err := opened.Engine.Load(t.Context(), horizon.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := after.Data["token"].(pickle.Raw); !ok {
		t.Errorf("the token is a %T", after.Data["token"])
	}
}

func TestManager(t *testing.T) {
	t.Parallel()
	s := plain(cookieEngine)
	s.EngineURL = "locmem:"
	s.Cookie.Name, s.Cookie.Path, s.Cookie.Domain = "horizon", "/dashboard", "example.org"
	s.Cookie.Age, s.Cookie.Secure, s.Cookie.HTTPOnly, s.Cookie.SameSite = time.Hour, true, false, "Strict"
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	sessions := opened.Manager()
	set := func(cookie string) string {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			session, err := sessions.Open(r)
			if err != nil {
				t.Error(err)
				return
			}
			session.Set("a", 1)
		})).ServeHTTP(w, r)
		return w.Header().Get("Set-Cookie")
	}
	got, err := http.ParseSetCookie(set(""))
	if err != nil {
		t.Fatal(err)
	}
	want := &http.Cookie{Name: "horizon", Path: "/dashboard", Domain: "example.org", MaxAge: 3600, Secure: true, SameSite: http.SameSiteStrictMode}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(http.Cookie{}, "Value", "Raw")); diff != "" {
		t.Error(diff)
	}
	s.ExpireAtBrowserClose, s.Cookie.SameSite, s.Cookie.Secure = true, "", false
	sessions = opened.Manager()
	if got, err = http.ParseSetCookie(set("")); err != nil || got.MaxAge != 0 || got.SameSite != 0 || got.Secure {
		t.Errorf("%+v %v", got, err)
	}
}
