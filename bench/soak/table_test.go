package soak

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// print prints one table, which a page of docs/ can take as it is.
func print(out io.Writer, results []*result) {
	fmt.Fprintf(out, "\n%d sessions, %d requests in flight, pages of %v, %v\n\n", *sessionsFlag, *connectionsFlag, *pageFlag, *durationFlag)
	table := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	defer table.Flush()
	row := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(table, "| %v\t", c)
		}
		fmt.Fprintln(table, "|")
	}
	row("engine", "in flight", "requests", "a second", "saves", "sign-ins", "slowest, s", "failed", "lost", "logged out", "live",
		"heap, MB", "resident, MB", "goroutines", "files", "back end, MB")
	row("---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:",
		"---:", "---:", "---:", "---:", "---:")
	for _, r := range results {
		if r.took == 0 {
			continue // it ended before
		}
		n, last := r.requests.Load()-3*int64(*sessionsFlag), r.samples[len(r.samples)-1]
		failed, _ := r.failed.seen()
		lost, _ := r.lost.seen()
		loggedOut, _ := r.loggedOut.seen()
		live := any(r.live)
		if r.live < 0 {
			live = "–" // nobody counts signed cookies
		}
		row(r.is, fmt.Sprintf("%.0f", r.inFlight()), n, fmt.Sprintf("%.0f", float64(n)/r.took.Seconds()),
			r.saves.Load()-int64(*sessionsFlag), r.signIns.Load()-int64(*sessionsFlag), fmt.Sprintf("%.2f", float64(r.slowest.Load())/1e9),
			failed, lost, loggedOut, live, r.memory(heap), r.memory(resident),
			fmt.Sprintf("%d, %d, %d", r.before.Goroutines, last.Goroutines, r.after.Goroutines),
			fmt.Sprintf("%d, %d, %d", r.before.Files, last.Files, r.after.Files), r.memory(behind))
	}
}

// memory is how much it was at the begin and at the end.
func (r *result) memory(of func(sample) int64) string {
	from, to := r.trend(of)
	if from == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f to %.1f (%+.1f %%)", mega(from), mega(to), 100*growth(from, to))
}
