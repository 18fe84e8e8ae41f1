package soak

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"
)

// state is what the site's process takes. Its heap is counted after a garbage
// collection, so that only what is in use counts.
type state struct {
	InFlight   int64
	RSS        int64 // bytes of memory that are resident
	Heap       int64 // bytes that are in use
	Goroutines int
	Files      int // open ones, connections among them
}

func (p *pages) state() state {
	s := state{InFlight: p.inFlight.Load(), Goroutines: runtime.NumGoroutine()}
	status, _ := os.ReadFile("/proc/self/status")
	_, rss, _ := strings.Cut(string(status), "\nVmRSS:")
	_, _ = fmt.Sscan(rss, &s.RSS)
	s.RSS <<= 10 // it is in KiB
	files, _ := os.ReadDir("/proc/self/fd")
	s.Files = len(files)

	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	s.Heap = int64(live[0].Value.Uint64())
	return s
}

// rests reports whether nobody's request or connection is left. The connections to
// the back end, of which Memcached's client keeps the most, may have become more.
func (s state) rests(before state) bool {
	const pool = 64
	return s.InFlight == 0 && s.Goroutines <= before.Goroutines+pool && s.Files <= before.Files+pool
}

// looks is how many samples are taken of each engine.
const looks = 60

// sample is a moment under load.
type sample struct {
	at time.Duration
	state
	backEnd int64 // bytes of memory
}

func heap(s sample) int64     { return s.Heap }
func resident(s sample) int64 { return s.RSS }
func behind(s sample) int64   { return s.backEnd }

// warm are the samples after the warm-up.
func (r *result) warm() []sample {
	return r.samples[len(r.samples)*warmUp/100:]
}

// inFlight is how many requests were in flight on average.
func (r *result) inFlight() float64 {
	var sum int64
	for _, s := range r.warm() {
		sum += s.InFlight
	}
	return float64(sum) / float64(len(r.warm()))
}

// trend is the line that fits the samples after the warm-up best, at its begin and
// at its end: no single sample tells.
func (r *result) trend(of func(sample) int64) (from, to int64) {
	samples := r.warm()
	n := float64(len(samples))
	var at, value float64 // on average
	for _, s := range samples {
		at += s.at.Seconds() / n
		value += float64(of(s)) / n
	}
	var product, square float64
	for _, s := range samples {
		x := s.at.Seconds() - at
		product += x * float64(of(s))
		square += x * x
	}
	line := func(s sample) int64 { return int64(value + (s.at.Seconds()-at)*product/square) }
	return line(samples[0]), line(samples[len(samples)-1])
}

func growth(from, to int64) float64 { return float64(to)/float64(from) - 1 }

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }
