package redis

import (
	"context"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"github.com/redis/rueidis"

	"github.com/cloakroom-go/cloakroom"
)

const (
	scanCount = 1000 // keys that Redis looks at before it answers
	pageSize  = 100  // sessions that List holds at a time
)

// List implements [cache.Cache]. It goes through all keys of the database,
// whosever they are, and takes about 20 bytes of memory for each session. In a
// Cluster, sessions that are moved to another node meanwhile may be missed.
func (c *Cache) List(ctx context.Context, prefix string) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		for keys, err := range c.scan(ctx, prefix) {
			if err != nil {
				yield(nil, err)
				return
			}
			for page := range slices.Chunk(keys, pageSize) {
				all, err := c.read(ctx, page...)
				if err != nil {
					yield(nil, err)
					return
				}
				for i, f := range all {
					if f.err != nil {
						continue // gone since, or unreadable
					}
					f.record.Key = page[i]
					if !yield(f.record, nil) {
						return
					}
				}
			}
		}
	}
}

// Stats implements [cache.Cache]. It goes through all keys of the database. Bytes
// counts sessions as stored, without what Redis needs around them.
func (c *Cache) Stats(ctx context.Context, prefix string) (cloakroom.Stats, error) {
	var st cloakroom.Stats
	for keys, err := range c.scan(ctx, prefix) {
		if err != nil {
			return cloakroom.Stats{}, err
		}
		lengths := make(rueidis.Commands, len(keys))
		for i, key := range keys {
			lengths[i] = c.client.B().Strlen().Key(key).Build()
		}
		for _, answer := range c.client.DoMulti(ctx, lengths...) {
			n, err := answer.AsInt64()
			if err != nil && !isOtherType(err) {
				return cloakroom.Stats{}, c.failure(ctx, err)
			}
			if n > 0 {
				st.Live++
				st.Bytes += n
			}
		}
	}
	return st, nil
}

// scan yields the keys that begin with prefix, each once, some at a time. Redis
// may tell of a key twice while it makes room, and so may two nodes of a
// Cluster while they hand it over.
func (c *Cache) scan(ctx context.Context, prefix string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		seed, seen := maphash.MakeSeed(), map[uint64]struct{}{}
		pattern := literal.Replace(prefix) + "*"
		nodes, err := c.primaries(ctx)
		if err != nil {
			yield(nil, c.failure(ctx, err))
			return
		}
		for _, node := range nodes {
			for entry := (rueidis.ScanEntry{}); ; {
				entry, err = node.Do(ctx, node.B().Scan().Cursor(entry.Cursor).Match(pattern).Count(scanCount).Build()).AsScanEntry()
				if err != nil {
					yield(nil, c.failure(ctx, err))
					return
				}
				fresh := slices.DeleteFunc(entry.Elements, func(key string) bool {
					hash := maphash.String(seed, key)
					_, before := seen[hash]
					seen[hash] = struct{}{}
					return before
				})
				if len(fresh) > 0 && !yield(fresh, nil) {
					return
				}
				if entry.Cursor == 0 {
					break
				}
			}
		}
	}
}

// literal takes the meaning from what means something in a pattern.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// primaries are the nodes that together have all keys.
func (c *Cache) primaries(ctx context.Context) ([]rueidis.Client, error) {
	if c.client.Mode() != rueidis.ClientModeCluster {
		return []rueidis.Client{c.client}, nil
	}
	var primaries []rueidis.Client
	for _, node := range c.client.Nodes() {
		role, err := node.Do(ctx, node.B().Role().Build()).ToArray()
		if _, answered := rueidis.IsRedisErr(err); err != nil && !answered {
			return nil, err
		}
		// A node that may not say is asked for its keys: those of a replica are
		// known already.
		if len(role) > 0 {
			if name, _ := role[0].ToString(); name == "slave" {
				continue
			}
		}
		primaries = append(primaries, node)
	}
	return primaries, nil
}
