package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/spillscope/spillscope/scan"
)

// meter shows how far a scan is, on a terminal only: a log file of a CI job
// is no place for a bar.
type meter struct {
	console *console
	phase   string
	bar     *progressbar.ProgressBar
}

// progress returns the function that a scan reports to, and the one that
// takes the bar off the terminal again.
func progress(c *console) (report func(scan.Progress), done func()) {
	if !c.progress {
		return nil, func() {}
	}
	m := &meter{console: c}
	return m.update, m.clear
}

func (m *meter) update(p scan.Progress) {
	if p.Phase != m.phase {
		m.clear()
		m.phase = p.Phase
		m.bar = m.newBar(p.BytesTotal)
	}
	if p.BytesTotal > 0 {
		m.bar.Describe(fmt.Sprintf("%s %d/%d files", p.Phase, p.Objects, p.ObjectsTotal))
		_ = m.bar.Set64(p.Bytes) // a bar that cannot be drawn stops no scan
		return
	}
	_ = m.bar.Set64(p.Rows)
}

// newBar counts bytes where the phase knows how many there are, and rows,
// without a total, where it does not.
func (m *meter) newBar(total int64) *progressbar.ProgressBar {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(m.console.err),
		progressbar.OptionSetDescription(m.phase),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(24),
	}
	if total <= 0 {
		return progressbar.NewOptions64(-1, append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"))...)
	}
	return progressbar.NewOptions64(total, append(options, progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true))...)
}

func (m *meter) clear() {
	if m.bar != nil {
		_ = m.bar.Clear()
		_ = m.bar.Exit()
	}
	m.bar = nil
}
