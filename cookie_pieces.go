package cloakroom

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A key of a [Carrier] may be longer than a cookie. Then it goes over several:
// the first, of the cookie's own name, holds how many there are, a bar and the
// beginning; NAME.2, NAME.3 and so on hold the rest. A browser keeps and sends
// the cookies of one response together. Whether pieces belong together shows
// when the engine verifies the key.
const (
	cookieLimit = 4093 // bytes of name, value and attributes that every browser keeps
	maxPieces   = 50   // cookies that every browser keeps for a site (RFC 6265, section 6.1)
)

// room is how many bytes of a key each piece holds.
func (c Cookie) room() int {
	longest := c.piece(maxPieces).cookie("", 1<<62, true).String() + strconv.Itoa(maxPieces) + "|"
	return max(cookieLimit-len(longest), 1)
}

// piece is how the cookie is sent that holds the i-th piece, counted from 1.
func (c Cookie) piece(i int) Cookie {
	if i > 1 {
		c.Name += "." + strconv.Itoa(i)
	}
	return c
}

// split returns what each cookie holds of key.
func (c Cookie) split(key string) []string {
	room := c.room()
	if len(key) <= room {
		return []string{key}
	}
	var pieces []string
	for rest := key; rest != ""; rest = rest[min(room, len(rest)):] {
		pieces = append(pieces, rest[:min(room, len(rest))])
	}
	pieces[0] = strconv.Itoa(len(pieces)) + "|" + pieces[0]
	return pieces
}

// values are those of the cookies in r that may hold a piece, by name. Of
// several of one name the last counts, as in Django.
func (c Cookie) values(r *http.Request) map[string]string {
	values := map[string]string{}
	for _, cookie := range r.Cookies() {
		if strings.HasPrefix(cookie.Name, c.Name) {
			values[cookie.Name] = cookie.Value
		}
	}
	return values
}

// join is the key that r brings, in one cookie or several. With a piece missing
// it is no key.
func (c Cookie) join(r *http.Request) string {
	values := c.values(r)
	first := values[c.Name]
	count, key, divided := strings.Cut(first, "|")
	pieces, err := strconv.Atoi(count)
	if !divided || err != nil || pieces > maxPieces {
		return first
	}
	for i := 2; i <= pieces; i++ {
		piece, ok := values[c.piece(i).Name]
		if !ok {
			return first
		}
		key += piece
	}
	return key
}

// setPieces sends the cookies that key takes, and has those deleted that a
// longer one left.
func (c Cookie) setPieces(w http.ResponseWriter, r *http.Request, key string, age time.Duration, secure bool) {
	pieces := c.split(key)
	for i, piece := range pieces {
		http.SetCookie(w, c.piece(i+1).cookie(piece, age, secure))
	}
	brought := c.values(r)
	for i := len(pieces) + 1; i <= maxPieces; i++ {
		spare := c.piece(i)
		if _, there := brought[spare.Name]; there {
			http.SetCookie(w, spare.cookie("", -1, secure))
		}
	}
}
