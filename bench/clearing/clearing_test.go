// Package clearing measures how a backlog of expired sessions is cleared beside
// a load, by Django's clearsessions and by ours, on a real MariaDB.
package clearing

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/clearing"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

var (
	rowsFlag   = flag.Int("rows", 1_000_000, "rows of the table, nine in ten of them expired")
	roundsFlag = flag.Int("rounds", 5, "how often each clears")
	syncFlag   = flag.Int("sync", 1, "innodb_flush_log_at_trx_commit")
	poolFlag   = flag.String("pool", "4G", "innodb_buffer_pool_size")
	othersFlag = flag.Bool("strategies", false, "also clear in ways that are not what became of it")
	rateFlag   = flag.Int("rate", 0, "also clear with --rate so many")
)

// What clearing has to keep.
const (
	maxTransaction = clearing.MaxBatch
	maxTime        = 2.0 // times Django's
	maxP99         = 1.2 // times Django's, for each kind of request
)

const (
	quietTime  = 3 * time.Second
	purgeLimit = 30 * time.Second
)

// way is one way to clear, and what was seen of it in all rounds.
type way struct {
	name    string
	clear   func(t *testing.T) (largest int)
	took    time.Duration
	purge   time.Duration
	largest int
	rounds  int
	during  map[string]*latencies
	after   map[string]*latencies
}

func TestClearing(t *testing.T) {
	// The rest is what Debian's MariaDB has.
	s := server.MariaDB(t, "--innodb-log-file-size=96M", "--innodb-buffer-pool-size="+*poolFlag,
		fmt.Sprintf("--innodb-flush-log-at-trx-commit=%d", *syncFlag))
	d := s.NewDatabase(t)
	engine := open(t, d.URL)
	b := openTable(t, s, d)
	b.prepare(t, *rowsFlag, *rowsFlag/10*9)
	django := djangotest.Start(t, d.Settings)
	django.Exec("from django.core.management import call_command")
	ours := open(t, d.URL)
	run := func(o clearing.Options) func(t *testing.T) int {
		return func(t *testing.T) int {
			report, err := clearing.Run(t.Context(), ours, o)
			if err != nil {
				t.Error(err)
			}
			return report.Largest
		}
	}

	ways := []*way{
		{name: "Django", clear: func(t *testing.T) int {
			before := b.status(t, "Handler_delete")
			django.Exec(`call_command("clearsessions")`)
			return b.status(t, "Handler_delete") - before
		}},
		{name: "Cloakroom", clear: run(clearing.Options{})},
	}
	if *rateFlag > 0 {
		ways = append(ways, &way{name: fmt.Sprintf("--rate %d", *rateFlag), clear: run(clearing.Options{Rate: *rateFlag})})
	}
	if *othersFlag {
		ways = append(ways, strategies(b)...)
	}
	quiet := map[string]*latencies{}
	for round := range *roundsFlag {
		for _, w := range ways {
			b.fill(t)
			before := w.took
			w.measure(t, b, engine, quiet)
			fmt.Printf("round %d: %s %.1f s\n", round+1, w.name, (w.took - before).Seconds())
		}
	}
	print(os.Stdout, *rowsFlag, quiet, ways)
	judge(t, quiet, ways)
}

func open(t *testing.T, address string) cloakroom.Engine {
	t.Helper()
	e, err := db.Open(t.Context(), address, db.WithConnections(32))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e.WithSecretKeys(djangotest.SecretKey)
}

// measure clears once, beside a load.
func (w *way) measure(t *testing.T, b *table, engine cloakroom.Engine, quiet map[string]*latencies) {
	t.Helper()
	if w.during == nil {
		w.during, w.after = map[string]*latencies{}, map[string]*latencies{}
	}
	l := startLoad(t.Context(), engine, b.live)
	defer l.end()
	time.Sleep(quietTime / 3)
	l.take()
	time.Sleep(quietTime)
	collect(quiet, l.take())

	began := time.Now()
	largest := w.clear(t)
	w.took += time.Since(began)
	collect(w.during, l.take())
	w.largest = max(w.largest, largest)
	w.rounds++

	began = time.Now()
	b.awaitPurge(t, purgeLimit)
	w.purge += time.Since(began)
	collect(w.after, l.take())

	if left, live := b.count(t); left > 0 || live < len(b.live) {
		t.Errorf("%s left %d expired sessions and %d of %d live ones", w.name, left, live, len(b.live))
	}
}

