package terminal

import (
	"fmt"
	"io"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/model"
)

// Capabilities prints what the inputs can and cannot name, and what would
// change it.
func Capabilities(w io.Writer, list []model.Capability) error {
	p := &page{w: w}
	p.line("What these inputs can name, by a look at the beginning of some files:")
	for _, c := range list {
		p.line("  %-8s %s: %s", c.Verdict, c.What, inert.Text(c.Why))
		if c.Change != "" && c.Verdict != model.CapabilityYes {
			p.line("           to change it: %s", c.Change)
		}
	}
	if p.err != nil {
		return fmt.Errorf("capabilities: %w", p.err)
	}
	return nil
}
