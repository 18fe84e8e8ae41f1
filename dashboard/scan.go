package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
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
		lister, ok := d.engine.(cloakroom.Lister)
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

// names finds out what owners are called, and asks for each only once.
type names struct {
	accounts Accounts
	known    map[owner]string
}

func (n *names) of(ctx context.Context, o owner) string {
	if o.id == "" {
		return ""
	}
	name, ok := n.known[o]
	if !ok {
		name = o.id
		if account, err := n.accounts.Find(ctx, o.id); err == nil && account.Backend == o.backend {
			name = account.Name
		}
		if n.known == nil {
			n.known = map[owner]string{}
		}
		n.known[o] = name
	}
	return name
}

// order is how a list is sorted.
type order struct {
	By   string
	Desc bool
}

// orders are the columns to sort by.
var orders = []string{"user", "signed-in", "expires", "size"}

// place is a row's place in an order, and the page's next and previous links.
type place struct {
	Text   string `json:"t,omitempty"`
	Number int64  `json:"n,omitempty"`
	Key    string `json:"k"`
}

func (o order) place(r row) place {
	p := place{Key: r.key}
	switch o.By {
	case "user":
		p.Text = strings.ToLower(r.Name)
	case "signed-in":
		p.Number = r.Device.SignedIn
	case "size":
		p.Number = int64(r.Size)
	default:
		p.Number = r.Expires.UnixMicro()
	}
	return p
}

func (o order) compare(a, b place) int {
	c := cmp.Or(cmp.Compare(a.Text, b.Text), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Key, b.Key))
	if o.Desc {
		return -c
	}
	return c
}

// window keeps the rows of one page out of any number: those after a place, or
// those before it. It never holds more than it shows.
type window struct {
	order  order
	size   int
	after  *place
	before *place

	rows      []row
	total     int // rows met
	preceding int // of which on earlier pages
}

func (w *window) add(r row) {
	w.total++
	p := w.order.place(r)
	switch {
	case w.after != nil && w.order.compare(p, *w.after) <= 0:
		w.preceding++
		return
	case w.before != nil && w.order.compare(p, *w.before) >= 0:
		return
	}
	i, _ := slices.BinarySearchFunc(w.rows, p, func(r row, p place) int { return w.order.compare(w.order.place(r), p) })
	if len(w.rows) < w.size {
		w.rows = slices.Insert(w.rows, i, r)
		return
	}
	if w.before != nil { // keep the last ones
		w.preceding++
		if i > 0 {
			copy(w.rows, w.rows[1:i])
			w.rows[i-1] = r
		}
		return
	}
	if i < w.size { // keep the first ones
		copy(w.rows[i+1:], w.rows[i:])
		w.rows[i] = r
	}
}

// First and Last are the numbers of the rows shown, from 1.
func (w *window) First() int    { return min(w.preceding+1, w.total) }
func (w *window) Last() int     { return w.preceding + len(w.rows) }
func (w *window) Total() int    { return w.total }
func (w *window) Rows() []row   { return w.rows }
func (w *window) HasNext() bool { return w.Last() < w.total }
func (w *window) HasPrevious() bool {
	return w.preceding > 0 && len(w.rows) > 0
}

// cursor seals a place for a link: it holds a session key.
func (d *Dashboard) cursor(p place) string {
	text, _ := json.Marshal(p) // strings and numbers only
	return d.seal.handle(sealedCursor, string(text))
}

func (d *Dashboard) placeOf(cursor string) *place {
	text, ok := d.seal.open(sealedCursor, cursor)
	var p place
	if !ok || json.Unmarshal([]byte(text), &p) != nil {
		return nil
	}
	return &p
}
