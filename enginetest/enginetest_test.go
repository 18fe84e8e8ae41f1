package enginetest

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom-go/cloakroom"
)

// config runs the suite against what wrap makes of the reference engine.
func config(wrap func(reference) cloakroom.Engine) Config {
	var store reference
	return Config{
		FakeClock: true,
		Trials:    200,
		Open: func(testing.TB) cloakroom.Engine {
			store = newReference()
			return wrap(store)
		},
		Second: func(_ testing.TB, e cloakroom.Engine) cloakroom.Engine { return e },
		Break: func(testing.TB, cloakroom.Engine) func() {
			set := func(down bool) {
				store.mu.Lock()
				defer store.mu.Unlock()
				store.down = down
			}
			set(true)
			return func() { set(false) }
		},
		Corrupt: func(_ testing.TB, _ cloakroom.Engine, key string) { store.records[key].corrupt = true },
	}
}

func TestReferenceKeepsEveryPromise(t *testing.T) {
	t.Parallel()
	Run(t, config(func(e reference) cloakroom.Engine { return e }))
}

// Each mistake is found in exactly the promises that it breaks.
func TestBrokenEnginesAreCaught(t *testing.T) {
	t.Parallel()
	for _, b := range breakages {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			failed := failures(t, config(func(e reference) cloakroom.Engine {
				engine := bend(e)
				b.make(engine)
				return engine
			}))
			failed = slices.DeleteFunc(failed, func(name string) bool { return slices.Contains(b.also, name) })
			if diff := cmp.Diff(b.fails, failed, cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("promises found broken (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryPromiseIsBrokenOnce(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{"DeleteEverywhere": true} // by TestLaggingDeleteIsCaught
	for _, b := range breakages {
		for _, name := range b.fails {
			broken[name] = true
		}
	}
	for _, p := range promises {
		if !broken[p.name] {
			t.Errorf("no engine breaks %s: who says that the suite would find it?", p.name)
		}
	}
}

func TestLaggingDeleteIsCaught(t *testing.T) {
	t.Parallel()
	c := config(func(e reference) cloakroom.Engine { return &flushes{reference: e} })
	c.Second = func(_ testing.TB, e cloakroom.Engine) cloakroom.Engine { return lags{e.(*flushes)} }
	if diff := cmp.Diff([]string{"DeleteEverywhere", "Linearizable"}, failures(t, c)); diff != "" {
		t.Errorf("promises found broken (-want +got):\n%s", diff)
	}
}

func TestNothingIsLeftOutSilently(t *testing.T) {
	t.Parallel()
	c := config(func(e reference) cloakroom.Engine { return struct{ cloakroom.Engine }{e} })
	c.Second, c.Break, c.Corrupt = nil, nil, nil
	want := []string{
		"Add", "AddConflict", "AddExpired", "AddWrongKeys", "AddOnce", "Holds",
		"DeleteEverywhere", "List", "ListStops", "ListWhileDeleting", "ListPassesOverCorrupt",
		"Stats", "StatsCorrupt", "Ping", "Describe", "Corrupt", "Outage",
	}
	if diff := cmp.Diff(want, failures(t, c)); diff != "" {
		t.Errorf("promises that report what is missing (-want +got):\n%s", diff)
	}

	for what, waived := range map[string]map[string]string{
		"names no promise": {"Outrage": "a slip of the pen"},
		"gives no reason":  {"Outage": ""},
	} {
		c.Waived = waived
		if err := c.validate(); !strings.Contains(err, what) {
			t.Errorf("validate of %v: %q, want %q", waived, err, what)
		}
	}
}

// failures names the promises that fail.
func failures(t *testing.T, c Config) []string {
	var failed []string
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{TB: t}
				done := make(chan struct{})
				go func() {
					defer close(done)
					p.check(newStage(r, c))
				}()
				<-done
				time.Sleep(time.Hour) // until what hung is back
				if r.failed {
					failed = append(failed, p.name)
				}
			})
		})
	}
	return failed
}

// recorder notes a failure instead of failing the test.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed bool
}

func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) FailNow()              { r.Fail(); runtime.Goexit() }
func (r *recorder) Error(...any)          { r.Fail() }
func (r *recorder) Errorf(string, ...any) { r.Fail() }
func (r *recorder) Fatal(...any)          { r.FailNow() }
func (r *recorder) Fatalf(string, ...any) { r.FailNow() }
