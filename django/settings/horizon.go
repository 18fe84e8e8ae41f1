package settings

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloakroom-go/cloakroom/django/settings/python"
)

// horizonsLocal is the local_settings.py that Horizon's own settings.py imports:
// what it does itself is known here. Any other path is returned as it is.
func horizonsLocal(path string) (string, error) {
	local := filepath.Join(filepath.Dir(path), "local", "local_settings.py")
	if filepath.Base(path) != "settings.py" || !exists(filepath.Join(filepath.Dir(path), "local", "enabled")) {
		return path, nil
	}
	return local, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// isHorizon says whether a file is Horizon's: it imports from Horizon, sets what
// only Horizon has, or is a local_settings.py that is no whole Django site.
func isHorizon(path string, names *python.Namespace) bool {
	for name := range names.Imports() {
		first, _, _ := strings.Cut(name, ".")
		if slices.Contains([]string{"horizon", "openstack_dashboard", "openstack_auth"}, first) {
			return true
		}
	}
	for name := range names.Names() {
		if name == "HORIZON_CONFIG" || strings.HasPrefix(name, "OPENSTACK_") {
			return true
		}
	}
	return strings.TrimSuffix(filepath.Base(path), ".py") == "local_settings" &&
		names.Lookup("ROOT_URLCONF") == nil && names.Lookup("INSTALLED_APPS") == nil
}

// horizonDefaults are of openstack_dashboard/settings.py, openstack_auth/defaults.py
// and horizon/defaults.py, which read local_settings.py afterwards.
func horizonDefaults(names *python.Namespace) {
	cache := &python.Dict{}
	cache.Set("BACKEND", python.Str("django.core.cache.backends.memcached.MemcachedCache"))
	cache.Set("LOCATION", python.Str("127.0.0.1:11211"))
	caches := &python.Dict{}
	caches.Set("default", cache)
	for name, value := range map[string]python.Value{
		"SESSION_ENGINE":                  python.Str("django.contrib.sessions.backends.cache"),
		"CACHES":                          caches,
		"SESSION_COOKIE_HTTPONLY":         python.Bool(true),
		"SESSION_EXPIRE_AT_BROWSER_CLOSE": python.Bool(true),
		"SESSION_COOKIE_SECURE":           python.Bool(false),
		"USE_TZ":                          python.Bool(true),
		"SECRET_KEY":                      python.None{},
	} {
		names.Set(name, value)
	}
}

// horizon does what Horizon's settings.py does around local_settings.py.
func (r *reader) horizon(path string) error {
	names := r.names.Sibling()
	horizonDefaults(names)
	names.Import(r.names)
	r.names = names
	files, err := snippets(filepath.Join(filepath.Dir(path), "local_settings.d"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := names.Exec(file); err != nil {
			return unreadable(file, err)
		}
		r.settings.files = append(r.settings.files, file)
	}
	if key := names.Lookup("SECRET_KEY"); key != nil && (key.Value == python.Str("") || key.Value == python.None{}) {
		local := filepath.Dir(path)
		if set := names.Lookup("LOCAL_PATH"); set != nil {
			if dir, ok := set.Value.(python.Str); ok && dir != "" {
				local = string(dir)
			}
		}
		names.Set("SECRET_KEY", secretKeyFrom(filepath.Join(local, ".secret_key_store"), key.Place))
	}
	return nil
}
