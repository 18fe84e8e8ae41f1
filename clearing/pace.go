package clearing

import (
	"context"
	"time"
)

// How a back end is kept free for others.
const (
	// aim is how long a step should take, at most: so long it stays in the way
	// of a server that has much else to do.
	aim = 150 * time.Millisecond

	// smallest is the batch below which the cost of a step is that of asking.
	smallest = 200

	// idle is the part of a step's time that follows as a pause.
	idle = 0.2

	// busy is how many times the usual a step takes when the back end has much
	// else to do.
	busy = 4

	// longest is the pause after which it is worth to see whether the back end
	// is still busy.
	longest = 2 * time.Second
)

// pace says how large the next step is, and how long to rest before it. What a
// step takes beyond the usual is spent waiting for others; so much again is left
// to them.
type pace struct {
	batch, rate int
	size        int
	began       time.Time // of the step under way
	usual       float64   // seconds that a record takes
}

func newPace(o Options) *pace {
	p := &pace{batch: o.Batch, rate: o.Rate, began: time.Now()}
	if p.batch == 0 {
		p.batch = MaxBatch
	}
	if p.rate > 0 {
		p.batch = min(p.batch, p.rate) // a step a second at least
	}
	p.size = min(smallest, p.batch)
	return p
}

// limit is how many records the next step may delete.
func (p *pace) limit() int { return p.size }

// rest follows a step that deleted n records. It returns an error when ctx ended
// meanwhile.
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
	size, seconds := float64(p.size), took.Seconds()
	p.size = int(size * min(2, aim.Seconds()/seconds))
	p.size = min(max(p.size, smallest), p.batch)

	over := 0.0
	switch cost := seconds / size; {
	case p.usual == 0:
		p.usual = cost
	case cost < p.usual:
		p.usual += (cost - p.usual) / 8
	default:
		over = seconds - busy*p.usual*size
		p.usual += (min(cost, 2*p.usual) - p.usual) / 32 // a back end may also become slower for good
	}
	rest := min(time.Duration((idle*seconds+max(0, over))*float64(time.Second)), longest)
	if p.rate > 0 {
		rest = max(rest, time.Duration(n)*time.Second/time.Duration(p.rate)-took)
	}
	return rest
}
