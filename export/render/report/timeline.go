package report

import (
	"fmt"
	"time"

	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
)

// The drawing's measures, in its own units.
const (
	chartWidth  = 720.0
	chartHeight = 90.0
	maxBars     = 180
)

// timeline is the bar charts. Hits and deliveries are drawn apart: there are
// often a thousand hits to a delivery, and on one scale the deliveries vanish.
type timeline struct {
	Step   string // what one bar covers
	Charts []chart
	Ticks  []tick
	Shade  []bar // the stated window
	Width  float64
	Height float64
}

type chart struct {
	Name, Class string
	Max         int
	Total       int
	Bars        []bar
}

type bar struct {
	X, Y, W, H float64
	Title      string
}

type tick struct {
	X      float64
	Label  string
	Anchor string
}

func newTimeline(minutes map[model.Instant]*model.Coverage, m *model.Manifest) timeline {
	if len(minutes) == 0 {
		return timeline{}
	}
	first, last := bounds(minutes)
	n := int(last.Sub(first)/time.Minute) + 1
	per := (n + maxBars - 1) / maxBars
	bins := make([]model.Coverage, (n+per-1)/per)
	for at, c := range minutes {
		b := &bins[int(at.Sub(first)/time.Minute)/per]
		b.Hits += c.Hits
		b.Deliveries += c.Deliveries
		b.Used += c.Used
	}
	t := timeline{Step: words.Plural(per, "minute"), Width: chartWidth, Height: chartHeight}
	step := time.Duration(per) * time.Minute
	t.Charts = []chart{
		draw("deliveries", "deliveries", bins, first, step, func(c *model.Coverage) int { return c.Deliveries }),
		draw("of these with use seen", "used", bins, first, step, func(c *model.Coverage) int { return c.Used }),
		draw("hits on the suspect routes", "hits", bins, first, step, func(c *model.Coverage) int { return c.Hits }),
	}
	t.Ticks = ticks(first, step, len(bins))
	t.Shade = shade(m.Window, first, time.Duration(len(bins))*step)
	return t
}

func bounds(minutes map[model.Instant]*model.Coverage) (first, last model.Instant) {
	for at := range minutes {
		if first == 0 || at < first {
			first = at
		}
		last = max(last, at)
	}
	return first, last
}

func draw(name, class string, bins []model.Coverage, first model.Instant, step time.Duration, of func(*model.Coverage) int) chart {
	c := chart{Name: name, Class: class}
	for i := range bins {
		c.Max = max(c.Max, of(&bins[i]))
		c.Total += of(&bins[i])
	}
	w := chartWidth / float64(len(bins))
	for i := range bins {
		n := of(&bins[i])
		if n == 0 {
			continue
		}
		// A bar that stands for something is never thinner than a visible line.
		h := max(1.5, chartHeight*float64(n)/float64(c.Max))
		at := first.Add(time.Duration(i) * step).Time().Format("15:04")
		c.Bars = append(c.Bars, bar{float64(i)*w + 0.1*w, chartHeight - h, 0.8 * w, h, fmt.Sprintf("%s UTC: %s", at, words.Count(n))})
	}
	return c
}

// ticks labels some six bars. A case of several days gets dates.
func ticks(first model.Instant, step time.Duration, bins int) []tick {
	layout := "15:04"
	if time.Duration(bins)*step > 24*time.Hour {
		layout = "Jan 2 15:04"
	}
	every := max(1, bins/6)
	var out []tick
	for i := 0; i < bins; i += every {
		x := (float64(i) + 0.5) * chartWidth / float64(bins)
		anchor := "middle"
		switch {
		case x < 30:
			x, anchor = 0, "start"
		case x > chartWidth-30:
			x, anchor = chartWidth, "end"
		}
		out = append(out, tick{x, first.Add(time.Duration(i) * step).Time().Format(layout), anchor})
	}
	return out
}

// shade marks the window, where the chart shows more than it.
func shade(p model.Period, first model.Instant, span time.Duration) []bar {
	from, err1 := time.Parse(time.RFC3339Nano, p.From)
	to, err2 := time.Parse(time.RFC3339Nano, p.To)
	if err1 != nil || err2 != nil {
		return nil
	}
	x := func(t time.Time) float64 {
		return min(chartWidth, max(0, chartWidth*float64(model.InstantOf(t).Sub(first))/float64(span)))
	}
	x0, x1 := x(from), x(to)
	if x1 <= x0 || x1-x0 >= chartWidth {
		return nil
	}
	return []bar{{X: x0, W: x1 - x0, H: chartHeight}}
}
