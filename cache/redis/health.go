package redis

import (
	"bufio"
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// Health is what a Redis says of itself that decides whether it keeps what it
// was given.
type Health struct {
	Node      string // its address
	MaxMemory int64  // in bytes; 0 is no limit
	Policy    string // maxmemory-policy: what goes when it is full; "noeviction" is nothing
	Evicted   int64  // how many keys it threw out since it started
}

// Health asks the Redis, or every primary of a Cluster. What one does not say is
// empty.
func (c *Cache) Health(ctx context.Context) ([]Health, error) {
	nodes := map[string]rueidis.Client{c.description.Location: c.client}
	if c.client.Mode() == rueidis.ClientModeCluster {
		nodes = c.client.Nodes()
	}
	var all []Health
	for _, address := range slices.Sorted(maps.Keys(nodes)) {
		text, err := nodes[address].Do(ctx, nodes[address].B().Info().Build()).ToString()
		if err != nil {
			return nil, c.failure(ctx, err)
		}
		facts := parseInfo(text)
		if facts["role"] == "slave" {
			continue
		}
		h := Health{Node: address, Policy: cmp.Or(facts["maxmemory_policy"], "noeviction")}
		h.MaxMemory, _ = strconv.ParseInt(facts["maxmemory"], 10, 64) // 0 where it does not say
		h.Evicted, _ = strconv.ParseInt(facts["evicted_keys"], 10, 64)
		all = append(all, h)
	}
	return all, nil
}

func parseInfo(text string) map[string]string {
	facts := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			facts[name] = value
		}
	}
	return facts
}
