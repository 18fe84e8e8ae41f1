package file

import (
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// lifespan is what a session's data say of its expiry, in _session_expiry. The
// zero value says nothing.
//
// Django counts from the time that the file was written at, which is why the
// expiry of a record is kept there: as the time at which Django would have had
// to write the file for it to expire then.
type lifespan struct {
	after time.Duration // whole seconds since the last save
	at    time.Time     // or this moment, whenever it was saved
}

func lifespanOf(data map[string]any) lifespan {
	v := data["_session_expiry"]
	if value, ok := v.(cloakroom.Value); ok {
		v = value.Plain()
	}
	switch v := v.(type) {
	case int64:
		return lifespan{after: time.Duration(v) * time.Second}
	case time.Time:
		return lifespan{at: v}
	case string: // as Django writes a time in JSON, from 4.1 on
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999"} {
			if at, err := time.Parse(layout, v); err == nil {
				return lifespan{at: at}
			}
		}
	}
	return lifespan{}
}

// own, in the nanoseconds of a file's time, says that the file's time counts
// although the data name a moment: the session has to end before it, or lives
// on after it. Where a file system forgets nanoseconds the moment counts, as it
// always does to Django.
const own = 747

// expires is when a session expires whose file was written at the given time.
func (l lifespan) expires(written time.Time, lifetime time.Duration) time.Time {
	switch {
	case l.after != 0:
		return written.Add(l.after)
	case !l.at.IsZero() && written.Nanosecond()%1000 != own:
		return l.at
	default:
		return written.Add(lifetime)
	}
}

// written is the time to give a file so that its session expires when it is to.
func (l lifespan) written(expires time.Time, lifetime time.Duration) time.Time {
	switch {
	case l.after != 0:
		return expires.Add(-l.after)
	case l.at.IsZero():
		return expires.Add(-lifetime)
	case expires.Equal(l.at):
		return time.Now().Truncate(time.Microsecond)
	default:
		return expires.Add(-lifetime).Truncate(time.Microsecond).Add(own)
	}
}
