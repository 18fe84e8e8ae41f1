package site

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// lateCache is a cache before a database that was away when the site was opened:
// it is tried again whenever it is asked.
type lateCache struct {
	open        opener
	description cloakroom.Description
	turn        chan cache.Cache // holds it, or nil, while nobody opens it; closed in the end
}

func newLateCache(p *cachePlan) *lateCache {
	c := &lateCache{
		open:        p.open,
		description: cloakroom.Description{BackEnd: "a cache", Location: p.location, Shared: true},
		turn:        make(chan cache.Cache, 1),
	}
	c.turn <- nil
	return c
}

// cache returns what is behind, opened.
func (c *lateCache) cache(ctx context.Context) (behind cache.Cache, err error) {
	open := true
	select {
	case behind, open = <-c.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !open {
		return nil, errClosed
	}
	if behind == nil {
		behind, err = c.open(ctx)
	}
	if err != nil {
		behind = nil
	}
	c.turn <- behind
	return behind, err
}

func (c *lateCache) Get(ctx context.Context, key string) (*cloakroom.Record, error) {
	behind, err := c.cache(ctx)
	if err != nil {
		return nil, err
	}
	return behind.Get(ctx, key)
}

func (c *lateCache) Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error) {
	behind, err := c.cache(ctx)
	if err != nil {
		return false, err
	}
	return behind.Add(ctx, key, r)
}

func (c *lateCache) Swap(ctx context.Context, key string, r *cloakroom.Record) error {
	behind, err := c.cache(ctx)
	if err != nil {
		return err
	}
	return behind.Swap(ctx, key, r)
}

func (c *lateCache) Delete(ctx context.Context, key string) error {
	behind, err := c.cache(ctx)
	if err != nil {
		return err
	}
	return behind.Delete(ctx, key)
}

func (c *lateCache) Touch(ctx context.Context, key string, expires time.Time) error {
	behind, err := c.cache(ctx)
	if err != nil {
		return err
	}
	return behind.Touch(ctx, key, expires)
}

func (c *lateCache) List(ctx context.Context, prefix string) iter.Seq2[*cloakroom.Record, error] {
	behind, err := c.cache(ctx)
	if err != nil {
		return func(yield func(*cloakroom.Record, error) bool) { yield(nil, err) }
	}
	return behind.List(ctx, prefix)
}

func (c *lateCache) Stats(ctx context.Context, prefix string) (cloakroom.Stats, error) {
	behind, err := c.cache(ctx)
	if err != nil {
		return cloakroom.Stats{}, err
	}
	return behind.Stats(ctx, prefix)
}

func (c *lateCache) Ping(ctx context.Context) error {
	behind, err := c.cache(ctx)
	if err != nil {
		return err
	}
	return behind.Ping(ctx)
}

func (c *lateCache) Describe() cloakroom.Description {
	select {
	case behind, open := <-c.turn:
		if open {
			c.turn <- behind
		}
		if behind != nil {
			return behind.Describe()
		}
	default: // somebody is opening it
	}
	return c.description
}

var errClosed = &cloakroom.Error{Kind: cloakroom.ErrUnavailable, Reason: "the site was closed"}

// Close closes what is behind.
func (c *lateCache) Close() error {
	behind, open := <-c.turn
	if !open {
		return nil // it was closed before
	}
	close(c.turn)
	if closer, ok := behind.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}
