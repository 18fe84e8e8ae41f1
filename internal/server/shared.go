package server

import (
	"sync"
	"testing"
)

// Shared returns a way to a server that all tests of a package use. The first
// test that asks starts it, and it ends when the last has: with the process.
//
//	var redis = server.Shared(func(t testing.TB) *server.Server { return server.Redis(t) })
//
// Nobody may stop or pause it.
func Shared[S interface{ showLog(testing.TB) }](start func(testing.TB) S) func(testing.TB) S {
	var once sync.Once
	var shared S
	var started bool
	return func(t testing.TB) S {
		t.Helper()
		once.Do(func() {
			shared = start(lasting{t})
			started = true
		})
		if !started {
			t.Fatal("the server did not start: see the first test that asked for it")
		}
		t.Cleanup(func() { shared.showLog(t) })
		return shared
	}
}

// lasting is a test whose servers stay when it ends. Their keepers see to the
// rest.
type lasting struct{ testing.TB }

func (lasting) Cleanup(func()) {}
