package scan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
)

// vague is the spread of origin stamps from which they hardly time a fill.
const vague = 250 * time.Millisecond

// clocks says what is odd about a clock that is used all the same.
func (d *diagnosis) clocks() {
	o := &d.offset
	switch {
	case o.WrongBy.Abs() >= time.Minute:
		d.fail("origin stamps were not used to time fills, and what recipients did is dated by them: %s%s", o.Refused, d.zoneAdvice(o.WrongBy))
	case o.Refused != "":
		d.warn("origin stamps were not used to time fills: %s", o.Refused)
	}
	d.writers()
	if o.Partly != "" {
		if lines := d.elsewhen(); lines != "" {
			d.open("a part of the origin log has another clock: %s. Most rows of the origin source of line %s are dated outside what is read: whom they show is in no count", o.Partly, lines)
		} else {
			d.warn("a part of the origin log has another clock: %s", o.Partly)
		}
	}
	if n := len(o.Drift); n > 0 {
		far := slices.MaxFunc(o.Drift, func(a, b calibrate.StepLag) int { return cmp.Compare(max(a.LagMS, -a.LagMS), max(b.LagMS, -b.LagMS)) })
		d.warn("the origin's clock drifted or was set: its offset differs in %d steps of ten minutes, by up to %d ms (from %s); stamps were corrected by step", n, far.LagMS, far.From)
	}
	if o.Refused == "" && o.Spread > vague {
		d.warn("origin stamps lie up to %d ms around the edge's: are there several instances whose clocks differ? They time fills that much less well", o.Spread.Milliseconds())
	}
}

// writers names the sources and instances whose clocks were set back, because
// others beside them were right, and those that are off and were left.
func (d *diagnosis) writers() {
	for _, c := range d.writerClocks() {
		if !c.Known() && !c.Placed || c.SetBack.Abs() < time.Minute && !c.Wrong() {
			continue
		}
		src := &d.Incident.Sources[c.Source]
		who, cause := fmt.Sprintf("the %s source of line %d", src.Kind, src.Line), ""
		switch {
		case c.Instance != "":
			who = fmt.Sprintf("instance %q of %s", c.Instance, who)
		case c.Zone != 0:
			cause = fmt.Sprintf(", as local time of %s is: set time_zone: %s there", utc(c.Zone), zoneName(c.Zone))
		}
		rows := times(c.Rows, "joined request")
		if c.Placed {
			rows = times(c.Rows, "placed row")
		}
		used := "they were not set right, since no clock beside it is"
		if c.SetBack != 0 {
			used = "they were set right by that"
		}
		d.warn("times of %s are %s %s the edge's on %s%s; %s", who, apart(c.Ahead), beside(c.Ahead), rows, cause, used)
	}
}

// elsewhen names the origin sources of whose rows most lie outside the spans, by
// their lines of the incident file, if there are others whose rows do not.
func (d *diagnosis) elsewhen() string {
	sums := map[*model.Source]model.Balance{}
	for i := range d.state.objects {
		if o := &d.state.objects[i]; o.source.Kind == model.SourceOrigin {
			sums[o.source] = sums[o.source].Add(o.balance)
		}
	}
	var far []*model.Source
	for i := range d.Incident.Sources {
		if s := &d.Incident.Sources[i]; sums[s].Filtered > sums[s].Parsed {
			far = append(far, s)
		}
	}
	if len(far) == len(sums) {
		return ""
	}
	return linesOf(far)
}

// zoneAdvice says which key makes up for stamps that are ahead of UTC by about
// as much as a civil time zone.
func (d *diagnosis) zoneAdvice(ahead time.Duration) string {
	zone, ok := calibrate.CivilZone(ahead, calibrate.NearZone)
	if !ok {
		return ""
	}
	which := d.originLines()
	for i := range d.Incident.Sources {
		if s := &d.Incident.Sources[i]; s.Kind == model.SourceOrigin && s.TimeZone != "" {
			return fmt.Sprintf(". Times of %s are %s %s the edge's: is time_zone: %s right?", which, exactly(ahead), beside(ahead), s.TimeZone)
		}
	}
	return fmt.Sprintf(". Times of %s are %s %s the edge's, as local time of %s is: set time_zone: %s there, and if the stamps end in Z, which claims UTC, mend what writes or exports them",
		which, exactly(ahead), beside(ahead), utc(zone), zoneName(zone))
}

// originLines names the origin sources by their lines of the incident file.
func (d *diagnosis) originLines() string {
	var all []*model.Source
	for i := range d.Incident.Sources {
		if s := &d.Incident.Sources[i]; s.Kind == model.SourceOrigin {
			all = append(all, s)
		}
	}
	if len(all) == 1 {
		return fmt.Sprintf("the origin source (line %s)", linesOf(all))
	}
	return fmt.Sprintf("the origin sources (lines %s)", linesOf(all))
}

// zonePlaces names the time zones that are not whole hours from UTC by a place
// that keeps them.
var zonePlaces = [...]struct {
	minutes time.Duration
	name    string
}{
	{-570, "Pacific/Marquesas"}, {-210, "America/St_Johns"}, {-150, "America/St_Johns"}, {210, "Asia/Tehran"}, {270, "Asia/Kabul"},
	{330, "Asia/Kolkata"}, {345, "Asia/Kathmandu"}, {390, "Asia/Yangon"}, {525, "Australia/Eucla"},
	{570, "Australia/Darwin"}, {630, "Australia/Lord_Howe"}, {765, "Pacific/Chatham"},
}

// nearZone is how far from a time zone's offset the first session may be for
// the zone to be the reason: people note the minute of a change, and the first
// visitor comes later.
const nearZone = 12 * time.Minute

// zoneName returns a name of the time zone database for an offset. The names
// of whole hours have their sign turned round, as POSIX has it.
func zoneName(zone time.Duration) string {
	for _, z := range zonePlaces {
		if z.minutes*time.Minute == zone {
			return z.name
		}
	}
	return fmt.Sprintf("Etc/GMT%+d", -int(zone.Hours()))
}

// utc prints an offset as people do: UTC-08:00.
func utc(zone time.Duration) string {
	sign := '+'
	if zone < 0 {
		sign = '-'
	}
	zone = zone.Abs()
	return fmt.Sprintf("UTC%c%02d:%02d", sign, int(zone.Hours()), int(zone.Minutes())%60)
}
