package site

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
)

// origin is what led to a back end.
type origin struct {
	setting  string // "CACHES['default']"; empty where a URL was given
	source   settings.Source
	location string // without credentials; may be empty
}

func originOf(s *settings.Settings, setting, location string) origin {
	name, _, _ := strings.Cut(setting, "[")
	return origin{setting, s.Source(name), location}
}

// failure adds to an error what led to it.
func (o origin) failure(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", o, err)
}

// String is "CACHES['default'] (local_settings.py:7), 127.0.0.1:11211".
func (o origin) String() string {
	var parts []string
	if o.setting != "" {
		parts = append(parts, o.setting+place(o.source))
	}
	if o.location != "" {
		parts = append(parts, o.location)
	}
	return cmp.Or(strings.Join(parts, ", "), "the session storage")
}

func place(source settings.Source) string {
	if source.File == "" {
		return ""
	}
	return " (" + source.Place.String() + ")"
}

// wrong is for what can be told from the settings alone.
func (o origin) wrong(reason, mend string) error {
	return o.failure(&cloakroom.Error{Engine: "settings", Op: "open", Kind: cloakroom.ErrConfig, Reason: reason, Mend: mend})
}

func wrong(s *settings.Settings, setting, reason, mend string) error {
	return originOf(s, setting, "").wrong(reason, mend)
}

func noDatabase(p plan) error {
	from := origin{}
	switch {
	case p.store != nil:
		from = p.store.origin
	case p.cache != nil:
		from = p.cache.origin
	}
	return from.wrong("sessions are in no database", "choose the engine db or cached_db, or name a database with --engine URL")
}
