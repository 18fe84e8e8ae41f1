package settings

import (
	"maps"
	"strings"
	"time"
)

// Item is one setting, to be shown: secrets are masked.
type Item struct {
	Name   string
	Value  any // in the values of JSON; nil is None
	Source Source
}

// Items returns every setting that sessions depend on, in an order to read them
// in. What is secret is masked: keys, passwords, and whatever looks like one.
func (s *Settings) Items() []Item {
	m := s.mask()
	var all []Item
	add := func(name string, value any) {
		if s.EngineURL != "" && insteadOfURL[name] {
			return
		}
		all = append(all, Item{name, m.value(value), s.sources[name]})
	}
	if s.EngineURL != "" {
		add("engine", s.EngineURL)
		add("cache", orNone(s.CacheURL))
	}
	add("SESSION_ENGINE", s.SessionEngine)
	add("SESSION_CACHE_ALIAS", s.CacheAlias)
	add("SESSION_SERIALIZER", orNone(s.Serializer))
	add("SESSION_FILE_PATH", orNone(s.FilePath))
	add("SESSION_SAVE_EVERY_REQUEST", s.SaveEveryRequest)
	add("SESSION_EXPIRE_AT_BROWSER_CLOSE", s.ExpireAtBrowserClose)
	add("SESSION_COOKIE_NAME", s.Cookie.Name)
	add("SESSION_COOKIE_AGE", s.Cookie.Age)
	add("SESSION_COOKIE_DOMAIN", orNone(s.Cookie.Domain))
	add("SESSION_COOKIE_PATH", orNone(s.Cookie.Path))
	add("SESSION_COOKIE_SECURE", s.Cookie.Secure)
	add("SESSION_COOKIE_HTTPONLY", s.Cookie.HTTPOnly)
	add("SESSION_COOKIE_SAMESITE", orNone(s.Cookie.SameSite))
	if s.IsHorizon {
		add("SESSION_TIMEOUT", s.SessionTimeout)
		add("SESSION_REFRESH", s.SessionRefresh)
		add("SIMULTANEOUS_SESSIONS", s.SimultaneousSessions)
	}
	add("CACHES", s.cacheItems())
	add("DATABASES", s.databaseItems())
	add("USE_TZ", s.UseTZ)
	add("TIME_ZONE", orNone(s.TimeZone))
	add("SECRET_KEY", hidden(s.SecretKey))
	fallbacks := []any{}
	for _, key := range s.SecretKeyFallbacks {
		fallbacks = append(fallbacks, hidden(key))
	}
	add("SECRET_KEY_FALLBACKS", fallbacks)
	add("DEFAULT_HASHING_ALGORITHM", s.HashingAlgorithm)
	return all
}

// insteadOfURL are the settings that say where sessions are kept: beside a URL they
// have no say.
var insteadOfURL = map[string]bool{
	"SESSION_ENGINE": true, "SESSION_CACHE_ALIAS": true, "SESSION_FILE_PATH": true, "CACHES": true, "DATABASES": true,
}

func orNone(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (s *Settings) cacheItems() map[string]any {
	all := s.unknownItems("CACHES")
	for alias, c := range s.Caches {
		location := []any{}
		for _, one := range c.Location {
			location = append(location, one)
		}
		var timeout any
		if c.Timeout != nil {
			timeout = *c.Timeout
		}
		all[alias] = group{
			"BACKEND": c.Backend, "LOCATION": location, "TIMEOUT": timeout, "KEY_PREFIX": c.KeyPrefix,
			"VERSION": c.Version, "KEY_FUNCTION": orNone(c.KeyFunction), "OPTIONS": maps.Clone(c.Options),
		}
	}
	return all
}

func (s *Settings) databaseItems() map[string]any {
	all := s.unknownItems("DATABASES")
	for alias, d := range s.Databases {
		all[alias] = group{
			"ENGINE": d.Engine, "NAME": d.Name, "USER": d.User, "PASSWORD": hidden(d.Password),
			"HOST": d.Host, "PORT": d.Port, "TIME_ZONE": orNone(d.TimeZone), "OPTIONS": maps.Clone(d.Options),
		}
	}
	return all
}

// unknownItems are the aliases that cannot be known.
func (s *Settings) unknownItems(name string) map[string]any {
	all := map[string]any{}
	for where, err := range s.unknown {
		if alias, ok := strings.CutPrefix(where, name+"['"); ok {
			all[strings.TrimSuffix(alias, "']")] = group{"$unknown": reason(err.Error())}
		}
	}
	return all
}

// inSeconds is how Python writes a duration: 3600, 0.5.
func inSeconds(d time.Duration) any {
	if d%time.Second == 0 {
		return int64(d / time.Second)
	}
	return d.Seconds()
}
