package settings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings/python"
)

// Load reads the settings file at path. Where it is Horizon's, local_settings.d
// beside it counts too, as it does for Horizon. The environment is this
// process's. The error names each setting of ours that is wrong or cannot be
// known, with its line; it matches cloakroom.ErrConfig.
func Load(path string) (*Settings, error) {
	path, err := horizonsLocal(path)
	if err != nil {
		return nil, err
	}
	names := python.New(python.Host{Environ: os.Environ(), Modules: modules()})
	if err := names.Exec(path); err != nil {
		return nil, unreadable(path, err)
	}
	r := &reader{names: names, whose: "Django", settings: &Settings{files: []string{path}}}
	if isHorizon(path, names) {
		r.settings.IsHorizon, r.whose = true, "Horizon"
		if err := r.horizon(path); err != nil {
			return nil, err
		}
	}
	return r.read()
}

// FromURLs returns Django's defaults with sessions where the URLs say: cache may
// be empty.
func FromURLs(engine, cache string) *Settings {
	r := &reader{names: python.New(python.Host{}), whose: "Django", settings: &Settings{}}
	s, _ := r.read() // of nothing, nothing is wrong
	s.EngineURL, s.CacheURL = engine, cache
	return s
}

func unreadable(path string, err error) error {
	mend := "is it a settings file of Django's?"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		mend = "name the site's settings.py, or Horizon's local_settings.py"
	case errors.Is(err, fs.ErrPermission):
		mend = "run this as the user that the site runs as"
	}
	return &cloakroom.Error{
		Engine: "settings", Op: "read", Kind: cloakroom.ErrConfig,
		Reason: path + " cannot be read", Mend: mend, Err: err,
	}
}

// snippets are the files in local_settings.d, in the order in which Horizon takes
// them.
func snippets(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(dir, err)
	}
	var files, folders []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			below, err := snippets(path)
			if err != nil {
				return nil, err
			}
			folders = append(folders, below...)
		case strings.HasSuffix(path, ".py"):
			files = append(files, path)
		}
	}
	return slices.Concat(files, folders), nil
}
