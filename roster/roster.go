// Package roster goes through the live sessions of an engine: which one is
// meant, and which are to end.
package roster

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloakroom-go/cloakroom"
)

// MinBeginning is how much of a session key [Find] asks for at least.
const MinBeginning = 6

// What [End] may hold and do at once.
const (
	batch   = 10_000 // keys
	deletes = 16
)

// patience is how long one session may take.
const patience = 10 * time.Second

// Records yields the live records of an engine, a page at a time. An engine
// that cannot list them is an error.
func Records(ctx context.Context, engine cloakroom.Engine) iter.Seq2[*cloakroom.Record, error] {
	if lister, ok := cloakroom.As[cloakroom.Lister](engine); ok {
		return lister.List(ctx)
	}
	return func(yield func(*cloakroom.Record, error) bool) {
		yield(nil, failure(engine, "list", cloakroom.ErrConfig, "this engine cannot list its sessions", "nobody but the browsers knows them"))
	}
}

// Find returns the session that a session key means, or the only one whose key
// begins so. For that it goes through all sessions.
func Find(ctx context.Context, engine cloakroom.Engine, key string) (*cloakroom.Record, error) {
	record, err := load(ctx, engine, key)
	_, lists := cloakroom.As[cloakroom.Lister](engine)
	if !errors.Is(err, cloakroom.ErrNotFound) || cloakroom.ValidKey(key) || !lists {
		return record, err
	}
	if len(key) < MinBeginning {
		return nil, failure(engine, "find", cloakroom.ErrNotFound, "that is too little of a session key", "give 6 characters of it, or more")
	}
	found := ""
	for record, err := range Records(ctx, engine) {
		switch {
		case err != nil:
			return nil, err
		case !strings.HasPrefix(record.Key, key) || record.Key == found:
		case found != "":
			return nil, failure(engine, "find", cloakroom.ErrNotFound, "several session keys begin so", "give more of the key")
		default:
			found = record.Key
		}
	}
	if found == "" {
		return nil, failure(engine, "find", cloakroom.ErrNotFound, "no session key begins so", "")
	}
	return load(ctx, engine, found)
}

func load(ctx context.Context, engine cloakroom.Engine, key string) (*cloakroom.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return engine.Load(ctx, key)
}

// Tally is how far [End] has come.
type Tally struct {
	Read  int // sessions looked at; one that is read twice counts twice
	Ended int
}

// End ends every session that match picks, however many there are, and now and
// then says how far it is. No engine has an index by user, so it reads all of
// them. A session that begins meanwhile may stay. What was found is ended also
// where the rest could not be read. If the time that ctx has was too short, the
// error is [context.DeadlineExceeded].
func End(ctx context.Context, engine cloakroom.Engine, match func(*cloakroom.Record) bool, tell func(Tally)) (Tally, error) {
	var done Tally
	for {
		// Not every engine lets go of what it lists, so none is deleted before.
		keys, unread := pick(ctx, engine, func(r *cloakroom.Record) bool {
			if done.Read++; done.Read%1000 == 0 {
				tell(done)
			}
			return match(r)
		})
		ended, err := deleteAll(ctx, engine, keys)
		done.Ended += ended
		if err != nil {
			err = cmp.Or(ctx.Err(), err)
		}
		if tell(done); err != nil || len(keys) < batch {
			return done, cmp.Or(err, unread)
		}
	}
}

// pick returns the keys of a batch of sessions that match. Of the time that ctx
// has it leaves a quarter to end them.
func pick(ctx context.Context, engine cloakroom.Engine, match func(*cloakroom.Record) bool) ([]string, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)*3/4)
		defer cancel()
	}
	var keys []string
	for record, err := range Records(ctx, engine) {
		if err = cmp.Or(ctx.Err(), err); err != nil {
			return keys, err
		}
		if match(record) {
			keys = append(keys, record.Key)
		}
		if len(keys) == batch {
			break
		}
	}
	return keys, nil
}

func deleteAll(ctx context.Context, engine cloakroom.Engine, keys []string) (int, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deletes)
	ended := make([]bool, len(keys))
	for i, key := range keys {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			err := engine.Delete(ctx, key)
			ended[i] = err == nil
			return err
		})
	}
	err := group.Wait()
	count := 0
	for _, ok := range ended {
		if ok {
			count++
		}
	}
	return count, err
}

func failure(engine cloakroom.Engine, op string, kind error, reason, mend string) error {
	name := "engine"
	if describer, ok := cloakroom.As[cloakroom.Describer](engine); ok {
		name = describer.Describe().Engine
	}
	return &cloakroom.Error{Engine: name, Op: op, Kind: kind, Reason: reason, Mend: mend}
}
