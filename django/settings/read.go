package settings

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings/python"
)

// reader makes Settings of what names the files set.
type reader struct {
	names    *python.Namespace
	whose    string // defaults
	settings *Settings
	errs     []error
	unknown  []unknownSettings
}

// unknownSettings are those that cannot be known for one reason.
type unknownSettings struct {
	names []string
	why   python.Unknown
}

// lacks notes a setting that cannot be known, beside those of the same reason.
func (r *reader) lacks(name string, u *python.Unknown, place Place) {
	why := *u
	if why.File == "" {
		why.Place = place
	}
	for i := range r.unknown {
		if r.unknown[i].why == why {
			r.unknown[i].names = append(r.unknown[i].names, name)
			return
		}
	}
	r.unknown = append(r.unknown, unknownSettings{[]string{name}, why})
}

func (u unknownSettings) err() error {
	const few = 3
	names := strings.Join(u.names[:min(few, len(u.names))], ", ")
	if more := len(u.names) - few; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return cannotKnow(names, &u.why, u.why.Place)
}

// problem is what is wrong with a value, such as CACHES['default']['TIMEOUT'].
type problem struct{ where, reason, mend string }

func (r *reader) fail(place Place, p *problem) { r.errs = append(r.errs, p.at(place)) }

func (p *problem) at(place Place) error {
	reason := p.where + " " + p.reason
	if place != (Place{}) {
		reason += ", at " + place.String()
	}
	return &cloakroom.Error{Engine: "settings", Op: "read", Kind: cloakroom.ErrConfig, Reason: reason, Mend: p.mend}
}

// cannotKnow is the problem of a value that is unknown.
func cannotKnow(where string, u *python.Unknown, place Place) error {
	if u.Place.File == "" {
		u = &python.Unknown{Why: u.Why, Mend: u.Mend, Place: place}
	}
	return (&problem{where, "cannot be known: " + u.Why, cmp.Or(u.Mend, "write the value itself into the settings file")}).at(u.Place)
}

func wrongType(where, want string, v python.Value) *problem {
	return &problem{where, fmt.Sprintf("is of the type %s", python.TypeName(v)), "it should be " + want}
}

// setting looks a name up and notes where it is from. It returns nil where nothing
// sets it.
func (r *reader) setting(name string) *python.Binding {
	b := r.names.Lookup(name)
	if b == nil || b.Place == (Place{}) {
		whose := "Django"
		if b != nil || horizonOnly[name] {
			whose = r.whose
		}
		r.settings.sources[name] = Source{Default: whose}
		return b
	}
	r.settings.sources[name] = Source{Place: b.Place, Overridden: b.Overridden}
	return b
}

// horizonOnly are settings that Django does not have, or has another default of.
var horizonOnly = map[string]bool{
	"SESSION_TIMEOUT": true, "SESSION_REFRESH": true, "SIMULTANEOUS_SESSIONS": true, "SESSION_SERIALIZER": true,
}

// value is one setting as it is understood by understand.
func value[T any](r *reader, name string, otherwise T, understand func(where string, v python.Value) (T, *problem)) T {
	b := r.setting(name)
	if b == nil {
		return otherwise
	}
	if u := python.WhyUnknown(b.Value); u != nil {
		r.lacks(name, u, b.Place)
		return otherwise
	}
	v, p := understand(name, b.Value)
	if p != nil {
		r.fail(b.Place, p)
		return otherwise
	}
	return v
}

func (r *reader) read() (*Settings, error) {
	s := r.settings
	s.sources, s.unknown = map[string]Source{}, map[string]error{}
	serializer := "django.contrib.sessions.serializers.JSONSerializer"
	if s.IsHorizon {
		serializer = "" // Pickle until Horizon 23, JSON later
	}
	s.SessionEngine = value(r, "SESSION_ENGINE", "django.contrib.sessions.backends.db", dotted)
	s.CacheAlias = value(r, "SESSION_CACHE_ALIAS", "default", text)
	s.Serializer = value(r, "SESSION_SERIALIZER", serializer, dotted)
	s.FilePath = value(r, "SESSION_FILE_PATH", "", path)
	s.SaveEveryRequest = value(r, "SESSION_SAVE_EVERY_REQUEST", false, yesNo)
	s.ExpireAtBrowserClose = value(r, "SESSION_EXPIRE_AT_BROWSER_CLOSE", false, yesNo)
	s.Cookie = Cookie{
		Name:     value(r, "SESSION_COOKIE_NAME", "sessionid", text),
		Age:      value(r, "SESSION_COOKIE_AGE", 14*24*time.Hour, seconds),
		Path:     value(r, "SESSION_COOKIE_PATH", "/", textOrNone),
		Domain:   value(r, "SESSION_COOKIE_DOMAIN", "", textOrNone),
		Secure:   value(r, "SESSION_COOKIE_SECURE", false, yesNo),
		HTTPOnly: value(r, "SESSION_COOKIE_HTTPONLY", true, yesNo),
		SameSite: value(r, "SESSION_COOKIE_SAMESITE", "Lax", sameSite),
	}
	r.secretKey()
	s.SecretKeyFallbacks = value(r, "SECRET_KEY_FALLBACKS", nil, texts)
	s.HashingAlgorithm = value(r, "DEFAULT_HASHING_ALGORITHM", "sha256", oneOf("sha256", "sha1"))
	s.UseTZ = value(r, "USE_TZ", true, yesNo)
	s.TimeZone = value(r, "TIME_ZONE", "America/Chicago", textOrNone)
	if s.IsHorizon {
		s.SessionTimeout = value(r, "SESSION_TIMEOUT", time.Hour, seconds)
		s.SessionRefresh = value(r, "SESSION_REFRESH", true, yesNo)
		s.SimultaneousSessions = value(r, "SIMULTANEOUS_SESSIONS", "allow", oneOf("allow", "disconnect"))
	}
	r.caches()
	r.databases()
	for _, u := range r.unknown {
		r.errs = append(r.errs, u.err())
	}
	if r.errs != nil {
		return nil, errors.Join(r.errs...)
	}
	return s, nil
}

