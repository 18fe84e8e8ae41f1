package memcached

import (
	"bytes"
	"context"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// pageSize is how many sessions List holds at a time.
const pageSize = 100

// List implements [cache.Cache], one server after the other. It holds the keys of
// one server in memory, and a hundred sessions: Memcached tells all keys at
// once, and lets nobody else ask while it does. When a server is down, those on
// the others are listed first. An old Memcached, which tells them list by list,
// passes over what it is just moving from one to another.
func (c *Cache) List(ctx context.Context, prefix string) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		var errs []error
		for _, s := range c.servers {
			stopped, err := s.list(ctx, prefix, yield)
			if stopped {
				return
			}
			errs = append(errs, err)
		}
		if err := merged(errs...); err != nil {
			yield(nil, err)
		}
	}
}

func (s *server) list(ctx context.Context, prefix string, yield func(*cloakroom.Record, error) bool) (stopped bool, err error) {
	var all []entry
	err = s.dump(ctx, prefix, func(e entry) {
		e.key = strings.Clone(strings.TrimPrefix(e.key, prefix))
		all = append(all, e)
	})
	if err != nil {
		return false, err
	}
	// A session that is saved meanwhile may come twice.
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	all = slices.CompactFunc(all, func(a, b entry) bool { return a.key == b.key })
	for page := range slices.Chunk(all, pageSize) {
		items, err := s.page(ctx, prefix, page)
		if err != nil {
			return false, err
		}
		for _, e := range page {
			it, found := items[prefix+e.key]
			if !found {
				continue
			}
			it.expires = e.expires
			r, err := it.record()
			if err != nil {
				continue // unreadable
			}
			r.Key = prefix + e.key
			if !yield(r, nil) {
				return true, nil
			}
		}
	}
	return false, nil
}

func (s *server) page(ctx context.Context, prefix string, page []entry) (items map[string]item, err error) {
	keys := make([]string, len(page))
	for i, e := range page {
		keys[i] = prefix + e.key
	}
	err = s.do(ctx, func(c *conn) error {
		items = make(map[string]item, len(keys))
		return c.gets(keys, func(key string, it item) { items[key] = it })
	})
	return items, err
}

// Stats implements [cache.Cache]. Bytes is what the sessions take in Memcached's
// memory with all that it keeps beside them. When a server is down, the others
// are measured.
func (c *Cache) Stats(ctx context.Context, prefix string) (cloakroom.Stats, error) {
	var st cloakroom.Stats
	var errs []error
	for _, s := range c.servers {
		errs = append(errs, s.dump(ctx, prefix, func(e entry) {
			st.Live++
			st.Bytes += e.size
		}))
	}
	return st, merged(errs...)
}

// entry is what Memcached tells of an item.
type entry struct {
	key     string
	expires time.Time // zero when it does not
	size    int64
}

// dump tells of all live items whose keys begin with prefix. It goes through the
// hash table: "all" goes through lists in which items move meanwhile, and misses
// some. While Memcached looks for expired items, which it does now and then, or
// makes a list for somebody else, it is busy.
func (s *server) dump(ctx context.Context, prefix string, tell func(entry)) error {
	const pause, longest = 20 * time.Millisecond, time.Minute // unless ctx ends before
	way, began := "hash", time.Now()
	for {
		err := s.do(ctx, func(c *conn) error { return c.dump(ctx, way, prefix, tell) })
		switch answer := answerIn(err); {
		case strings.HasPrefix(answer, "BADCLASS") && way == "hash":
			way = "all" // all that an old one knows
			continue
		case !strings.HasPrefix(answer, "BUSY") || time.Since(began) > longest:
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func (c *conn) dump(ctx context.Context, way, prefix string, tell func(entry)) error {
	const someLines = 100
	c.spent = true // Memcached hands it to another thread meanwhile, and was seen to lose it
	if err := c.send("lru_crawler", "metadump", way); err != nil {
		return err
	}
	for n := 1; ; n++ {
		line, err := c.line()
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(line, []byte("key=")):
		case string(line) == "OK": // how newer ones begin
			continue
		case string(line) == "END":
			return nil
		default:
			return refusal(line)
		}
		e, err := parseEntry(string(line))
		if err != nil {
			return err
		}
		if strings.HasPrefix(e.key, prefix) && (e.expires.IsZero() || e.expires.After(time.Now())) {
			tell(e)
		}
		if n%someLines == 0 {
			if err := c.await(ctx); err != nil {
				return err
			}
		}
	}
}

// parseEntry reads a line of name=value words, of which newer ones have more.
func parseEntry(line string) (e entry, err error) {
	for word := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "key":
			e.key, err = url.PathUnescape(value)
		case "exp":
			var at int64
			if at, err = strconv.ParseInt(value, 10, 64); at > 0 { // -1 is never
				e.expires = time.Unix(at, 0)
			}
		case "size":
			e.size, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return entry{}, errNonsense
		}
	}
	return e, nil
}
