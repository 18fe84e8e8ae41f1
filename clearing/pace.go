package clearing

import (
	"context"
	"time"
)

// How a back end is kept free for others.
const (
	// aim is how long a step should take. Whoever wants what it holds (all
	// writers, on SQLite) waits no longer.
	aim = 25 * time.Millisecond

	// smallest is the batch below which the cost of a step is that of asking.
	smallest = 200

	// idle is the part of a step's time that follows as a pause.
	idle = 0.25

	// longest is the pause after which it is worth to see whether the back end
	// is still busy.
	longest = 2 * time.Second
)

// pace says how large the next step is, and how long to rest before it.
//
// What a record costs when the back end has nothing else to do is learned from
// the steps that went well. Time beyond that was spent waiting for others, and is
// given to them once more as a pause.
type pace struct {
	batch, rate int
	size        int
	began       time.Time     // of the step under way
	cost        time.Duration // of a record, undisturbed
}

func newPace(o Options) *pace {
	p := &pace{batch: o.Batch, rate: o.Rate, began: time.Now()}
	if p.batch == 0 {
		p.batch = MaxBatch
	}
	if p.rate > 0 {
		p.batch = min(p.batch, max(1, p.rate)) // a step a second at least
	}
	p.size = min(smallest, p.batch)
	return p
}

// limit is how many records the next step may delete.
func (p *pace) limit() int { return p.size }

// rest is called after a step that deleted n records. It returns an error when
// ctx ended meanwhile.
func (p *pace) rest(ctx context.Context, n int) error {
	select {
	case <-time.After(p.pause(n, time.Since(p.began))):
	case <-ctx.Done():
		return ctx.Err()
	}
	p.began = time.Now()
	return nil
}

// pause learns from a step and says how long to rest after it.
func (p *pace) pause(n int, took time.Duration) time.Duration {
	looked := p.size
	switch {
	case took < aim/2:
		p.size *= 2
	case took > aim:
		p.size = max(p.size/2, int(int64(p.size)*int64(aim)/int64(took)))
	}
	p.size = min(max(p.size, min(smallest, p.batch)), p.batch)

	cost := took / time.Duration(looked)
	if p.cost == 0 || cost < p.cost {
		p.cost = cost
	} else {
		p.cost += p.cost / 64 // a back end may also become slower for good
	}
	pause := time.Duration(idle * float64(took))
	pause += max(0, took-2*p.cost*time.Duration(looked))
	if p.rate > 0 {
		return max(pause, time.Duration(n)*time.Second/time.Duration(p.rate)-took)
	}
	return min(pause, longest)
}