// needs says which of CACHES and DATABASES sessions need.
func (r *reader) needs(what, alias string) bool {
	engine := r.settings.SessionEngine
	switch what {
	case "CACHES":
		return strings.Contains(engine, "cache") && alias == r.settings.CacheAlias || r.settings.IsHorizon && alias == "default"
	default:
		return strings.HasSuffix(engine, "db") && alias == "default"
	}
}

// secretKey is not an error of Load where it cannot be known: not every engine
// needs it.
func (r *reader) secretKey() {
	b := r.setting("SECRET_KEY")
	var v python.Value = python.Str("")
	place := Place{}
	if b != nil {
		v, place = b.Value, b.Place
	}
	if u := python.WhyUnknown(v); u != nil {
		r.settings.NoSecretKey = cannotKnow("SECRET_KEY", u, place)
		return
	}
	switch key := v.(type) {
	case python.Str:
		r.settings.SecretKey = string(key)
	case python.Bytes:
		r.settings.SecretKey = string(key)
	case python.None:
	default:
		r.fail(place, wrongType("SECRET_KEY", "a text", v))
		return
	}
	if r.settings.SecretKey == "" {
		r.settings.NoSecretKey = (&problem{"SECRET_KEY", "is not set", "set it in the settings file"}).at(place)
	}
}

// each calls read for the aliases of CACHES or DATABASES. What no session needs and
// cannot be understood is put aside.
func each[T any](r *reader, name string, otherwise map[string]T, read func(where string, d *python.Dict) (T, *problem)) map[string]T {
	b := r.setting(name)
	if b == nil {
		return otherwise
	}
	if u := python.WhyUnknown(b.Value); u != nil {
		err := cannotKnow(name, u, b.Place)
		for _, alias := range []string{"default", r.settings.CacheAlias} {
			r.settings.unknown[fmt.Sprintf("%s['%s']", name, alias)] = err
			if r.needs(name, alias) {
				r.lacks(name, u, b.Place)
				break
			}
		}
		return nil
	}
	all, ok := b.Value.(*python.Dict)
	if !ok {
		r.fail(b.Place, wrongType(name, "a dictionary of dictionaries", b.Value))
		return nil
	}
	of := map[string]T{}
	for _, item := range all.Items() {
		alias, ok := item.Key.(python.Str)
		where := fmt.Sprintf("%s['%s']", name, alias)
		if !ok {
			r.fail(b.Place, wrongType("a key of "+name, "a text", item.Key))
			continue
		}
		one, err := of1(where, item.Value, b.Place, read)
		switch {
		case err == nil:
			of[string(alias)] = one
		case r.needs(name, string(alias)):
			r.errs = append(r.errs, err)
		default:
			r.settings.unknown[where] = err
		}
	}
	return of
}

func of1[T any](where string, v python.Value, place Place, read func(string, *python.Dict) (T, *problem)) (one T, err error) {
	if u := python.WhyUnknown(v); u != nil {
		return one, cannotKnow(where, u, place)
	}
	d, ok := v.(*python.Dict)
	if !ok {
		return one, wrongType(where, "a dictionary", v).at(place)
	}
	for _, item := range d.Items() {
		if u, at := firstUnknown(item.Value, fmt.Sprintf("%s[%s]", where, python.Repr(item.Key)), 0); u != nil {
			return one, cannotKnow(at, u, place)
		}
	}
	one, p := read(where, d)
	if p != nil {
		return one, p.at(place)
	}
	return one, nil
}

// firstUnknown finds a value inside of v that is unknown, and what it is called.
func firstUnknown(v python.Value, where string, depth int) (*python.Unknown, string) {
	if u := python.WhyUnknown(v); u != nil {
		return u, where
	}
	if depth > maxDepth {
		return &python.Unknown{Why: "it is nested too deep"}, where
	}
	if d, ok := v.(*python.Dict); ok {
		for _, item := range d.Items() {
			if u, at := firstUnknown(item.Value, fmt.Sprintf("%s[%s]", where, python.Repr(item.Key)), depth+1); u != nil {
				return u, at
			}
		}
	}
	items, _ := python.Sequence(v)
	for i, item := range items {
		if u, at := firstUnknown(item, fmt.Sprintf("%s[%d]", where, i), depth+1); u != nil {
			return u, at
		}
	}
	return nil, ""
}

const maxDepth = 20
