package decodetest

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// spy notes what a decoder makes of each line.
type spy struct {
	decode.Decoder
	outcomes map[uint64]decode.Outcome // by line
}

func (s *spy) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	outcome, reason := s.Decoder.Line(ref, line)
	s.outcomes[ref.Line] = outcome
	return outcome, reason
}

// comments returns the numbers of the lines that newDecoder counts as comments.
func (c Case) comments(t *testing.T) map[uint64]bool {
	t.Helper()
	s := &spy{c.New(func(Row) {}), map[uint64]decode.Outcome{}}
	if _, err := decode.Lines(bytes.NewReader(c.Input), 7, s, func(model.Reject) {}); err != nil {
		t.Fatal(err)
	}
	out := map[uint64]bool{}
	for line, outcome := range s.outcomes {
		out[line] = outcome == decode.Comment
	}
	return out
}

func lines(input []byte) [][]byte { return slices.Collect(bytes.Lines(input)) }

// alone decodes the line that each row cites, behind the comments before it:
// it must give the same row, and so be the row's evidence.
func (c Case) alone(t *testing.T, whole Result) {
	comment, all := c.comments(t), lines(c.Input)
	for _, row := range whole.Rows {
		var b bytes.Buffer
		for i := range row.Ref.Line - 1 {
			if comment[i+1] {
				b.Write(all[i])
			}
		}
		b.Write(c.Input[row.Ref.Offset : row.Ref.Offset+int64(len(all[row.Ref.Line-1]))])
		if got := Read(&b, 7, c.New); len(got.Rows) != 1 || got.Rows[0].Text != row.Text {
			t.Errorf("line %d alone gives %v, not %v", row.Ref.Line, got.Rows, row)
		}
	}
}

// reordered shuffles the lines between comments: the rows stay the same.
func (c Case) reordered(t *testing.T, whole Result) {
	comment := c.comments(t)
	want := texts(whole.Rows)
	slices.Sort(want)
	for seed := range uint64(3) {
		all := lines(bytes.TrimSuffix(c.Input, []byte("\n")))
		all[len(all)-1] = append(bytes.Clone(all[len(all)-1]), '\n')
		rng := rand.New(rand.NewPCG(seed, 1))
		for from := 0; from < len(all); {
			to := from
			for to < len(all) && !comment[uint64(to)+1] {
				to++
			}
			part := all[from:to]
			rng.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
			from = to + 1
		}
		in := bytes.Join(all, nil)
		got := Read(bytes.NewReader(in), 7, c.New)
		Account(t, in, got)
		have := texts(got.Rows)
		slices.Sort(have)
		if !slices.Equal(have, want) || got.Balance != whole.Balance {
			t.Errorf("%+v in another order, %+v before; %s", got.Balance, whole.Balance, difference(want, have))
		}
	}
}

func texts(rows []Row) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.Text)
	}
	return out
}

// difference shows the first place at which two lists differ.
func difference(want, have []string) string {
	for i := range min(len(want), len(have)) {
		if want[i] != have[i] {
			return "want " + want[i] + "\nhave " + have[i]
		}
	}
	return "the lists differ in length"
}

// strange are lines that no log of one encoding holds.
var strange = [...]string{"\xff\xfe\xfd", "caf\xe9 cr\xe8me", "a\x00b", "\x00", " ", "\ufeff", "\r", "\x1b[2J\x9b", "\xed\xa0\x80", "日本\xe6"}

// foreign puts strange lines between the rows, and strange bytes into them: no
// line is lost, and no other row suffers.
func (c Case) foreign(t *testing.T, whole Result) {
	all := lines(c.Input)
	var b bytes.Buffer
	for i, line := range all {
		b.Write(line)
		if n := i - len(all) + len(strange); n >= 0 && !bytes.HasSuffix(line, []byte("\\\n")) {
			b.WriteString(strange[n] + "\n")
		}
	}
	for _, line := range strange[:max(0, len(strange)-len(all))] {
		b.WriteString(line + "\n")
	}
	got := Read(bytes.NewReader(b.Bytes()), 7, c.New)
	Account(t, b.Bytes(), got)
	if n := int64(bytes.Count(b.Bytes(), []byte("\n"))); got.Err != nil || got.Balance.Lines != n {
		t.Errorf("%d lines of %d, error %v", got.Balance.Lines, n, got.Err)
	}
	have := texts(got.Rows)
	for _, row := range whole.Rows {
		i := slices.Index(have, row.Text)
		if i < 0 {
			t.Fatalf("the row of line %d is lost among strange lines", row.Ref.Line)
		}
		have = have[i+1:]
	}
	names := 0
	if c.Columns != nil {
		names = len(all[0]) // no text of the format's: the test's own
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		in := bytes.Clone(c.Input)
		at := names + rng.IntN(len(in)-names)
		if in[at] == '\n' {
			continue
		}
		in[at] = "\xe9\xff\x00\x80\x1b"[rng.IntN(5)]
		got := Read(bytes.NewReader(in), 7, c.New)
		Account(t, in, got)
		if got.Err != nil || got.Balance.Lines != whole.Balance.Lines {
			t.Errorf("byte %d changed: %+v, was %+v; error %v", at, got.Balance, whole.Balance, got.Err)
		}
	}
}

// dropped checks that a row which is not wanted costs no memory.
func (c Case) dropped(t *testing.T) {
	d := c.Dropped(func(Row) { t.Error("a row was kept") })
	type placed struct {
		ref  model.Ref
		line []byte
	}
	var far []placed
	s := &spy{d, map[uint64]decode.Outcome{}}
	if _, err := decode.Lines(bytes.NewReader(c.DroppedInput), 7, s, func(model.Reject) {}); err != nil {
		t.Fatal(err)
	}
	ref, layout := model.Ref{Object: 7}, 0
	for _, line := range lines(c.DroppedInput) {
		ref.Line++
		outcome, read := s.outcomes[ref.Line]
		if !read {
			outcome = decode.Rejected // empty, or unreadable to any decoder
		}
		switch outcome {
		case decode.Comment: // what stood before may have been read by another header
			layout = len(far)
		case decode.Filtered:
			far = append(far, placed{ref, bytes.TrimRight(line, "\r\n")})
		}
		ref.Offset += int64(len(line))
	}
	if len(far) == 0 {
		t.Fatal("no row is filtered: Dropped keeps them, or all are broken")
	}
	if layout < len(far) {
		far = far[layout:]
	}
	kept := 0
	all := func() {
		for _, x := range far {
			if outcome, _ := d.Line(x.ref, x.line); outcome != decode.Filtered {
				kept++
			}
		}
	}
	for range 5000 { // a decoder may look closer at the first rows
		all()
	}
	n := testing.AllocsPerRun(100, all)
	if n != 0 || kept > 0 {
		t.Errorf("%d dropped rows take %v allocations; %d were not dropped again", len(far), n, kept)
	}
}
