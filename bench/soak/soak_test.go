// Package soak holds a site under load for minutes on each engine and its real
// server: 100,000 live sessions and 2,000 requests in flight.
//
//	go test ./soak -v -count=1 -timeout 3h
//
// It fails where a request fails, an update is lost, somebody is logged out, a
// session that ended is back, or the site's memory grows; and where goroutines or
// open files are left behind when the visitors are gone.
//
// The site is a process of its own, so that its memory is nobody else's; this one
// is the visitors, and starts the back ends.
package soak

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	durationFlag    = flag.Duration("duration", 10*time.Minute, "how long each engine is under load")
	enginesFlag     = flag.String("engines", "", "which engines, such as redis,mariadb; all if empty")
	atOnceFlag      = flag.Int("at-once", 1, "how many engines at once, each with a site and a back end of its own")
	sessionsFlag    = flag.Int("sessions", 100_000, "how many sessions are live")
	connectionsFlag = flag.Int("connections", 2000, "how many requests are in flight")
	pageFlag        = flag.Duration("page", time.Second, "how long a page takes beside its session: half as long, to half as long again")
)

// TestMain lets the test's own binary be the site.
func TestMain(m *testing.M) {
	if os.Getenv("ROLE") == "site" {
		if err := serve(context.Background(), os.Getenv("ENGINE"), os.Getenv("CACHE")); err != nil {
			slog.Error("the site ended", "error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(inMemory(m.Run))
}

// inMemory has all that is written be in memory, the servers' folders too: a disk that
// others keep busy lets a database wait for seconds, and it is the site that is tried.
func inMemory(run func() int) int {
	folder, err := os.MkdirTemp("/dev/shm", "soak")
	if err != nil {
		slog.Error("there is no folder in memory", "error", err)
		return 1
	}
	defer os.RemoveAll(folder)
	if err := errors.Join(os.Chmod(folder, 0o755), os.Setenv("TMPDIR", folder)); err != nil {
		slog.Error("the folder in memory cannot be used", "error", err)
		return 1
	}
	return run()
}

func TestSoak(t *testing.T) {
	if *durationFlag < looks*time.Second {
		t.Fatalf("-duration is %v at least", looks*time.Second)
	}
	needFiles(t)
	chosen := choose(t, *enginesFlag)
	var results []*result
	for some := range slices.Chunk(chosen, *atOnceFlag) {
		now := newTurn(len(some))
		var all sync.WaitGroup
		for _, e := range some {
			r := &result{engine: e}
			results = append(results, r)
			all.Go(func() {
				t.Run(e.name, func(t *testing.T) {
					r.soak(t, now)
					r.judge(t)
					print(os.Stderr, []*result{r})
				})
			})
		}
		all.Wait()
	}
	print(os.Stdout, results)
}

// turn is engines that are tried at once. None is filled or checked while another is
// under load, for that would be a load that nobody measures.
type turn struct{ filled, left sync.WaitGroup }

func newTurn(engines int) *turn {
	t := &turn{}
	t.filled.Add(engines)
	t.left.Add(engines)
	return t
}

// needFiles fails where the visitors may not have all their connections.
func needFiles(t *testing.T) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil { // Go has raised it as far as it may
		t.Fatal(err)
	}
	need := uint64((*connectionsFlag + 500) * *atOnceFlag)
	if limit.Cur < need {
		t.Fatalf("this takes %d open files and the limit is %d: raise it (ulimit -n %d as root, or LimitNOFILE), or have fewer -connections or less -at-once",
			need, limit.Cur, need)
	}
}

// result is what was seen of one engine.
type result struct {
	engine
	counts
	took          time.Duration
	live          int64 // -1 if the engine cannot tell
	before, after state // without visitors
	samples       []sample
}

// soak starts a site with its back end, fills it, holds it under load, and looks
// at what is left.
func (r *result) soak(t *testing.T, now *turn) {
	filled, left := sync.OnceFunc(now.filled.Done), sync.OnceFunc(now.left.Done)
	defer filled() // where it fails, for the others' sake
	defer left()
	backEnd := r.start(t)
	site := startSite(t, backEnd)
	crowd := newCrowd(site.url, r.alone, &r.counts)
	progress := func(format string, args ...any) {
		fmt.Fprintln(os.Stderr, r.name+": "+fmt.Sprintf(format, args...))
	}

	began := time.Now()
	crowd.signIn()
	progress("%d sessions after %.0f s", *sessionsFlag, time.Since(began).Seconds())
	crowd.leave()
	r.before = site.rest(t)
	filled()
	now.filled.Wait()

	began = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), *durationFlag)
	defer cancel()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		crowd.stay(ctx)
	}()
	ticks := time.NewTicker(*durationFlag / looks)
	defer ticks.Stop()
	for ctx.Err() == nil {
		select {
		case <-ticks.C:
			s := sample{time.Since(began), site.ask(t), backEnd.memory()}
			if ctx.Err() != nil {
				break // they are leaving
			}
			r.samples = append(r.samples, s)
			if len(r.samples)%(looks/10) == 0 {
				progress("%v", r)
			}
		case <-ctx.Done():
		}
	}
	<-gone
	r.took = time.Since(began)
	left()
	now.left.Wait()
	crowd.leave()
	r.after = site.rest(t)

	crowd.check()
	r.live = site.live(t)
}

// String is how it stands.
func (r *result) String() string {
	failed, _ := r.failed.seen()
	s := r.samples[len(r.samples)-1]
	return fmt.Sprintf("%.0f s of %.0f: %d requests, %d failed, %d in flight; %.0f MB live, %.0f MB resident",
		s.at.Seconds(), durationFlag.Seconds(), r.requests.Load(), failed, s.InFlight, mega(s.Heap), mega(s.RSS))
}

const (
	warmUp    = 10  // percent of the time
	maxGrowth = .05 // of memory, after that
)

// judge fails the test where something does not hold.
func (r *result) judge(t *testing.T) {
	t.Helper()
	for what, trouble := range map[string]*trouble{"failed": &r.failed, "lost an update": &r.lost, "found somebody logged out": &r.loggedOut} {
		if times, first := trouble.seen(); times > 0 {
			t.Errorf("%d requests %s, such as %v", times, what, first)
		}
	}
	failed, _ := r.failed.seen() // of which nobody knows what became
	if failed == 0 && r.live >= 0 && r.live != int64(*sessionsFlag) {
		t.Errorf("%d sessions are live, want %d", r.live, *sessionsFlag)
	}
	if n := r.inFlight(); n < .9*float64(*connectionsFlag) {
		t.Errorf("%.0f requests were in flight, want %d", n, *connectionsFlag)
	}
	for what, of := range map[string]func(sample) int64{"live": heap, "resident": resident} {
		if from, to := r.trend(of); growth(from, to) > maxGrowth {
			t.Errorf("the %s memory grew from %.1f to %.1f MB, by %.1f %%", what, mega(from), mega(to), 100*growth(from, to))
		}
	}
	if !r.after.rests(r.before) {
		t.Errorf("%d goroutines and %d open files when the visitors had left, %d and %d before they came",
			r.after.Goroutines, r.after.Files, r.before.Goroutines, r.before.Files)
	}
}

func choose(t *testing.T, names string) []engine {
	t.Helper()
	if names == "" {
		return engines
	}
	var chosen []engine
	for name := range strings.SplitSeq(names, ",") {
		e, ok := named(name)
		if !ok {
			t.Fatalf("there is no engine %q", name)
		}
		chosen = append(chosen, e)
	}
	return chosen
}
