package settings

import (
	"errors"
	"io"
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
	unknown := func(why string) python.Value { return &python.Unknown{Why: why, Place: place} }
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unknown("the secret key file " + path + " is not there; Horizon makes it when it is first started")
	case errors.Is(err, fs.ErrPermission):
		return unknown("the secret key file " + path + " is not for this user to read; run this as the user that Horizon runs as")
	case err != nil:
		return unknown("the secret key file cannot be read: " + err.Error())
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return unknown("the secret key file " + path + " is not a regular file")
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		return unknown("the secret key file " + path + " has a mode that Horizon refuses; chmod 600 it, and change the key if somebody may have seen it")
	}
	content, err := io.ReadAll(io.LimitReader(file, 1<<16))
	if err != nil {
		return unknown("the secret key file cannot be read: " + err.Error())
	}
	line, _, found := strings.Cut(strings.ReplaceAll(string(content), "\r\n", "\n"), "\n")
	if found {
		line += "\n"
	}
	if strings.TrimSpace(line) == "" {
		return unknown("the secret key file " + path + " is empty; remove it to have Horizon make a new one, which ends all sessions")
	}
	return python.Str(line)
}
