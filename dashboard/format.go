package dashboard

import (
	"fmt"
	"strconv"
	"time"
)

// plural counts things: "1 session", "1,204 sessions".
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return count(int64(n)) + " " + thing
}

// count writes n with its thousands apart.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// compact writes n in little room: "950", "1.5k", "20M".
func compact(n int64) string {
	switch {
	case n >= 1_000_000:
		return trim(float64(n)/1e6) + "M"
	case n >= 10_000:
		return trim(float64(n)/1e3) + "k"
	default:
		return count(n)
	}
}

func trim(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// bytesText writes a size: "812 B", "1.8 KB".
func bytesText(n int64) string {
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

// millis writes how long a back end took.
func millis(d time.Duration) string {
	if d < 100*time.Microsecond {
		return "under 0.1 ms"
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// span writes a time's length in its largest unit: "3 minutes".
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return plural(max(1, int((d+time.Second-1)/time.Second)), "second")
	case d < time.Hour:
		return plural(int(d.Round(time.Minute)/time.Minute), "minute")
	case d < 48*time.Hour:
		return plural(int(d.Round(time.Hour)/time.Hour), "hour")
	default:
		return plural(int(d.Round(24*time.Hour)/(24*time.Hour)), "day")
	}
}

// relative says how far t is from now: "in 13 days", "5 minutes ago".
func relative(t time.Time) string {
	switch d := time.Until(t); {
	case d > 30*time.Second:
		return "in " + span(d)
	case d < -30*time.Second:
		return span(-d) + " ago"
	default:
		return "just now"
	}
}
