package origin

import (
	"bytes"

	"github.com/spillscope/spillscope/model"
)

// named reads what web servers and mail write, 07/Mar/2023:18:21:05 +0000 and
// Tue, 07 Mar 2023 18:21:05 GMT, and says of other forms why they are refused.
func (s *stamper) named(b []byte) (model.Interval, string) {
	full := b
	if _, rest, ok := bytes.Cut(b, []byte(", ")); ok {
		b = rest // the day of the week
	}
	wall, rest, ok := readNamed(b)
	if !ok {
		return model.Interval{}, refusal(full)
	}
	nanos, width, rest, ok := fraction(rest)
	if !ok {
		return model.Interval{}, reasonCalendar
	}
	return s.place(wall.Add(nanos), width, bytes.TrimSpace(rest))
}

// readNamed reads day, month by its English name, year and time of day,
// whatever single characters stand between, and returns what follows.
func readNamed(b []byte) (wall model.Instant, rest []byte, ok bool) {
	day, b, ok1 := digits(b, 2)
	month, b, ok2 := monthOf(b)
	year, b, ok3 := digits(b, 4)
	if !ok1 || !ok2 || !ok3 || year < 1000 {
		return 0, nil, false
	}
	f := [6]int{year, month, day}
	for i := 3; i < len(f); i++ {
		if f[i], b, ok = digits(b, 2); !ok {
			return 0, nil, false
		}
	}
	wall, ok = wallOf(f)
	return wall, b, ok
}

// digits reads a number of up to most digits, behind one character that is no
// digit if there is one.
func digits(b []byte, most int) (n int, rest []byte, ok bool) {
	if len(b) > 0 && bytes.IndexByte([]byte("/-: T"), b[0]) >= 0 {
		b = b[1:]
	}
	i := 0
	for ; i < len(b) && i < most && '0' <= b[i] && b[i] <= '9'; i++ {
		n = n*10 + int(b[i]-'0')
	}
	return n, b[i:], i > 0
}

const months = "janfebmaraprmayjunjulaugsepoctnovdec"

// monthOf reads the first three letters of a month, behind one character.
func monthOf(b []byte) (month int, rest []byte, ok bool) {
	if len(b) > 0 && bytes.IndexByte([]byte("/- "), b[0]) >= 0 {
		b = b[1:]
	}
	if len(b) < 3 {
		return 0, b, false
	}
	for i := 0; i < len(months); i += 3 {
		if bytes.EqualFold(b[:3], []byte(months[i:i+3])) {
			return i/3 + 1, b[3:], true
		}
	}
	return 0, b, false
}

// refusal says what a stamp lacks that has no form which can be read. To take
// the likelier of two days would move rows by months without a word.
func refusal(b []byte) string {
	if _, _, ok := monthOf(b); ok {
		return "time has no year, as that of syslog: add it before the scan, e.g. 2023-03-07T18:21:05Z"
	}
	first, rest, ok := digits(b, 2)
	if ok && first > 0 && len(rest) > 0 && rest[0] == '/' {
		if bytes.Count(b, []byte{':'}) == 1 {
			return reasonRounded
		}
		return "time is ambiguous, day or month first: export it as 2023-03-07T18:21:05Z"
	}
	return reasonCalendar
}
