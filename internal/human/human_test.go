package human

import (
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Plural(1, "session"): "1 session", Plural(1204, "session"): "1,204 sessions", Plural(0, "item"): "0 items",
		Count(-1234567): "-1,234,567", Count(999): "999",
		Bytes(999): "999 B", Bytes(1800): "1.8 KB", Bytes(3_500_000): "3.5 MB",
		Span(0): "1 second", Span(1500 * time.Millisecond): "2 seconds", Span(90 * time.Minute): "2 hours", Span(14 * 24 * time.Hour): "14 days",
		Compact(1500): "1,500", Compact(15_000): "15k", Compact(2_500_000): "2.5M",
		Relative(time.Now().Add(-time.Hour)): "1 hour ago", Relative(time.Now()): "just now", Relative(time.Now().Add(13*24*time.Hour + time.Minute)): "in 13 days",
		Millis(30 * time.Microsecond): "under 0.1 ms", Millis(1234 * time.Microsecond): "1.2 ms",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
