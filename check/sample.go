package check

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/horizon"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

// sample is what some of the stored sessions tell.
type sample struct {
	read    int
	objects int // hold what JSON does not know
	largest int // bytes, as stored

	signedIn int           // by Horizon, with a token that has not expired
	foreign  int           // of those, made with another SECRET_KEY
	token    time.Duration // the longest that a token was good for when its session was saved
}

// takeSample reads some sessions, as many as it is allowed to and as time permits.
func takeSample(ctx context.Context, c *checker) {
	if c.site == nil {
		return
	}
	lister, ok := cloakroom.As[cloakroom.Lister](c.site.Store())
	if !ok || c.broken {
		return
	}
	began := time.Now()
	for r, err := range lister.List(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				c.failed(err)
				return
			}
			break // time is up: what was read is the sample
		}
		c.sample.add(r, c.settings.SecretKey, c.settings.SecretKeyFallbacks)
		if c.sample.read == c.options.Sample {
			break
		}
	}
	c.ok("sample", "%s looked at (a sample of at most %d, taken in %s)", human.Plural(c.sample.read, "stored session"), c.options.Sample, time.Since(began).Round(time.Millisecond))
}

func (s *sample) add(r *cloakroom.Record, secretKey string, fallbacks []string) {
	s.read++
	s.largest = max(s.largest, r.Size)
	if needsPickle(r.Data) {
		s.objects++
	}
	session := &cloakroom.Session{}
	for name, value := range r.Data {
		session.Set(name, value)
	}
	user, ok := horizon.UserOf(session)
	if !ok || !user.Expires.After(time.Now()) {
		return
	}
	s.signedIn++
	if secretKey != "" && !horizon.Verify(session, secretKey, fallbacks...) {
		s.foreign++
	}
	if life, ok := cloakroom.Get[int64](session, "_session_expiry"); ok && !r.Expires.IsZero() {
		saved := r.Expires.Add(-time.Duration(life) * time.Second)
		s.token = max(s.token, user.Expires.Sub(saved))
	}
}

const keyMend = "set SECRET_KEY to the key that the site has been running with, or name that one in SECRET_KEY_FALLBACKS; every web server needs the same"

// checkSigned finds sessions that were made with another SECRET_KEY.
func checkSigned(ctx context.Context, c *checker) {
	if c.site == nil || c.broken {
		return
	}
	if database, ok := c.site.Database(); ok {
		s, err := database.Sample(ctx, c.options.Sample)
		if all := s.Verified + s.Foreign + s.Unreadable; err == nil && all > 0 {
			c.saySigned(s.Foreign, all)
			if s.Unreadable > 0 {
				c.say(Notice, "sessions-unreadable", "see which other program writes the table; cloakroom clearsessions removes them once they have expired",
					"%d of %d sessions that were looked at are damaged", s.Unreadable, all)
			}
			return
		}
	}
	if stats, ok := c.stats(ctx); ok && stats.Corrupt > 0 && c.signs() {
		c.saySigned(int(stats.Corrupt), c.sample.read+int(stats.Corrupt))
		return
	}
	if c.sample.signedIn > 0 {
		c.saySigned(c.sample.foreign, c.sample.signedIn)
	}
}

func (c *checker) saySigned(foreign, all int) {
	switch {
	case 2*foreign > all:
		c.say(Error, "secret-key-differs", keyMend, "%d of %d sessions that were looked at were signed with another SECRET_KEY: their users are logged out", foreign, all)
	case foreign > 0:
		c.say(Notice, "secret-key-changed", keyMend, "%d of %d sessions that were looked at were signed with another SECRET_KEY, or are damaged", foreign, all)
	default:
		c.ok("signatures", "All of %d sessions that were looked at were made with this SECRET_KEY", all)
	}
}

// signs reports whether the engine signs what it stores.
func (c *checker) signs() bool {
	_, signs := cloakroom.As[cloakroom.Signed](c.site.Store())
	return signs
}

func (c *checker) stats(ctx context.Context) (cloakroom.Stats, bool) {
	measurer, ok := cloakroom.As[cloakroom.Measurer](c.site.Store())
	if !ok {
		return cloakroom.Stats{}, false
	}
	stats, err := measurer.Stats(ctx)
	return stats, err == nil
}

const (
	manyExpired = 1000 // less is no trouble
	mostExpired = 0.5  // of all
)

// checkExpired finds a store that nobody clears.
func checkExpired(ctx context.Context, c *checker) {
	if c.site == nil || c.broken || !c.signs() {
		return // a cache clears itself
	}
	stats, ok := c.stats(ctx)
	if !ok {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			c.say(Notice, "expired-unknown", "see what keeps the storage busy, and run cloakroom clearsessions", "The sessions could not be counted in %s", c.options.Patience)
		}
		return
	}
	all := stats.Live + stats.Expired
	share := float64(stats.Expired) / float64(max(all, 1))
	if stats.Expired >= manyExpired && share > mostExpired {
		c.say(Warning, "expired-sessions", "run cloakroom clearsessions now, and from cron every day",
			"About %s of %s stored sessions (%.0f %%) have expired and were never cleared", human.Count(stats.Expired), human.Count(all), 100*share)
		return
	}
	c.ok("expired", "%s, %s expired", human.Plural(int(stats.Live), "live session"), human.Count(stats.Expired))
}

// checkTokens compares SESSION_TIMEOUT with what Keystone gives. Horizon ends a
// session with its token.
func checkTokens(_ context.Context, c *checker) {
	const rounding = time.Minute
	if !c.settings.IsHorizon || c.sample.token == 0 {
		return
	}
	if c.settings.SessionTimeout > c.sample.token+rounding {
		c.say(Warning, "timeout-beyond-token", "set [token] expiration in keystone.conf to at least SESSION_TIMEOUT, or SESSION_TIMEOUT to no more than that",
			"SESSION_TIMEOUT is %d seconds, and no Keystone token of %d sessions that were looked at was good for more than %d when it was last used: users are signed out by the token",
			seconds(c.settings.SessionTimeout), c.sample.signedIn, seconds(c.sample.token))
		return
	}
	c.ok("timeout", "Keystone's tokens are good for at least SESSION_TIMEOUT, %d seconds", seconds(c.settings.SessionTimeout))
}

// seconds is how settings have a duration.
func seconds(d time.Duration) int64 { return int64(d.Round(time.Second) / time.Second) }
