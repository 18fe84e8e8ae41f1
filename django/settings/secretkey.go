package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/cloakroom-go/cloakroom/django/settings/python"
)

// modules are what settings import from Horizon and from Django.
func modules() map[string]*python.Module {
	fromFile := func(c python.Call) python.Value {
		path := ".secret_key"
		if given := c.Arg(0, "key_file"); given != nil {
			p, ok := python.PathOf(given)
			if !ok {
				return c.Unknown("the name of the secret key file is not known")
			}
			path = p
		}
		return secretKeyFrom(path, c.Place)
	}
	return map[string]*python.Module{
		"horizon.utils.secret_key": {Name: "horizon.utils.secret_key", Attrs: map[string]python.Value{
			"generate_or_read_from_file": python.NewFunction("generate_or_read_from_file", fromFile),
			"read_from_file":             python.NewFunction("read_from_file", fromFile),
		}},
		"horizon.utils":               {Name: "horizon.utils", Attrs: map[string]python.Value{}},
		"django.conf.global_settings": {Name: "django.conf.global_settings", Attrs: map[string]python.Value{}},
	}
}

// secretKeyFrom reads the key as Horizon does: the first line, with its end. A
// file that is not there is never made: Horizon does that, as the user it runs as.
func secretKeyFrom(path string, place python.Place) python.Value {
	unknown := func(why, mend string) python.Value {
		return &python.Unknown{Why: "the secret key file " + path + " " + why, Mend: mend, Place: place}
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return unknown("is not a regular file", "name another")
	}
	if err == nil && info.Mode().Perm() != 0o600 {
		return unknown(fmt.Sprintf("has the mode %#o, which Horizon refuses", info.Mode().Perm()),
			"chmod 600 it, and change the key if somebody may have seen it")
	}
	content, err := python.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unknown("is not there", "start Horizon once, which makes it")
	case errors.Is(err, fs.ErrPermission):
		return unknown("is not for this user to read", "run this as the user that Horizon runs as")
	case err != nil:
		return unknown("cannot be read: "+err.Error(), "")
	}
	line, _, found := strings.Cut(strings.ReplaceAll(content, "\r\n", "\n"), "\n")
	if found {
		line += "\n"
	}
	if strings.TrimSpace(line) == "" {
		return unknown("is empty", "remove it to have Horizon make a new one, which ends all sessions")
	}
	return python.Str(line)
}
