package dashboard

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom/internal/human"
)

// plotRange is a span of time to plot.
type plotRange struct {
	Name   string // as in links
	Label  string
	Span   time.Duration
	bucket time.Duration // one point of the line
	tick   time.Duration // between labels
	layout string        // of labels
}

var plotRanges = []plotRange{
	{"24h", "24 hours", 24 * time.Hour, 5 * time.Minute, 4 * time.Hour, "15:04"},
	{"7d", "7 days", 7 * 24 * time.Hour, 30 * time.Minute, 24 * time.Hour, "Mon 2"},
	{"30d", "30 days", 30 * 24 * time.Hour, 2 * time.Hour, 5 * 24 * time.Hour, "2 Jan"},
}

func rangeOf(name string) plotRange {
	for _, r := range plotRanges {
		if r.Name == name {
			return r
		}
	}
	return plotRanges[0]
}

// The drawing, in SVG units.
const (
	plotWidth, plotHeight  = 920.0, 260.0
	plotLeft, plotRight    = 8.0, 56.0 // the scale stands beside the latest reading
	plotTop, plotBottom    = 14.0, 30.0
	plotInnerW, plotInnerH = plotWidth - plotLeft - plotRight, plotHeight - plotTop - plotBottom
	gapAfter               = 3 // empty buckets that break the line
	plotBaseline           = plotTop + plotInnerH
	wantedYTicks           = 4
	labelRoom              = 20.0 // half a label
)

// plot is live sessions over time, ready to draw.
type plot struct {
	Width, Height float64
	Left, Right   float64 // of the axes
	Top, Baseline float64
	Lines         []string // SVG paths, broken where nothing was measured
	Areas         []string
	Dots          []point // measurements with none beside them
	X, Y          []tick
	Points        []reading
	Empty         bool
	Summary       string // the same in words
	Label         string
}

type point struct{ X, Y float64 }

type tick struct {
	At    float64
	Label string
}

type reading struct {
	point
	At    time.Time
	Value int64
}

// newPlot draws samples, which are in order of time.
func newPlot(samples []Sample, now time.Time, r plotRange) *plot {
	now = now.UTC()
	since := now.Add(-r.Span)
	p := &plot{
		Width: plotWidth, Height: plotHeight, Left: plotLeft, Right: plotWidth - plotRight,
		Top: plotTop, Baseline: plotBaseline, Empty: true, Label: r.Label,
	}
	points := gather(samples, since, now, r.bucket)
	var highest int64
	for _, s := range points {
		highest = max(highest, s.Live)
	}
	step := niceStep(highest)
	top := step * max(1, int64(math.Ceil(float64(highest)/float64(step))))
	x := func(t time.Time) float64 {
		return plotLeft + plotInnerW*float64(t.Sub(since))/float64(r.Span)
	}
	y := func(n int64) float64 { return plotBaseline - plotInnerH*float64(n)/float64(top) }
	for n := int64(0); n <= top; n += step {
		p.Y = append(p.Y, tick{y(n), human.Compact(n)})
	}
	for t := since.Truncate(r.tick).Add(r.tick); t.Before(now); t = t.Add(r.tick) {
		if at := x(t); at > plotLeft+labelRoom {
			p.X = append(p.X, tick{at, t.Format(r.layout)})
		}
	}
	for _, s := range points {
		p.Points = append(p.Points, reading{point{x(s.At), y(s.Live)}, s.At, s.Live})
	}
	p.Empty = len(points) == 0
	p.draw(gapAfter * r.bucket)
	p.Summary = summarise(points, r)
	return p
}

// gather takes the last sample of each bucket: a moment's count is exact, a
// mean would never have been.
func gather(samples []Sample, since, now time.Time, bucket time.Duration) []Sample {
	var points []Sample
	for _, s := range samples {
		if s.At.Before(since) || s.At.After(now) {
			continue
		}
		if n := len(points); n > 0 && points[n-1].At.Truncate(bucket).Equal(s.At.Truncate(bucket)) {
			points[n-1] = s
		} else {
			points = append(points, s)
		}
	}
	return points
}

// draw makes a line of each run of readings without a gap.
func (p *plot) draw(gap time.Duration) {
	for rest := p.Points; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].At.Sub(rest[n-1].At) <= gap {
			n++
		}
		run := rest[:n]
		rest = rest[n:]
		if n == 1 {
			p.Dots = append(p.Dots, run[0].point)
			continue
		}
		var line strings.Builder
		for i, r := range run {
			fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], r.X, r.Y)
		}
		p.Lines = append(p.Lines, line.String())
		p.Areas = append(p.Areas, fmt.Sprintf("%sL%.1f %.1fL%.1f %.1fZ", line.String(), run[n-1].X, p.Baseline, run[0].X, p.Baseline))
	}
}

// Readings is the points for the script, which shows the one that is pointed at.
func (p *plot) Readings() string {
	var b strings.Builder
	for _, r := range p.Points {
		fmt.Fprintf(&b, "%.1f,%.1f,%d,%d;", r.X, r.Y, r.Value, r.At.Unix())
	}
	return b.String()
}

func summarise(points []Sample, r plotRange) string {
	if len(points) == 0 {
		return "Nothing was measured in the last " + r.Label + "."
	}
	lowest, highest := points[0], points[0]
	for _, s := range points {
		if s.Live < lowest.Live {
			lowest = s
		}
		if s.Live > highest.Live {
			highest = s
		}
	}
	last := points[len(points)-1]
	const at = "2 Jan 15:04"
	return fmt.Sprintf("Last %s live, highest %s (%s), lowest %s (%s). Times in UTC.", human.Count(last.Live),
		human.Count(highest.Live), highest.At.UTC().Format(at), human.Count(lowest.Live), lowest.At.UTC().Format(at))
}

// niceStep is 1, 2 or 5 times a power of ten, for about wantedYTicks of them.
func niceStep(highest int64) int64 {
	raw := float64(highest) / wantedYTicks
	if raw <= 1 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if raw <= factor*power {
			return int64(factor * power)
		}
	}
	return int64(10 * power)
}
