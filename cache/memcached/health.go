package memcached

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Health is what a Memcached says of itself that decides whether it keeps what
// it was given.
type Health struct {
	Server    string        // its address
	MaxItem   int64         // the largest item that it takes, in bytes (-I)
	MaxMemory int64         // for all items, in bytes (-m)
	Used      int64         // bytes of that which items take
	Evicted   int64         // how many items it threw out to make room
	Uptime    time.Duration // since when
}

// Health asks every server.
func (c *Cache) Health(ctx context.Context) ([]Health, error) {
	var all []Health
	for _, s := range c.servers {
		facts := map[string]int64{}
		for _, what := range []string{"", "settings"} {
			if err := s.do(ctx, func(c *conn) error { return c.stats(what, facts) }); err != nil {
				return nil, err
			}
		}
		all = append(all, Health{
			Server: s.String(), MaxItem: facts["item_size_max"], MaxMemory: facts["limit_maxbytes"],
			Used: facts["bytes"], Evicted: facts["evictions"], Uptime: time.Duration(facts["uptime"]) * time.Second,
		})
	}
	return all, nil
}

// stats asks for facts that are whole numbers.
func (c *conn) stats(what string, facts map[string]int64) error {
	if err := c.send(strings.Fields("stats " + what)...); err != nil {
		return err
	}
	for {
		line, err := c.line()
		if err != nil || string(line) == "END" {
			return err
		}
		words := strings.Fields(string(line))
		if len(words) < 2 || words[0] != "STAT" {
			return refusal(line)
		}
		if n, err := strconv.ParseInt(words[len(words)-1], 10, 64); err == nil && len(words) == 3 {
			facts[words[1]] = n
		}
	}
}
