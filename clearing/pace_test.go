package clearing

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// backlog is an engine that has nothing but expired records. Each takes time.
type backlog struct {
	cloakroom.Engine
	left   int
	cost   func() time.Duration // of a record
	steps  []int
	failAt int // step
	began  []time.Time
}

func (b *backlog) ClearExpired(ctx context.Context, limit int) (int, error) {
	if b.failAt > 0 && len(b.steps) == b.failAt {
		return 0, errAway
	}
	n := min(limit, b.left)
	b.began = append(b.began, time.Now())
	select {
	case <-time.After(time.Duration(n) * b.cost()):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	b.left -= n
	b.steps = append(b.steps, n)
	return n, nil
}

func (b *backlog) Stats(context.Context) (cloakroom.Stats, error) {
	return cloakroom.Stats{Expired: int64(b.left)}, nil
}

var errAway = &cloakroom.Error{Engine: "test", Op: "clear expired", Kind: cloakroom.ErrUnavailable, Reason: "the disk is full"}

func steadily(cost time.Duration) func() time.Duration {
	return func() time.Duration { return cost }
}

func TestStepsAreShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backlog{left: 100_000, cost: steadily(100 * time.Microsecond)}
		report, err := Run(t.Context(), b, Options{})
		if err != nil || report.Cleared != 100_000 || b.left != 0 {
			t.Fatalf("%+v, %v; %d left", report, err, b.left)
		}
		if report.Largest != 1500 { // of 100 µs each: 150 ms
			t.Errorf("the largest step deleted %d", report.Largest)
		}
		if work := 10 * time.Second; report.Elapsed > work*13/10 {
			t.Errorf("it took %v to do what takes %v", report.Elapsed, work)
		}
	})
}

func TestBatchIsABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for batch, want := range map[int]int{0: MaxBatch, 1: 1, 70: 70, MaxBatch: MaxBatch} {
			b := &backlog{left: 50_000, cost: steadily(time.Nanosecond)}
			report, err := Run(t.Context(), b, Options{Batch: batch})
			if err != nil || report.Largest != want {
				t.Errorf("batch %d: the largest step deleted %d (%v)", batch, report.Largest, err)
			}
		}
	})
}

func TestRateIsABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, rate := range []int{10, 1000, 20_000} {
			b := &backlog{left: 10 * rate, cost: steadily(time.Microsecond)}
			report, err := Run(t.Context(), b, Options{Rate: rate})
			if err != nil || report.Elapsed < 10*time.Second || report.Elapsed > 11*time.Second {
				t.Errorf("%d records at %d a second took %v (%v)", 10*rate, rate, report.Elapsed, err)
			}
		}
	})
}

// While the back end has much else to do, most of the time is left to that.
func TestGivesWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backlog{left: 400_000}
		slow := false
		b.cost = func() time.Duration {
			slow = len(b.steps) >= 50 && len(b.steps) < 60
			if slow {
				return 5 * time.Millisecond
			}
			return 50 * time.Microsecond
		}
		if _, err := Run(t.Context(), b, Options{}); err != nil {
			t.Fatal(err)
		}
		worked := time.Duration(0)
		for _, n := range b.steps[51:60] {
			worked += time.Duration(n) * 5 * time.Millisecond
		}
		if all := b.began[60].Sub(b.began[51]); all < 2*worked {
			t.Errorf("worked %v of %v while the back end was busy", worked, all)
		}
		if n := b.steps[55]; n != smallest {
			t.Errorf("a step of %d while the back end was busy", n)
		}
	})
}

func TestErrorSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backlog{left: 100_000, cost: steadily(10 * time.Microsecond), failAt: 3}
		report, err := Run(t.Context(), b, Options{})
		if !errors.Is(err, cloakroom.ErrUnavailable) || !strings.Contains(err.Error(), "cleared 1400 expired sessions, then stopped") || report.Cleared != 1400 {
			t.Fatalf("%+v, %v", report, err)
		}
		b.failAt = 0
		if report, err := Run(t.Context(), b, Options{}); err != nil || report.Cleared != 100_000-1400 {
			t.Errorf("then: %+v, %v", report, err)
		}
	})
}

// A back end that hangs is no reason to wait for ever.
func TestSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backlog{left: 100, cost: steadily(time.Hour)}
		began := time.Now()
		_, err := Run(t.Context(), b, Options{})
		if !errors.Is(err, cloakroom.ErrUnavailable) || time.Since(began) != patience {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestContextEndsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backlog{left: 1_000_000, cost: steadily(10 * time.Microsecond)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		report, err := Run(ctx, b, Options{})
		if !errors.Is(err, context.DeadlineExceeded) || report.Cleared == 0 || report.Elapsed > time.Second {
			t.Errorf("%+v, %v", report, err)
		}
	})
}

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backlog{left: 100_000, cost: steadily(10 * time.Microsecond)}
		var seen []Report
		if _, err := Run(t.Context(), b, Options{Progress: func(r Report) { seen = append(seen, r) }}); err != nil {
			t.Fatal(err)
		}
		first, half, last := seen[0], seen[len(seen)/2], seen[len(seen)-1]
		if first.Total != 100_000 || first.Cleared != 0 || first.Left() != 0 {
			t.Errorf("first: %+v", first)
		}
		if off := (last.Elapsed - half.Elapsed - half.Left()).Abs(); off > 100*time.Millisecond {
			t.Errorf("the estimate was %v off", off)
		}
		if last.Cleared != last.Total || last.Left() != 0 {
			t.Errorf("last: %+v", last)
		}
	})
}

func TestOptionsOutOfBounds(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Batch: -1}, {Batch: MaxBatch + 1}, {Rate: -1}} {
		if _, err := Run(t.Context(), &backlog{}, o); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
