package cookie

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// What a cookie keeps in the session's dictionary where Django's would have
// nothing. Django carries it along, and no handler sees it.
const (
	idName   = "_cloakroom_id"   // what the session is called on the list
	lifeName = "_cloakroom_life" // seconds that it lives after a save, if less than Django says
)

const (
	mostPieces = 50
	longestKey = mostPieces * 4096 // bytes; no browser brings more
)

// ticket is what a session key says.
type ticket struct {
	key     string
	data    map[string]any
	form    session.Form
	name    string // empty where there was no list when the session began
	expires time.Time
}

// id is what the session is called on the list: its name, or else the digest of
// its key, which becomes its name. So the key ends with all that follow from it.
func (t ticket) id() string {
	if t.name != "" {
		return t.name
	}
	digest := sha256.Sum256([]byte(t.key))
	return hex.EncodeToString(digest[:16])
}

// read verifies key and makes sense of it. What cannot be verified is an error
// of package signing's.
func (e *Engine) read(key string) (ticket, error) {
	if len(key) > longestKey {
		return ticket{}, signing.ErrTooLarge
	}
	d, err := e.decode(key)
	if err != nil {
		return ticket{}, err
	}
	t := ticket{key: key, data: d.Data, form: d.Form, expires: e.latest(d.Data, d.Signed)}
	if life, ok := t.data[lifeName].(int64); ok && life < int64(e.maxAge/time.Second) {
		t.expires = earlier(t.expires, d.Signed.Add(time.Duration(max(life, 0))*time.Second))
	}
	t.name, _ = t.data[idName].(string)
	delete(t.data, idName)
	delete(t.data, lifeName)
	return t, nil
}

// write makes r the session key that says all of r, going on from t.
func (e *Engine) write(op string, r *cloakroom.Record, t ticket) error {
	now := time.Now()
	latest := e.latest(r.Data, now)
	data := maps.Clone(r.Data)
	if data == nil {
		data = map[string]any{}
	}
	if latest.Sub(r.Expires) >= time.Second {
		data[lifeName] = int64((r.Expires.Sub(now) + time.Second - 1) / time.Second)
	}
	switch {
	case e.list != nil:
		data[idName] = t.id()
	case t.name != "": // for those who have a list
		data[idName] = t.name
	}
	key, err := e.encode(data, t.form)
	if err != nil {
		return unencodable(op, err)
	}
	if limit := e.limit(); len(key) > limit {
		return &cloakroom.Error{
			Engine: name, Op: op, Kind: cloakroom.ErrTooLarge,
			Reason: fmt.Sprintf("the session takes %d bytes, and its cookies hold %d", len(key), limit),
			Mend:   "keep less in it, let it take more cookies with WithPieces, or choose an engine that keeps sessions on a server",
		}
	}
	r.Key, r.Version, r.Expires = key, t.form, earlier(r.Expires, latest)
	return nil
}

// latest is how long a session lives at most that was saved at that moment.
func (e *Engine) latest(data map[string]any, saved time.Time) time.Time {
	return earlier(session.Expires(data, saved, e.maxAge), saved.Add(e.maxAge))
}

// limit is how long a key may be.
func (e *Engine) limit() int {
	if e.room == 0 {
		return longestKey
	}
	return min(e.room*e.pieces, longestKey)
}

func (e *Engine) decode(key string) (session.Decoded, error) {
	if !strings.HasPrefix(key, boxMark) {
		return e.codec.Decode(key, e.maxAge)
	}
	payload, sealed, err := e.box.open(key)
	if err != nil {
		return session.Decoded{}, err
	}
	d, err := e.codec.Parse(payload)
	d.Signed = sealed
	return d, err
}

func (e *Engine) encode(data map[string]any, form session.Form) (string, error) {
	if !e.encrypted {
		return e.codec.Encode(data, form)
	}
	payload, err := e.codec.Append(nil, data, form)
	if err != nil {
		return "", err
	}
	return e.box.seal(payload)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
