// Package integrity counts what becomes of sessions that several requests use at
// the same moment: here, in alexedwards/scs, in gorilla/sessions and in Django, on
// the same real servers.
//
//	go test ./integrity -v -count=1 -timeout 1h
//
// It fails if anything is lost or anybody is back here.
package integrity

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	roundsFlag = flag.Int("rounds", 200, "updates by each writer")
	trialsFlag = flag.Int("trials", 10_000, "logouts here")
	peersFlag  = flag.Int("peer-trials", 1_000, "logouts of each of the others")
)

const (
	writers = 8
	atOnce  = 8                    // logouts
	hold    = 2 * time.Millisecond // that a request has the session, when it is under way during a logout
)

// system is a site on one library and engine.
type system struct {
	library, engine string
	url             string
	ours            bool
}

func TestIntegrity(t *testing.T) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tengine\tupdates lost\tof\trevived\tof\t")
	for _, s := range systems(t) {
		trials := *peersFlag
		if s.ours {
			trials = *trialsFlag
		}
		lost, updates := s.lostUpdates(t, *roundsFlag)
		revived, logouts := s.revived(t, trials)
		fmt.Fprintf(os.Stderr, "%s, %s: %d of %d, %d of %d\n", s.library, s.engine, lost, updates, revived, logouts)
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t\n", s.library, s.engine, lost, updates, revived, logouts)
		if s.ours && (lost > 0 || revived > 0 || updates < writers**roundsFlag || logouts < trials) {
			t.Errorf("%s on %s: %d of %d updates lost, %d of %d logged out are back; want 0 of %d and 0 of %d",
				s.library, s.engine, lost, updates, revived, logouts, writers**roundsFlag, trials)
		}
	}
	fmt.Println()
	table.Flush()
}

// lostUpdates has each writer count under a name of its own in one session, and
// returns how many of the updates that were acknowledged are not there at the end.
func (s system) lostUpdates(t *testing.T, rounds int) (lost, acknowledged int) {
	t.Helper()
	ticket := s.login(t)
	var counted [writers]int
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for range rounds {
				if status, _ := s.get(t, ticket, "/add?name=%d", w); status == http.StatusOK {
					counted[w]++
				}
			}
		})
	}
	all.Wait()
	for w, n := range counted {
		acknowledged += n
		lost += max(0, n-s.read(t, ticket, fmt.Sprint(w)))
	}
	return lost, acknowledged
}

// revived logs out while a request with the same session is under way, and
// returns how often the old ticket is good again afterwards.
func (s system) revived(t *testing.T, trials int) (revived, loggedOut int) {
	t.Helper()
	var back, out atomic.Int64
	var all sync.WaitGroup
	for w := range atOnce {
		all.Go(func() {
			for range (trials + w) / atOnce {
				ticket := s.login(t)
				var underWay sync.WaitGroup
				underWay.Go(func() { s.get(t, ticket, "/add?name=visits&hold=%s", hold) })
				time.Sleep(rand.N(2 * hold))
				status, _ := s.get(t, ticket, "/logout")
				underWay.Wait()
				if status != http.StatusOK {
					continue
				}
				out.Add(1)
				if s.read(t, ticket, signedIn) > 0 {
					back.Add(1)
				}
			}
		})
	}
	all.Wait()
	return int(back.Load()), int(out.Load())
}
