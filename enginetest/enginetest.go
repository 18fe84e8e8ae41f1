// Package enginetest is the conformance suite: every promise of
// [cloakroom.Engine] is a test, run against an engine on its real back end.
//
//	func TestEngine(t *testing.T) {
//		enginetest.Run(t, enginetest.Config{Open: open, Break: stopServer})
//	}
//
// A promise that cannot hold for an engine is named in [Config.Waived] with the
// reason. Nothing is left out silently: a missing hook without a reason fails.
package enginetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Config says how to reach the engine under test.
type Config struct {
	// Open returns an engine on an empty store. It is called once per promise.
	Open func(t testing.TB) cloakroom.Engine

	// Second opens another handle on the store of e, as another process would.
	Second func(t testing.TB, e cloakroom.Engine) cloakroom.Engine

	// Break makes the back end of e unreachable until restore is called.
	Break func(t testing.TB, e cloakroom.Engine) (restore func())

	// Corrupt damages the record kept under key so that it cannot be read.
	Corrupt func(t testing.TB, e cloakroom.Engine, key string)

	// Waived tells, by the promise's name, why it cannot hold for this engine.
	Waived map[string]string

	// ExpiresItself says that the back end deletes what has expired, so that
	// nothing is left for ClearExpired.
	ExpiresItself bool

	// ExpiryGranularity is how far on either side of its expiry a record may
	// stop being found: 1 s for Memcached.
	ExpiryGranularity time.Duration

	// CountsDown says that the back end is told how long a record lives and not
	// until when. Then the record lives longer by what the call took, and Load
	// tells its expiry as exactly as it was quick.
	CountsDown bool

	// Trials is how often a flush races with a save; 0 means 500, and 200 with
	// -short. The environment variable CLOAKROOM_TRIALS goes before. Where it is
	// set, all else is tried four times as often too.
	Trials int

	// FakeClock runs every promise in a bubble of [testing/synctest], where
	// waiting costs no time. It is for engines that do no input or output.
	FakeClock bool
}

// Run checks every promise, each in a subtest named after it.
func Run(t *testing.T, c Config) {
	t.Helper()
	if err := c.validate(); err != "" {
		t.Fatal(err)
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			if why, ok := c.Waived[p.name]; ok {
				t.Logf("waived: %s", why)
				return
			}
			if c.FakeClock {
				synctest.Test(t, func(t *testing.T) { p.check(newStage(t, c)) })
				return
			}
			p.check(newStage(t, c))
		})
	}
}

type promise struct {
	name  string
	check func(*stage)
}

var promises = []promise{
	{"RoundTrip", roundTrip},
	{"RoundTripTimesAndBytes", roundTripTimesAndBytes},
	{"RoundTripLarge", roundTripLarge},
	{"UntouchedData", untouchedData},
	{"Snapshots", snapshots},
	{"Unencodable", unencodable},

	{"CreateFreshKeys", createFreshKeys},
	{"CreateIgnoresKey", createIgnoresKey},
	{"WrongKeys", wrongKeys},

	{"Add", add},
	{"AddConflict", addConflict},
	{"AddExpired", addExpired},
	{"AddWrongKeys", addWrongKeys},
	{"AddOnce", addOnce},
	{"Holds", holds},

	{"Save", save},
	{"SaveConflict", saveConflict},
	{"SaveGone", saveGone},
	{"SaveEnds", saveEnds},
	{"SaveMovesExpiry", saveMovesExpiry},

	{"Delete", deleteOnce},
	{"DeleteEverywhere", deleteEverywhere},

	{"TouchMovesExpiry", touchMovesExpiry},
	{"TouchKeepsVersion", touchKeepsVersion},
	{"TouchGone", touchGone},

	{"ExpiredLoad", expiredLoad},
	{"ExpiredSave", expiredSave},
	{"ExpiredTouch", expiredTouch},
	{"ExpiryIsAnInstant", expiryIsAnInstant},
	{"ClearExpired", clearExpired},

	{"List", list},
	{"ListStops", listStops},
	{"ListWhileDeleting", listWhileDeleting},
	{"ListPassesOverCorrupt", listPassesOverCorrupt},
	{"Stats", stats},
	{"StatsCorrupt", statsCorrupt},
	{"Ping", ping},
	{"Describe", describe},

	{"Corrupt", corrupt},
	{"Outage", outage},
	{"EndedContext", endedContext},
	{"Errors", errorsNameNoSecret},

	{"NoLostUpdate", noLostUpdate},
	{"NoResurrection", noResurrection},
	{"Linearizable", linearizable},
}

func (c Config) validate() string {
	if c.Open == nil {
		return "enginetest: Config.Open is missing"
	}
	known := map[string]bool{}
	for _, p := range promises {
		known[p.name] = true
	}
	for name, why := range c.Waived {
		if !known[name] {
			return "enginetest: Config.Waived names no promise: " + name
		}
		if why == "" {
			return "enginetest: Config.Waived gives no reason for " + name
		}
	}
	return ""
}
