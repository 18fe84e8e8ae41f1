package history

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// client does one thing after the other.
type client struct {
	*History
	id     int
	engine cloakroom.Engine
	adder  cloakroom.Adder // nil where no key is used again
	known  map[string]known
}

// known is a session as a client last saw it.
type known struct {
	record *cloakroom.Record
	value  int64
}

// act does something to one of the sessions.
func (c *client) act(ctx context.Context) {
	slot := rand.N(sessions)
	c.mu.Lock()
	key := c.keys[slot]
	c.mu.Unlock()

	last, seen := c.known[key]
	var told told
	switch dice := rand.N(100); {
	case key == "":
		told = c.create(ctx, slot)
	case dice < 5:
		told = c.remove(ctx, key)
	case dice < 8 && c.adder != nil:
		told = c.add(ctx, key)
	case dice < 18:
		told = c.touch(ctx, key)
	case dice < 60 && seen:
		told = c.save(ctx, last)
	default:
		told = c.load(ctx, key)
	}
	if told == missing {
		if c.adder != nil && rand.N(2) == 0 {
			told = c.add(ctx, key)
		} else {
			told = c.create(ctx, slot)
		}
	}
	switch {
	case told == nothing:
		time.Sleep(10 * c.Pace)
	case c.Pace > 0:
		time.Sleep(rand.N(2 * c.Pace))
	}
}

func (c *client) create(ctx context.Context, slot int) told {
	r, n := c.next()
	a := c.record(ctx, c.id, question{verb: add, value: n}, func(ctx context.Context, q *question) (answer, error) {
		err := c.engine.Create(ctx, r)
		if err == nil {
			q.key = r.Key
		}
		return answer{}, err
	})
	if a.told == done {
		c.known[r.Key] = known{r, n}
		c.mu.Lock()
		c.keys[slot] = r.Key
		c.mu.Unlock()
	}
	return a.told
}

func (c *client) add(ctx context.Context, key string) told {
	r, n := c.next()
	r.Key = key
	a := c.record(ctx, c.id, question{verb: add, key: key, value: n}, func(ctx context.Context, _ *question) (answer, error) {
		return answer{}, c.adder.Add(ctx, r)
	})
	if a.told == done {
		c.known[key] = known{r, n}
	}
	return a.told
}

func (c *client) load(ctx context.Context, key string) told {
	var r *cloakroom.Record
	a := c.record(ctx, c.id, question{verb: load, key: key}, func(ctx context.Context, _ *question) (a answer, err error) {
		if r, err = c.engine.Load(ctx, key); err == nil {
			a.value, _ = r.Data["n"].(int64)
			if !r.Expires.IsZero() {
				a.expiry = int64(math.Round(r.Expires.Sub(c.epoch).Minutes()))
			}
		}
		return a, err
	})
	if a.told == done {
		c.known[key] = known{r, a.value}
	}
	return a.told
}

func (c *client) save(ctx context.Context, last known) told {
	r, n := c.next()
	r.Key, r.Version = last.record.Key, last.record.Version
	q := question{verb: save, key: r.Key, version: last.value, value: n}
	a := c.record(ctx, c.id, q, func(ctx context.Context, _ *question) (answer, error) {
		return answer{}, c.engine.Save(ctx, r)
	})
	if a.told == done && rand.N(4) > 0 { // or the next save is at a version that was replaced
		c.known[r.Key] = known{r, n}
	}
	return a.told
}

func (c *client) touch(ctx context.Context, key string) told {
	r, n := c.next()
	return c.record(ctx, c.id, question{verb: touch, key: key, value: n}, func(ctx context.Context, _ *question) (answer, error) {
		return answer{}, c.engine.Touch(ctx, key, r.Expires)
	}).told
}

func (c *client) remove(ctx context.Context, key string) told {
	return c.record(ctx, c.id, question{verb: remove, key: key}, func(ctx context.Context, _ *question) (answer, error) {
		return answer{}, c.engine.Delete(ctx, key)
	}).told
}

// next is a session like no other, whose expiry tells which it is, to the minute.
func (c *client) next() (*cloakroom.Record, int64) {
	n := c.values.Add(1)
	return &cloakroom.Record{Data: map[string]any{"n": n}, Expires: c.epoch.Add(time.Duration(n) * time.Minute)}, n
}
