package check

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

// farOff is how wrong a clock may be.
const farOff = 5 * time.Second

// checkDatabase looks at the table, and the server's clock.
func checkDatabase(ctx context.Context, c *checker) {
	if c.site == nil {
		return
	}
	database, ok := c.site.Database()
	if !ok {
		return
	}
	if err := database.Ping(ctx); err != nil {
		if errors.Is(err, cloakroom.ErrConfig) {
			c.failedAs("table-unusable", err) // it is missing, or not for this user
		} else {
			c.failed(err)
		}
		return
	}
	problems, err := database.Problems(ctx)
	for _, p := range problems {
		c.say(Warning, "table-incomplete", p.Mend, "%s", p.Reason)
	}
	if err == nil && len(problems) == 0 {
		c.ok("table", "The table django_session is as Django makes it")
	}
	before := time.Now()
	clock, err := database.Clock(ctx)
	if off := max(before.Sub(clock), time.Until(clock)); err == nil && off > farOff {
		c.say(Warning, "clock-differs", "let both keep time by NTP",
			"The database server's clock is %s away from this machine's: sessions expire by the clock of whoever asks, so one that is off ends them early or late", off.Round(time.Second))
	}
}

// roomyItem is the largest item that any session is expected to need: one with a
// large catalog and several regions.
const roomyItem = 32 << 10

func checkMemcached(ctx context.Context, c *checker) {
	before, _ := c.theCache()
	m, ok := before.(*memcached.Cache)
	if !ok {
		return
	}
	servers, err := m.Health(ctx)
	if err != nil {
		if c.alone() {
			c.failed(err)
		}
		return
	}
	lost := "they cannot be saved"
	if !c.alone() {
		lost = "they are read from the database each time"
	}
	said := c.count
	for _, s := range servers {
		if needed := max(int64(2*c.sample.largest), roomyItem); s.MaxItem > 0 && s.MaxItem < needed {
			c.say(Warning, "memcached-item-size", "start it with a larger -I; 1m is its default",
				"Memcached at %s takes items of up to %s bytes; the largest of %d sessions that were looked at has %s, and where one grows beyond, %s",
				s.Server, human.Count(s.MaxItem), c.sample.read, human.Count(int64(c.sample.largest)), lost)
		}
		if !c.alone() {
			continue // what goes comes again from the database
		}
		switch {
		case s.Evicted > 0:
			c.say(Warning, "memcached-evictions", "start it with more memory (-m), keep other things in another Memcached, or choose cached_db",
				"Memcached at %s has thrown out %s items in %s to make room: whose session was among them is logged out", s.Server, human.Count(s.Evicted), s.Uptime)
		case s.MaxMemory > 0 && float64(s.Used) > nearly*float64(s.MaxMemory):
			c.say(Warning, "memcached-full", "start it with more memory (-m), or choose cached_db",
				"Memcached at %s has %s of %s bytes in use: soon it throws out sessions to make room", s.Server, human.Count(s.Used), human.Count(s.MaxMemory))
		}
	}
	if c.count == said {
		c.ok("memcached", "Memcached has room and threw nothing out")
	}
}

func checkRedis(ctx context.Context, c *checker) {
	before, _ := c.theCache()
	r, ok := before.(*redis.Cache)
	if !ok || !c.alone() {
		return // what goes comes again from the database
	}
	servers, err := r.Health(ctx)
	if err != nil {
		c.say(Notice, "redis-unknown", "allow the user +info", "Redis does not say how it is set up")
		return
	}
	said := c.count
	for _, s := range servers {
		if s.MaxMemory > 0 && !strings.EqualFold(s.Policy, "noeviction") {
			c.say(Warning, "redis-evicts", "set maxmemory-policy noeviction, and a maxmemory that is enough",
				"Redis at %s throws sessions out when it is full (maxmemory %s, maxmemory-policy %s; %s keys so far)", s.Node, human.Count(s.MaxMemory), s.Policy, human.Count(s.Evicted))
		}
	}
	if !r.Describe().Persistent {
		c.say(Warning, "redis-not-persistent", "set appendonly yes (or save) in redis.conf, or choose cached_db",
			"Redis keeps nothing on disk, or does not say: when it restarts all are logged out")
	}
	if c.count == said {
		c.ok("redis", "Redis keeps sessions on disk and throws none out")
	}
}

func (c *checker) theCache() (any, bool) {
	if c.site == nil {
		return nil, false
	}
	return c.site.Cache()
}

// alone reports whether the cache is all that sessions are in.
func (c *checker) alone() bool { return c.site.Store() == c.site.Engine }
