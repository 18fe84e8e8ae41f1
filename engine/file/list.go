package file

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// pageSize is how many names are read at a time.
const pageSize = 200

// pages yields the names in the folder. It holds the folder open, not its lock.
func (e *Engine) pages(ctx context.Context) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		var held place
		err := e.inside(ctx, func(place) (err error) {
			held, err = e.open()
			return err
		})
		if err != nil {
			yield(nil, err)
			return
		}
		defer held.close()
		for {
			var page []string
			err := e.inside(ctx, func(place) (err error) {
				page, err = held.dir.Readdirnames(pageSize)
				return err
			})
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// List implements [cloakroom.Lister], in the order of the folder.
func (e *Engine) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		if !e.codec.Ready() {
			yield(nil, errNoSecretKey("list"))
			return
		}
		for names, err := range e.pages(ctx) {
			var records []*cloakroom.Record
			if err == nil {
				records, err = e.records(ctx, names)
			}
			if err != nil {
				yield(nil, e.failure("list", err))
				return
			}
			for _, r := range records {
				if !expired(r) && !yield(r, nil) {
					return
				}
			}
		}
	}
}

// each reads the sessions among the files that are named.
func (e *Engine) each(ctx context.Context, names []string, see func(key string, s stored)) error {
	return e.inside(ctx, func(p place) error {
		for _, name := range names {
			key, ok := e.keyOf(name)
			if !ok {
				continue
			}
			switch s, err := p.read(name); {
			case err == nil:
				s.close()
				see(key, s)
			case !errors.Is(err, cloakroom.ErrNotFound):
				return err
			}
		}
		return nil
	})
}

func (e *Engine) records(ctx context.Context, names []string) ([]*cloakroom.Record, error) {
	var records []*cloakroom.Record
	err := e.each(ctx, names, func(key string, s stored) {
		if r, err := e.record(key, s); err == nil {
			records = append(records, r)
		} else {
			e.corrupt.Add(1)
		}
	})
	if err != nil {
		return nil, err // and leave alone what may still be added to
	}
	return records, nil
}

// ClearExpired implements [cloakroom.Engine]. It reads every session until it
// has found enough, and also removes what a process left behind that ended in
// the middle of a save.
func (e *Engine) ClearExpired(ctx context.Context, limit int) (int, error) {
	if !e.codec.Ready() {
		return 0, errNoSecretKey("clear expired")
	}
	cleared := 0
	if limit <= 0 {
		return 0, nil
	}
	for names, err := range e.pages(ctx) {
		if err == nil {
			var n int
			n, err = e.clear(ctx, names, limit-cleared)
			cleared += n
		}
		if err != nil || cleared == limit {
			return cleared, e.failure("clear expired", err)
		}
	}
	return cleared, nil
}

// Sweep implements [cloakroom.Sweeper]: it reads every session once, where
// ClearExpired reads those that are live again each time.
func (e *Engine) Sweep(ctx context.Context, limit func() int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		if !e.codec.Ready() {
			yield(0, errNoSecretKey("clear expired"))
			return
		}
		for names, err := range e.pages(ctx) {
			if err != nil {
				yield(0, e.failure("clear expired", err))
				return
			}
			for some := range slices.Chunk(names, max(1, limit())) {
				n, err := e.clear(ctx, some, len(some))
				if !yield(n, e.failure("clear expired", err)) || err != nil {
					return
				}
			}
		}
	}
}

// clear deletes at most limit expired sessions among the files that are named.
func (e *Engine) clear(ctx context.Context, names []string, limit int) (int, error) {
	cleared := 0
	err := e.inside(ctx, func(p place) error {
		for _, name := range names {
			if cleared == limit {
				break
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			over := e.isOver
			if _, ok := e.keyOf(name); !ok {
				over = e.isLeftOver
			}
			removed, err := p.removeIf(ctx, name, over)
			if err != nil {
				return err
			}
			if _, ok := e.keyOf(name); ok && removed {
				cleared++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err // and leave alone what may still be counted
	}
	return cleared, nil
}

// removeIf removes a file that is over, if it still is once nobody changes it.
func (p place) removeIf(ctx context.Context, name string, over func(place, string) (bool, error)) (bool, error) {
	if is, err := over(p, name); !is || err != nil {
		return false, err
	}
	if err := p.lock(ctx); err != nil {
		return false, err
	}
	defer unlock(p.dir)
	if is, err := over(p, name); !is || err != nil {
		return false, err
	}
	err := p.Remove(name)
	return err == nil, missing(err, nil)
}

// isOver reports whether a file holds a session that has expired. What cannot
// be read has once it is as old as a session may get.
func (e *Engine) isOver(p place, name string) (bool, error) {
	key, ok := e.keyOf(name)
	if !ok {
		return false, nil
	}
	s, err := p.read(name)
	if errors.Is(err, cloakroom.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.close()
	r, _ := e.record(key, s)
	return !e.expiry(r, s).After(time.Now()), nil
}

// expiry is when what is in a file expires, be it a record or unreadable.
func (e *Engine) expiry(r *cloakroom.Record, s stored) time.Time {
	if r != nil {
		return r.Expires
	}
	return lifespan{}.expires(s.info.ModTime(), e.lifetime)
}

// isLeftOver reports whether a file was left behind by a save that was cut off.
// No save takes an hour, and one from here holds a lock on its file.
func (e *Engine) isLeftOver(p place, name string) (bool, error) {
	if !e.isTempName(name) {
		return false, nil
	}
	info, err := p.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < time.Hour {
		return false, missing(err, nil)
	}
	file, err := p.Open(name)
	if err != nil {
		return false, missing(err, nil)
	}
	defer file.Close()
	return lock(file)
}

// Stats implements [cloakroom.Measurer]. It reads every session.
func (e *Engine) Stats(ctx context.Context) (cloakroom.Stats, error) {
	if !e.codec.Ready() {
		return cloakroom.Stats{}, errNoSecretKey("stats")
	}
	total := cloakroom.Stats{Corrupt: e.corrupt.Load()}
	for names, err := range e.pages(ctx) {
		var page cloakroom.Stats
		if err == nil {
			page, err = e.measure(ctx, names)
		}
		if err != nil {
			return cloakroom.Stats{}, e.failure("stats", err)
		}
		total.Live += page.Live
		total.Expired += page.Expired
		total.Bytes += page.Bytes
	}
	return total, nil
}

func (e *Engine) measure(ctx context.Context, names []string) (cloakroom.Stats, error) {
	var st cloakroom.Stats
	err := e.each(ctx, names, func(key string, s stored) {
		st.Bytes += int64(len(s.raw))
		switch r, err := e.record(key, s); {
		case !e.expiry(r, s).After(time.Now()):
			st.Expired++
		case err == nil:
			st.Live++
		}
	})
	if err != nil {
		return cloakroom.Stats{}, err // and leave alone what may still be added to
	}
	return st, nil
}

// Ping implements [cloakroom.Pinger]: it makes a file in the folder, and removes
// it.
func (e *Engine) Ping(ctx context.Context) error { return e.failure("ping", e.probe(ctx)) }

// Describe implements [cloakroom.Describer].
func (e *Engine) Describe() cloakroom.Description {
	return cloakroom.Description{
		Engine: name, BackEnd: "files", Location: e.path, Persistent: true, Shared: true,
	}
}
