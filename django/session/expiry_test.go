package session_test

import (
	"math"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom/django/session"
)

// instant is a time as a pickle holds it.
type instant time.Time

func (i instant) Plain() any { return time.Time(i) }

func TestExpires(t *testing.T) {
	t.Parallel()
	saved := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	at := time.Date(2031, 3, 1, 12, 30, 0, 250_000_000, time.UTC)
	usual := saved.Add(time.Hour)
	for name, c := range map[string]struct {
		own  any
		want time.Time
	}{
		"none":               {nil, usual},
		"browser close":      {int64(0), usual},
		"seconds":            {int64(90), saved.Add(90 * time.Second)},
		"negative":           {int64(-1), saved.Add(-time.Second)},
		"beyond all time":    {int64(math.MaxInt64), saved.Add(math.MaxInt64 / time.Second * time.Second)},
		"a time":             {at, at},
		"a pickled time":     {instant(at), at},
		"ISO, with zone":     {"2031-03-01T12:30:00.250000+00:00", at},
		"ISO, naive":         {"2031-03-01T12:30:00.250000", at},
		"nothing that helps": {"soon", usual},
	} {
		data := map[string]any{"_session_expiry": c.own}
		if c.own == nil {
			data = nil
		}
		if got := session.Expires(data, saved, time.Hour); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
