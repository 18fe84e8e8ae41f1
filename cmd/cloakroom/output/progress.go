package output

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/cloakroom-go/cloakroom/internal/human"
)

// How often progress is told.
const (
	drawEvery = 100 * time.Millisecond
	tellEvery = 10 * time.Second
)

// Progress tells on Err how far something is: a bar in a terminal, and elsewhere
// a line every ten seconds. Close it.
type Progress struct {
	output   *Output
	what     string
	terminal bool
	began    time.Time
	told     time.Time
	drawn    bool
}

// Progress begins to tell; what is done to how many, as in "cleared".
func (o *Output) Progress(what string) *Progress {
	now := time.Now()
	p := &Progress{output: o, what: what, terminal: isTerminal(o.Err), began: now, told: now}
	return p
}

// Tell says that so many are done, of total; 0 is an unknown number.
func (p *Progress) Tell(done, total int64) {
	now := time.Now()
	every := tellEvery
	if p.terminal {
		every = drawEvery
	}
	if now.Sub(p.told) < every {
		return
	}
	p.told = now
	line := p.line(done, total, now.Sub(p.began))
	if !p.terminal {
		p.output.Note("%s", line)
		return
	}
	if width, _, err := term.GetSize(int(p.output.Err.Fd())); err == nil {
		line = cut(line, width-1)
	}
	fmt.Fprint(p.output.Err, "\r\x1b[K"+line)
	p.drawn = true
}

// line is such as "cleared 12,000 of 900,000  ━━───  1 %, 8,000/s, 2 minutes left".
func (p *Progress) line(done, total int64, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", p.what, human.Count(done))
	rate := float64(done) / took.Seconds()
	if total > done {
		part := float64(done) / float64(total)
		fmt.Fprintf(&b, " of %s", human.Count(total)) // which others may change meanwhile
		if p.terminal {
			const length = 16
			full := int(part * length)
			b.WriteString("  " + strings.Repeat("━", full) + strings.Repeat("─", length-full) + " ")
		}
		fmt.Fprintf(&b, " %d %%", int(part*100))
	}
	if done > 0 {
		fmt.Fprintf(&b, ", %s/s", human.Count(int64(rate)))
		if total > done {
			fmt.Fprintf(&b, ", %s left", human.Span(time.Duration(float64(total-done)/rate*float64(time.Second))))
		}
	}
	return b.String()
}

// Close takes the bar away.
func (p *Progress) Close() {
	if p.drawn {
		fmt.Fprint(p.output.Err, "\r\x1b[K")
	}
}
