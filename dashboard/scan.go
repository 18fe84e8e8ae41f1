package dashboard

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
)

// What a look through the store may take. A page that stopped early says so.
const (
	maxScanned = 200_000
	maxScan    = 3 * time.Second
)

// row is one session, as lists show it.
type row struct {
	Handle  string // the sealed key
	Short   string // enough of the key to tell sessions apart
	Owner   owner
	Name    string // of the owner; empty for an anonymous visitor
	Device  device
	Size    int
	Expires time.Time
	This    bool // the one that asks
	key     string
}

func (d *Dashboard) rowOf(r *cloakroom.Record) row {
	id, _ := plain(r.Data[auth.UserIDName]).(string)
	backend, _ := plain(r.Data[auth.BackendName]).(string)
	return row{Owner: owner{id, backend}, Device: deviceOf(r.Data), Size: r.Size, Expires: r.Expires, key: r.Key}
}

// finish fills in what only a row that is shown needs.
func (v *visit) finish(ctx context.Context, rows []row, names *names) {
	for i := range rows {
		r := &rows[i]
		r.Handle = v.seal.handle(sealedKey, r.key)
		r.Short = shorten(r.key)
		r.This = r.key == v.session.Key()
		r.Name = names.of(ctx, r.Owner)
	}
}

// shorten leaves too little of a key to guess the rest.
func shorten(key string) string { return key[:min(len(key), 6)] + "…" }

// scan is a look through the store: what it met, and whether that was all.
type scan struct {
	Seen    int
	Stopped bool // before the end
}

// errCannotList: the engine does not tell its sessions.
var errCannotList = errors.New("this engine cannot list its sessions")

// records goes through the live sessions, within bounds.
func (d *Dashboard) records(ctx context.Context, s *scan) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		lister, ok := cloakroom.As[cloakroom.Lister](d.engine)
		if !ok {
			yield(nil, errCannotList)
			return
		}
		limited, cancel := context.WithTimeout(ctx, maxScan)
		defer cancel()
		for record, err := range lister.List(limited) {
			if err != nil {
				if s.Stopped = limited.Err() != nil && ctx.Err() == nil && s.Seen > 0; !s.Stopped {
					yield(nil, err)
				}
				return
			}
			if s.Seen == maxScanned || limited.Err() != nil {
				s.Stopped = true
				return
			}
			s.Seen++
			if !yield(record, nil) {
				return
			}
		}
	}
}
