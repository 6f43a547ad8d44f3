package scan

import (
	"fmt"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
)

// How the sentences of a diagnosis put numbers, times and lists.

// few is how many examples a sentence names.
const few = 3

func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

func hits(n int64) string { return times(n, "hit") }

// times counts with separators.
func times(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return commas(n) + " " + noun + "s"
}

func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is there"
	}
	return fmt.Sprintf("%d %ss are there", n, noun)
}

// linesOf names sources by their lines of the incident file.
func linesOf(sources []*model.Source) string {
	var lines []string
	for _, s := range sources {
		lines = append(lines, fmt.Sprint(s.Line))
	}
	return strings.Join(lines, ", ")
}

func clockTime(t model.Instant) string { return t.Time().Format("2006-01-02 15:04Z") }

// beside says to which side of the edge's clock another is off.
func beside(ahead time.Duration) string {
	if ahead < 0 {
		return "behind"
	}
	return "ahead of"
}

// about prints a duration in the units that a person would use for it.
func about(d time.Duration) string {
	d = d.Abs()
	if h := d.Round(time.Hour); h > 0 && (d-h).Abs() <= 10*time.Minute {
		return fmt.Sprintf("%d h", int(h.Hours()))
	}
	return apart(d)
}

// apart prints how far two clocks are apart: to the minute, or the second.
func apart(d time.Duration) string {
	if d.Abs() < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Abs().Round(time.Second).Seconds()))
	}
	return exactly(d)
}

// exactly prints a duration to the minute.
func exactly(d time.Duration) string {
	d = d.Abs().Round(time.Minute)
	if d < time.Hour {
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}
