// Package check finds what is wrong with a site's session storage before its
// users do: in the settings, in the servers that they name, and in the sessions
// that are kept there. docs/check.md lists all that it can find.
package check

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/site"
)

// Finding is one thing that was found.
type Finding struct {
	Severity Severity `json:"severity"`
	ID       string   `json:"id"` // the same in every version: "table-missing"
	Text     string   `json:"text"`
	Mend     string   `json:"mend,omitempty"` // what to do; empty where all is well
}

// Severity is how bad a finding is.
type Severity int

const (
	// OK is what was looked at and is well.
	OK Severity = iota
	// Notice is what is good to know.
	Notice
	// Warning is what logs visitors out, or lets others in, sooner or later.
	Warning
	// Error is what keeps sessions from working, or lets anybody in.
	Error
)

var severities = []string{"ok", "notice", "warning", "error"}

func (s Severity) String() string { return severities[s] }

// MarshalText gives the severity its name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Options bound what is done to the storage.
type Options struct {
	// Patience is how long each of a dozen steps may take; 5 seconds if 0.
	Patience time.Duration
	// Sample is how many stored sessions are looked at; 200 if 0.
	Sample int
	// Cookie is the value of a session cookie as a browser sends it, for the
	// engine signed_cookies, of which no server has any.
	Cookie string
}

// Run checks the storage that s names and yields each finding as soon as it is
// there. It writes one throw-away session, and removes it. No finding holds a
// secret, a session key or session data.
func Run(ctx context.Context, s *settings.Settings, o Options) iter.Seq[Finding] {
	if o.Patience <= 0 {
		o.Patience = 5 * time.Second
	}
	if o.Sample <= 0 {
		o.Sample = 200
	}
	return func(yield func(Finding) bool) {
		c := &checker{settings: s, options: o, yield: yield}
		for _, step := range []func(context.Context, *checker){
			checkFiles, checkSecretKey, checkCookie, checkSerializer,
			openSite, checkEngine, checkDatabase, checkRoundTrip,
			takeSample, checkSigned, checkExpired, checkTokens, checkPickles, checkCookieSize,
			checkMemcached, checkRedis,
		} {
			if c.stopped || ctx.Err() != nil {
				break
			}
			bounded, cancel := context.WithTimeout(ctx, o.Patience)
			step(bounded, c)
			cancel()
		}
		if c.site != nil {
			_ = c.site.Close() // all that it was for is done
		}
	}
}

// checker is one check under way. Its steps leave what they found out for those
// that follow.
type checker struct {
	settings *settings.Settings
	options  Options
	yield    func(Finding) bool
	stopped  bool
	count    int // of findings

	site   *site.Site // nil where it cannot be opened
	broken bool       // nothing can be stored
	sample sample
}

// say reports a finding. A step that goes on after the last one does so in vain.
func (c *checker) say(severity Severity, id, mend, text string, args ...any) {
	if !c.stopped {
		c.count++
		c.stopped = !c.yield(Finding{severity, id, fmt.Sprintf(text, args...), mend})
	}
}

func (c *checker) ok(id, text string, args ...any) { c.say(OK, id, "", text, args...) }
