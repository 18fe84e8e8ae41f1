package memcached

import (
	"math"
	"time"
)

const (
	// ended is the expiry of what has ended already. (0 would be never.)
	ended = -1

	// maxRelative is the most that can be said as a number of seconds. Memcached
	// takes a greater one for a Unix time.
	maxRelative = 30 * 24 * time.Hour
)

// exptime is an expiry in Memcached's terms: in so many seconds, as Django says
// it, so that the server's clock need not be ours. What is further away can only
// be said as a date, in 31 bits: anything later would be in the past.
func exptime(expires, now time.Time) int64 {
	left := expires.Sub(now)
	switch {
	case left <= 0:
		return ended
	case left <= maxRelative:
		return int64((left + time.Second - 1) / time.Second)
	}
	// Memcached rounds its clock twice before it meets a date, which adds up to
	// two seconds: this divides them on both sides.
	return min(expires.Add(-time.Second/2).Unix(), math.MaxInt32)
}
