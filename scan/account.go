package scan

import (
	"fmt"

	"github.com/spillscope/spillscope/model"
)

// anythingRead fails where no source of a kind gave a single row, unless its
// rows are merely of other hours: then the scan can say which.
func (s *state) anythingRead() error {
	var edge, origin kindRead
	for i := range s.objects {
		k := &origin
		if s.objects[i].edge {
			k = &edge
		}
		k.add(&s.objects[i])
	}
	if edge.nothing() {
		if s.noEdge == "" {
			s.noEdge = edge.why("edge")
		}
		if origin.nothing() {
			return &NothingReadable{s.noEdge}
		}
	}
	if origin.objects > 0 && origin.nothing() {
		return &NothingReadable{origin.why("origin")}
	}
	return nil
}

// kindRead sums up the objects of one kind of source.
type kindRead struct {
	objects, pruned, problems int
	balance                   model.Balance
	problem                   string
}

func (k *kindRead) add(o *object) {
	k.objects++
	if o.pruned {
		k.pruned++
	}
	if o.problem != "" {
		if k.problems == 0 {
			k.problem = o.URI + ": " + o.problem
		}
		k.problems++
	}
	k.balance = k.balance.Add(o.balance)
}

// nothing reports whether no row could be read, of whatever hour.
func (k *kindRead) nothing() bool {
	return k.balance.Parsed == 0 && k.balance.Filtered == 0 && k.pruned == 0
}

func (k *kindRead) why(kind string) string {
	if k.problems > 0 {
		return fmt.Sprintf("%d of %d %s objects cannot be read, first %s", k.problems, k.objects, kind, k.problem)
	}
	return fmt.Sprintf("%d %s objects hold %d lines, %d of them rejected, and not one row; is the format right?", k.objects, kind, k.balance.Lines, k.balance.Rejected)
}