func collect(all, seen map[string]*latencies) {
	for name, l := range seen {
		if all[name] == nil {
			all[name] = &latencies{}
		}
		all[name].add(l)
	}
}

func (w *way) seconds() float64 { return w.took.Seconds() / float64(w.rounds) }

// print prints one table.
func print(out io.Writer, rows int, quiet map[string]*latencies, ways []*way) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprintf(table, "\n%d rows, 9 in 10 expired; %d rounds, interleaved; latencies in ms, over all rounds\n\n", rows, ways[0].rounds)
	fmt.Fprintln(table, "\tseconds\tlargest transaction\tpurged after s\terrors\t")
	for _, w := range ways {
		errors := 0
		for _, k := range kinds {
			errors += w.during[k.name].failed + w.after[k.name].failed
		}
		fmt.Fprintf(table, "%s\t%.1f\t%d\t%.1f\t%d\t\n", w.name, w.seconds(), w.largest, w.purge.Seconds()/float64(w.rounds), errors)
	}
	fmt.Fprintln(table, "\nrequest\tbeside\trequests\tp50\tp99\tmax\tp99 to Django's\t")
	for _, k := range kinds {
		line := func(beside string, l, base *latencies) {
			fmt.Fprintf(table, "%s\t%s\t%d\t%.2f\t%.2f\t%.1f\t%.2f\t\n", k.name, beside, len(l.took),
				ms(l.at(.5)), ms(l.at(.99)), ms(l.at(1)), ratio(l, base))
		}
		line("nothing", quiet[k.name], ways[0].during[k.name])
		for _, w := range ways {
			line(w.name, w.during[k.name], ways[0].during[k.name])
		}
		for _, w := range ways {
			line("purge of "+w.name, w.after[k.name], ways[0].after[k.name])
		}
	}
}

// judge fails the test where a bound is broken.
func judge(t *testing.T, quiet map[string]*latencies, ways []*way) {
	t.Helper()
	django, ours := ways[0], ways[1]
	if ours.largest > maxTransaction || ours.largest == 0 {
		t.Errorf("a transaction of %d rows; at most %d", ours.largest, maxTransaction)
	}
	if times := ours.seconds() / django.seconds(); times > maxTime {
		t.Errorf("%.2f times Django's time; at most %v", times, maxTime)
	}
	for _, k := range kinds {
		if r := ratio(ours.during[k.name], django.during[k.name]); !(r <= maxP99) {
			t.Errorf("%s: %.2f times the p99 beside Django's; at most %v", k.name, r, maxP99)
		}
		for _, l := range []*latencies{quiet[k.name], ours.during[k.name], ours.after[k.name]} {
			if l.failed > 0 {
				t.Errorf("%s: %d errors, such as %v", k.name, l.failed, l.err)
			}
		}
	}
}

func ratio(l, base *latencies) float64 {
	if len(base.took) == 0 {
		return math.NaN()
	}
	return float64(l.at(.99)) / float64(base.at(.99))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// awaitPurge waits until the server has removed what was deleted. What the load
// itself deletes and changes keeps the list from being empty.
func (b *table) awaitPurge(t *testing.T, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for {
		select {
		case <-time.After(time.Second):
			if b.status(t, "Innodb_history_list_length") < 50 {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// count counts what is left.
func (b *table) count(t *testing.T) (expired, live int) {
	t.Helper()
	err := b.QueryRowContext(t.Context(), `SELECT count(CASE WHEN expire_date <= utc_timestamp(6) THEN 1 END), count(CASE WHEN expire_date > utc_timestamp(6) THEN 1 END)
		FROM django_session`).Scan(&expired, &live)
	if err != nil {
		t.Fatal(err)
	}
	return expired, live
}
