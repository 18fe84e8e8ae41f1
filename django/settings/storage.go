package settings

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cloakroom-go/cloakroom/django/settings/python"
)

// field is one item of a cache or a database, as understand has it.
func field[T any](d *python.Dict, where, key string, otherwise T, failed **problem, understand func(string, python.Value) (T, *problem)) T {
	v, ok := d.Get(key)
	if !ok || *failed != nil {
		return otherwise
	}
	one, p := understand(fmt.Sprintf("%s['%s']", where, key), v)
	*failed = p
	return one
}

func (r *reader) caches() {
	timeout := 300 * time.Second
	r.settings.Caches = each(r, "CACHES", map[string]Cache{"default": {
		Backend: "django.core.cache.backends.locmem.LocMemCache", Timeout: &timeout, Version: 1,
	}}, readCache)
}

func readCache(where string, d *python.Dict) (c Cache, failed *problem) {
	timeout := 300 * time.Second // as for one that Django does not understand
	if _, ok := d.Get("BACKEND"); !ok {
		return c, &problem{where, "has no BACKEND", "add it"}
	}
	c = Cache{
		Backend:     field(d, where, "BACKEND", "", &failed, dotted),
		Location:    field(d, where, "LOCATION", nil, &failed, locations),
		Timeout:     field(d, where, "TIMEOUT", &timeout, &failed, orNever),
		KeyPrefix:   field(d, where, "KEY_PREFIX", "", &failed, textOrNone),
		Version:     field(d, where, "VERSION", 1, &failed, whole),
		KeyFunction: field(d, where, "KEY_FUNCTION", "", &failed, keyFunction),
		Options:     field(d, where, "OPTIONS", nil, &failed, options),
	}
	return c, failed
}

// locations takes one text, or several in a list.
func locations(where string, v python.Value) ([]string, *problem) {
	if _, none := v.(python.None); none {
		return nil, nil
	}
	if p, ok := python.PathOf(v); ok {
		return []string{p}, nil
	}
	return texts(where, v)
}

func orNever(where string, v python.Value) (*time.Duration, *problem) {
	if _, none := v.(python.None); none {
		return nil, nil
	}
	if s, ok := v.(python.Str); ok { // Django takes it for a number
		if n, err := strconv.ParseInt(string(s), 10, 64); err == nil {
			v = python.Int(n)
		}
	}
	if n, ok := v.(python.Int); ok && n < 0 { // which is over at once, like 0
		v = python.Int(0)
	}
	d, p := seconds(where, v)
	return &d, p
}

func whole(where string, v python.Value) (int, *problem) {
	if n, ok := v.(python.Int); ok {
		return int(n), nil
	}
	return 0, wrongType(where, "a whole number", v)
}

func keyFunction(where string, v python.Value) (string, *problem) {
	switch v := v.(type) {
	case python.None:
		return "", nil
	case python.Str:
		return string(v), nil
	}
	return "", &problem{where, "is a function, and what it makes of keys cannot be known", "remove it, or name Django's own by its dotted path"}
}

// databaseKeys are the keys of a database that Django knows.
var databaseKeys = []string{
	"ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS", "TIME_ZONE",
	"ATOMIC_REQUESTS", "AUTOCOMMIT", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS",
	"DISABLE_SERVER_SIDE_CURSORS", "TEST",
}

func (r *reader) databases() {
	r.settings.DatabaseRouters = value(r, "DATABASE_ROUTERS", false, func(_ string, v python.Value) (bool, *problem) {
		items, ok := python.Sequence(v)
		return !ok || len(items) > 0, nil
	})
	r.settings.Databases = each(r, "DATABASES", nil, readDatabase)
}

func readDatabase(where string, d *python.Dict) (db Database, failed *problem) {
	db = Database{
		Engine:   field(d, where, "ENGINE", "", &failed, text),
		Name:     field(d, where, "NAME", "", &failed, path),
		User:     field(d, where, "USER", "", &failed, textOrNone),
		Password: field(d, where, "PASSWORD", "", &failed, textOrNone),
		Host:     field(d, where, "HOST", "", &failed, path),
		Port:     field(d, where, "PORT", "", &failed, port),
		TimeZone: field(d, where, "TIME_ZONE", "", &failed, textOrNone),
		Options:  field(d, where, "OPTIONS", nil, &failed, options),
	}
	for _, item := range d.Items() {
		if key, ok := item.Key.(python.Str); ok && !slices.Contains(databaseKeys, string(key)) {
			db.Ignored = append(db.Ignored, string(key))
		}
	}
	return db, failed
}

func port(where string, v python.Value) (string, *problem) {
	switch v := v.(type) {
	case python.Int:
		return strconv.FormatInt(int64(v), 10), nil
	case python.Str:
		if _, err := strconv.ParseUint(string(v), 10, 16); err == nil || v == "" {
			return string(v), nil
		}
	case python.None:
		return "", nil
	}
	return "", wrongType(where, "a port's number", v)
}
