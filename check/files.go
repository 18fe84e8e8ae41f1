package check

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloakroom-go/cloakroom/django/settings"
)

// snippets is the folder whose files Horizon on Debian reads after
// local_settings.py.
const snippets = "local_settings.d"

// checkFiles finds settings that somebody wrote in vain.
func checkFiles(_ context.Context, c *checker) {
	if len(c.settings.Files()) == 0 {
		return
	}
	said := false
	for _, item := range c.settings.Items() {
		source := item.Source
		i := slices.IndexFunc(source.Overridden, func(p settings.Place) bool { return !inSnippets(p.File) })
		if i < 0 || !inSnippets(source.File) {
			continue
		}
		said = true
		c.say(Warning, "settings-overridden",
			"take it out of "+source.File+", or write what you mean into a file of that folder that comes later in the alphabet",
			"%s at %s has no effect: %s is read after it and sets it again", item.Name, source.Overridden[i], source.Place)
	}
	if c.settings.DatabaseRouters {
		c.say(Notice, "database-routers", "if a router sends django.contrib.sessions elsewhere, name that database with --engine URL",
			"DATABASE_ROUTERS may send sessions to another database than DATABASES['default'], which is the one that is looked at here")
	}
	if !said {
		c.ok("settings", "No setting is overridden unseen, in what was read: %s", strings.Join(c.settings.Files(), ", "))
	}
}

func inSnippets(file string) bool { return filepath.Base(filepath.Dir(file)) == snippets }
