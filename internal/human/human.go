// Package human writes numbers and times as people read them.
package human

import (
	"fmt"
	"strconv"
	"time"
)

// Plural counts things: "1 session", "1,204 sessions".
func Plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Count(int64(n)) + " " + thing
}

// Count writes n with its thousands apart.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Compact writes n in little room: "950", "1.5k", "20M".
func Compact(n int64) string {
	switch {
	case n >= 1_000_000:
		return trim(float64(n)/1e6) + "M"
	case n >= 10_000:
		return trim(float64(n)/1e3) + "k"
	default:
		return Count(n)
	}
}

func trim(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Bytes writes a size: "812 B", "1.8 KB".
func Bytes(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, prefix := float64(n)/unit, 0
	for f >= unit && prefix < 5 {
		f /= unit
		prefix++
	}
	return fmt.Sprintf("%.1f %cB", f, "KMGTPE"[prefix])
}

// Millis writes how long a back end took.
func Millis(d time.Duration) string {
	if d < 100*time.Microsecond {
		return "under 0.1 ms"
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// Span writes a time's length in its largest unit: "3 minutes".
func Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return Plural(max(1, int((d+time.Second-1)/time.Second)), "second")
	case d < time.Hour-30*time.Second: // which is 60 minutes from there on
		return Plural(int(d.Round(time.Minute)/time.Minute), "minute")
	case d < 48*time.Hour:
		return Plural(int(d.Round(time.Hour)/time.Hour), "hour")
	default:
		return Plural(int(d.Round(24*time.Hour)/(24*time.Hour)), "day")
	}
}

// Relative says how far t is from now: "in 13 days", "5 minutes ago".
func Relative(t time.Time) string {
	switch d := time.Until(t); {
	case d > 30*time.Second:
		return "in " + Span(d)
	case d < -30*time.Second:
		return Span(-d) + " ago"
	default:
		return "just now"
	}
}
