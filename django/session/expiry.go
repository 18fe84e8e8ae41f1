package session

import (
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// expiryName is where a session keeps an expiry of its own.
const expiryName = "_session_expiry"

// Expires is when a session with this data expires that was saved at that
// moment: Django's get_expiry_date, where cookieAge is SESSION_COOKIE_AGE.
func Expires(data map[string]any, saved time.Time, cookieAge time.Duration) time.Time {
	own := data[expiryName]
	if v, ok := own.(cloakroom.Value); ok {
		own = v.Plain()
	}
	switch own := own.(type) {
	case int64:
		if own != 0 { // which is "when the browser closes"
			return saved.Add(seconds(own))
		}
	case time.Time:
		return own
	case string: // as Django writes a time into JSON, since 4.1
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999"} {
			if at, err := time.Parse(layout, own); err == nil {
				return at
			}
		}
	}
	return saved.Add(cookieAge)
}

// seconds is n seconds, or as many as a Duration holds.
func seconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(min(max(n, -most), most)) * time.Second
}
