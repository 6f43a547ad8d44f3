package calibrate_test

import (
	"strings"
	"testing"
	"time"
)

// TestClockOffIsNoTimeZone: half a minute is a wrong clock. "Set time_zone:
// UTC+0" sends people looking for what is not there.
func TestClockOffIsNoTimeZone(t *testing.T) {
	for _, offset := range []time.Duration{30 * time.Second, -7 * time.Second, 90 * time.Second} {
		o := clockOf(joinedRows(200, offset, "end")).Offset("unknown")
		if !strings.Contains(o.Refused, "clock was wrong") || strings.Contains(o.Refused, "0s from") {
			t.Errorf("%v ahead: %q", offset, o.Refused)
		}
	}
}

// TestTenYearsOffSaysSo: beyond the coarse histogram nothing was counted, so
// no minute may be named.
func TestTenYearsOffSaysSo(t *testing.T) {
	o := clockOf(joinedRows(200, 24*365*10*time.Hour, "end")).Offset("unknown")
	if strings.Contains(o.Refused, "26h0m0s") {
		t.Errorf("ten years ahead: %q", o.Refused)
	}
}
