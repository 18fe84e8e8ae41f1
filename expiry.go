package cloakroom

import (
	"math"
	"time"
)

// expiryName is where Django keeps a session's own expiry in its dictionary.
const expiryName = "_session_expiry"

// Expiry says how long a session lives. The zero value is the Manager's
// default. The four forms are Django's.
type Expiry struct {
	after        time.Duration
	at           time.Time
	browserClose bool
}

// ExpireAfter ends the session when it has not been saved for d, counted in
// whole seconds.
func ExpireAfter(d time.Duration) Expiry {
	if d < time.Second {
		d = -time.Second // Django takes 0 for "until the browser closes"
	}
	return Expiry{after: d.Truncate(time.Second)}
}

// ExpireAt ends the session at t, and at once if that is zero. Where sessions are
// stored as JSON, Django understands it from 4.1 on.
func ExpireAt(t time.Time) Expiry {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return Expiry{at: t}
}

// ExpireAtBrowserClose keeps the session until the browser closes: the cookie
// has no age, and the record has the default one.
func ExpireAtBrowserClose() Expiry { return Expiry{browserClose: true} }

// AtBrowserClose reports whether the cookie ends with the browser.
func (e Expiry) AtBrowserClose() bool { return e.browserClose }

// from is when a session that is saved at now expires.
func (e Expiry) from(now time.Time, lifetime time.Duration) time.Time {
	switch {
	case !e.at.IsZero():
		return e.at
	case e.after != 0:
		return now.Add(e.after)
	default:
		return now.Add(lifetime)
	}
}

// value is what Django finds under expiryName; nil for the default.
func (e Expiry) value() any {
	switch {
	case !e.at.IsZero():
		return e.at.UTC().Truncate(time.Microsecond)
	case e.after != 0:
		return int64(e.after / time.Second)
	case e.browserClose:
		return int64(0)
	default:
		return nil
	}
}

// expiryOf reads what value wrote, or Django did. It takes what it does not
// know for the default.
func expiryOf(v any) Expiry {
	if v, ok := v.(Value); ok {
		return expiryOf(v.Plain())
	}
	switch v := v.(type) {
	case int64:
		if v == 0 {
			return ExpireAtBrowserClose()
		}
		const most = int64(math.MaxInt64 / time.Second)
		return Expiry{after: time.Duration(min(max(v, -most), most)) * time.Second}
	case float64:
		return ExpireAfter(time.Duration(min(v, math.MaxInt32)) * time.Second)
	case time.Time:
		return ExpireAt(v)
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999"} {
			if t, err := time.Parse(layout, v); err == nil {
				return ExpireAt(t)
			}
		}
	}
	return Expiry{}
}
