package dashboard

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

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
