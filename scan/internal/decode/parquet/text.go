package parquet

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// Values are handed on as text, so that one decoder reads a format whether it
// came as lines or as columns. A function here appends the text of one value
// to buf, or returns bytes that are text already.

// intText returns how the integers of col are written, and whether JSON holds
// them without quotes.
func intText(col *schema.Column, bits int) (write func(buf []byte, v int64) []byte, bare bool) {
	switch t := col.LogicalType().(type) {
	case schema.DateLogicalType:
		return dateText, false
	case schema.TimeLogicalType:
		return timeText(unitOf(t.TimeUnit())), false
	case schema.TimestampLogicalType:
		return stampText(unitOf(t.TimeUnit()), t.IsAdjustedToUTC()), false
	case schema.DecimalLogicalType:
		scale := int(t.Scale())
		return func(buf []byte, v int64) []byte {
			return decimalText(buf, strconv.FormatInt(v, 10), scale)
		}, true
	case schema.IntLogicalType:
		if !t.IsSigned() {
			mask := uint64(math.MaxUint64) >> (64 - bits)
			return func(buf []byte, v int64) []byte { return strconv.AppendUint(buf, uint64(v)&mask, 10) }, true
		}
	}
	return func(buf []byte, v int64) []byte { return strconv.AppendInt(buf, v, 10) }, true
}

// unit is a precision of stamps: how many make a second, and how they look.
type unit struct {
	perSecond int64
	digits    string
}

func unitOf(u schema.TimeUnitType) unit {
	switch u {
	case schema.TimeUnitMillis:
		return unit{1e3, ".000"}
	case schema.TimeUnitMicros:
		return unit{1e6, ".000000"}
	}
	return unit{1e9, ".000000000"}
}

// split returns the seconds in v, rounded down, and the nanoseconds beyond.
func (u unit) split(v int64) (sec, nsec int64) {
	sec, rest := v/u.perSecond, v%u.perSecond
	if rest < 0 {
		sec, rest = sec-1, rest+u.perSecond
	}
	return sec, rest * (1e9 / u.perSecond)
}

// stampText writes RFC 3339 with the digits of the unit. A stamp that is not
// adjusted to UTC is a local time of nobody knows where: no offset is written,
// and the decoder asks for time_zone.
func stampText(u unit, utc bool) func(buf []byte, v int64) []byte {
	layout := "2006-01-02T15:04:05" + u.digits
	if utc {
		layout += "Z"
	}
	return func(buf []byte, v int64) []byte {
		return time.Unix(u.split(v)).UTC().AppendFormat(buf, layout)
	}
}

func dateText(buf []byte, days int64) []byte {
	return time.Unix(days*86400, 0).UTC().AppendFormat(buf, time.DateOnly)
}

func timeText(u unit) func(buf []byte, v int64) []byte {
	return func(buf []byte, v int64) []byte {
		if v < 0 || v >= 86400*u.perSecond { // no time of day
			return strconv.AppendInt(buf, v, 10)
		}
		return time.Unix(u.split(v)).UTC().AppendFormat(buf, "15:04:05"+u.digits)
	}
}

// int96Text writes the stamps of old Hive, Impala and Spark. The type has no
// word on time zones, and these three do not agree, so it is written as local.
func int96Text(buf []byte, v parquet.Int96) []byte {
	nanos := binary.LittleEndian.Uint64(v[:8])
	const unixEpoch = 2440588 // as a Julian day
	days := int64(binary.LittleEndian.Uint32(v[8:])) - unixEpoch
	if nanos >= 86400*1e9 {
		return strconv.AppendUint(buf, nanos, 10)
	}
	return time.Unix(days*86400, int64(nanos)).UTC().AppendFormat(buf, "2006-01-02T15:04:05.000000000")
}

// bytesText returns how the byte strings of col are written. Bytes without a
// type are text: writers that do not say so are many (Hive, Impala, older
// Spark), columns of real binary data that a log decoder is asked for are not.
func bytesText(col *schema.Column) (write func(buf, v []byte) []byte, bare bool) {
	switch t := col.LogicalType().(type) {
	case schema.DecimalLogicalType:
		scale := int(t.Scale())
		return func(buf, v []byte) []byte { return bigText(buf, v, scale) }, true
	case schema.UUIDLogicalType:
		return uuidText, false
	case schema.Float16LogicalType:
		return halfText, false
	case schema.IntervalLogicalType:
		return hex.AppendEncode, false
	}
	return func(buf, v []byte) []byte { return append(buf, v...) }, false
}

// isText reports whether the byte strings of col are text as they stand.
func isText(col *schema.Column) bool {
	if col.PhysicalType() != parquet.Types.ByteArray {
		return false
	}
	switch col.LogicalType().(type) {
	case schema.DecimalLogicalType, schema.UUIDLogicalType, schema.Float16LogicalType, schema.IntervalLogicalType:
		return false
	}
	return true
}

// maxDecimal is the longest unscaled value in bytes that is written as a
// number: 76 digits, as many as the widest type of the format's readers has.
const maxDecimal = 32

func bigText(buf, v []byte, scale int) []byte {
	if len(v) > maxDecimal {
		return hex.AppendEncode(buf, v)
	}
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0]&0x80 != 0 { // two's complement
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(v))*8))
	}
	return decimalText(buf, n.String(), scale)
}

// decimalText writes the unscaled number digits with scale places after the point.
func decimalText(buf []byte, digits string, scale int) []byte {
	if digits[0] == '-' {
		buf, digits = append(buf, '-'), digits[1:]
	}
	switch {
	case scale <= 0:
		return append(buf, digits...)
	case scale > 4*maxDecimal: // no such type; not worth a kilobyte of zeros
		buf = append(append(buf, digits...), "E-"...)
		return strconv.AppendInt(buf, int64(scale), 10)
	case len(digits) <= scale:
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	point := len(digits) - scale
	buf = append(append(buf, digits[:point]...), '.')
	return append(buf, digits[point:]...)
}

func uuidText(buf, v []byte) []byte {
	if len(v) != 16 {
		return hex.AppendEncode(buf, v)
	}
	for i, part := range [][]byte{v[:4], v[4:6], v[6:8], v[8:10], v[10:]} {
		if i > 0 {
			buf = append(buf, '-')
		}
		buf = hex.AppendEncode(buf, part)
	}
	return buf
}

// floatText never writes an exponent: stamps in seconds come as floats.
func floatText(buf []byte, v float64, bits int) []byte {
	return strconv.AppendFloat(buf, v, 'f', -1, bits)
}

func halfText(buf, v []byte) []byte {
	if len(v) != 2 {
		return hex.AppendEncode(buf, v)
	}
	h := binary.LittleEndian.Uint16(v)
	exp, frac := int(h>>10&31), float64(h&1023)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(frac, -24)
	case 31:
		f = math.Inf(1)
		if frac != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(frac+1024, exp-25)
	}
	if h>>15 == 1 {
		f = -f
	}
	return floatText(buf, f, 32)
}
