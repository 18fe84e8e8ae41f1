package check

import (
	"context"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

const pickleMend = "set SESSION_SERIALIZER to 'django.contrib.sessions.serializers.JSONSerializer', or in Horizon 27 and later to 'openstack_auth.serializers.HorizonSerializer'; it ends all sessions"

// pickled reports whether the engine signs pickles: caches keep them whatever
// the setting says, and need no signature.
func (c *checker) pickled() bool {
	engine := c.settings.SessionEngine
	return c.settings.EngineURL == "" && strings.HasSuffix(c.settings.Serializer, ".PickleSerializer") &&
		!strings.HasSuffix(engine, ".cache")
}

// checkSerializer: a pickle in a cookie is code that a visitor sends.
func checkSerializer(_ context.Context, c *checker) {
	if c.pickled() && c.signedCookies() {
		c.say(Error, "pickle-in-cookies", pickleMend+"; or choose another SESSION_ENGINE",
			"Sessions are pickled into cookies: whoever gets to know SECRET_KEY can run code on the web servers")
	}
}

// checkPickles looks at whether the sessions need Pickle.
func checkPickles(_ context.Context, c *checker) {
	switch {
	case !c.pickled() || c.signedCookies():
	case c.sample.read > 0 && c.sample.objects > 0:
		c.say(Notice, "pickle-needed", "keep SECRET_KEY and the storage out of others' hands until Horizon 27, whose HorizonSerializer does without",
			"Sessions are pickled, and %d of %d that were looked at hold objects that JSON does not know: whoever knows SECRET_KEY and can write the storage can run code", c.sample.objects, c.sample.read)
	default:
		c.say(Warning, "pickle", pickleMend,
			"Sessions are pickled, though none of %d that were looked at holds more than JSON knows: whoever knows SECRET_KEY and can write the storage can run code", c.sample.read)
	}
}

// needsPickle reports whether v has anything that JSON lacks.
func needsPickle(v any) bool {
	switch v := v.(type) {
	case cloakroom.Value, []byte, time.Time:
		return true
	case []any:
		for _, item := range v {
			if needsPickle(item) {
				return true
			}
		}
	case map[string]any:
		for _, item := range v {
			if needsPickle(item) {
				return true
			}
		}
	}
	return false
}
