// Package settings reads the settings of a Django or Horizon site, as far as
// they concern its sessions: settings.py, local_settings.py and the snippets in
// local_settings.d, which are Python, without running any of it.
package settings

import (
	"time"

	"github.com/cloakroom-go/cloakroom/django/settings/python"
)

// Settings is the effective configuration of a site's sessions. What no file
// sets has Django's default, or Horizon's where the files are Horizon's.
type Settings struct {
	// EngineURL and CacheURL, where they are not empty, say where sessions are
	// kept, in place of SessionEngine, Caches and Databases.
	EngineURL, CacheURL string

	SessionEngine        string // SESSION_ENGINE, a dotted path
	CacheAlias           string // SESSION_CACHE_ALIAS
	Serializer           string // SESSION_SERIALIZER, a dotted path; empty where the default differs between versions
	FilePath             string // SESSION_FILE_PATH; the temporary folder if empty
	SaveEveryRequest     bool   // SESSION_SAVE_EVERY_REQUEST
	ExpireAtBrowserClose bool   // SESSION_EXPIRE_AT_BROWSER_CLOSE
	Cookie               Cookie // SESSION_COOKIE_*
	HTTPS                string // the name of a setting that says that visitors come by HTTPS; empty if none does

	SecretKey          string   // SECRET_KEY
	NoSecretKey        error    // why SecretKey is empty, with the mend; nil if it is not
	SecretKeyFallbacks []string // SECRET_KEY_FALLBACKS
	HashingAlgorithm   string   // DEFAULT_HASHING_ALGORITHM

	Caches          map[string]Cache    // CACHES
	Databases       map[string]Database // DATABASES
	DatabaseRouters bool                // DATABASE_ROUTERS is not empty: sessions may be in another database than "default"
	UseTZ           bool                // USE_TZ
	TimeZone        string              // TIME_ZONE

	// Horizon's own. IsHorizon says whether the files are Horizon's.
	IsHorizon            bool
	SessionTimeout       time.Duration // SESSION_TIMEOUT
	SessionRefresh       bool          // SESSION_REFRESH
	SimultaneousSessions string        // SIMULTANEOUS_SESSIONS: "allow" or "disconnect"

	files   []string
	sources map[string]Source
	unknown map[string]error // what no session needs and cannot be known, such as CACHES['other']
}

// Cookie is how the session cookie is sent.
type Cookie struct {
	Name, Path, Domain string
	Age                time.Duration // SESSION_COOKIE_AGE
	Secure, HTTPOnly   bool
	SameSite           string // "Lax", "Strict", "None", or empty for none at all
}

// Cache is one of CACHES.
type Cache struct {
	Backend     string         // BACKEND, a dotted path
	Location    []string       // LOCATION: the items of a list, or the one text, which a backend may take apart
	Timeout     *time.Duration // TIMEOUT; nil is never
	KeyPrefix   string         // KEY_PREFIX
	Version     int            // VERSION
	KeyFunction string         // KEY_FUNCTION, a dotted path
	Options     map[string]any // OPTIONS, in the values of JSON
}

// Database is one of DATABASES.
type Database struct {
	Engine               string // ENGINE, a dotted path
	Name, User, Password string
	Host, Port           string
	TimeZone             string         // TIME_ZONE of this database alone; empty for UTC
	Options              map[string]any // OPTIONS, in the values of JSON
	Ignored              []string       // keys that Django does not know, such as "default-character-set"
}

// Source says where a setting has its value from.
type Source struct {
	Place              // where it was last set; zero if nowhere
	Given      string  // the flag or the variable that gave it, of no file; empty elsewhere
	Default    string  // whose default it is: "Django" or "Horizon"; empty where it was set
	Overridden []Place // where it was set before, to no effect
}

// Place is a line of a settings file.
type Place = python.Place

// Source says where the setting of that name, such as "CACHES", has its value
// from.
func (s *Settings) Source(name string) Source { return s.sources[name] }

// GivenBy notes that settings have their values from no file, but from a flag or a
// variable.
func (s *Settings) GivenBy(by string, names ...string) {
	if s.sources == nil {
		s.sources = map[string]Source{}
	}
	for _, name := range names {
		s.sources[name] = Source{Given: by}
	}
}

// Files are the files that were read, in order, without those that they import.
func (s *Settings) Files() []string { return s.files }

// Unknown says of an alias that is missing in Caches or Databases, such as
// "CACHES['other']", why it cannot be known; nil if the files do not name it.
func (s *Settings) Unknown(name string) error { return s.unknown[name] }
