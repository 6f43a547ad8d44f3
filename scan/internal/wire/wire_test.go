package wire_test

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// fill sets every field of v to something that is not its zero value, so that
// a field that a visit function forgot shows.
func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[netip.Addr]() {
			v.Set(reflect.ValueOf(netip.MustParseAddr("2001:db8::7")))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.String:
		v.SetString("text é\x00 " + string(rune('a'+*n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.1 * float64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n % 200))
	default:
		v.SetInt(-(*n % 100))
	}
}

func roundTrip[T any](t *testing.T, visit func(*wire.Codec, *T)) {
	t.Helper()
	var in, out T
	var n int64
	fill(reflect.ValueOf(&in).Elem(), &n)
	data := wire.Encode(nil, func(c *wire.Codec) { visit(c, &in) })
	dec := wire.NewDecoder()
	if err := dec.Decode(data, func(c *wire.Codec) { visit(c, &out) }); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("%T came back changed:\n%+v\n%+v", in, in, out)
	}
	for cut := range data {
		var part T
		if dec.Decode(data[:cut], func(c *wire.Codec) { visit(c, &part) }) == nil {
			t.Errorf("%T: the first %d of %d bytes decode without error", in, cut, len(data))
		}
	}
}

func TestRoundTrip(t *testing.T) {
	roundTrip(t, wire.Edge)
	roundTrip(t, wire.Origin)
	roundTrip(t, wire.Citation)
	roundTrip(t, wire.Flag)
	roundTrip(t, wire.Delivery)
	roundTrip(t, wire.Access)
	roundTrip(t, wire.Unattributed)
}

func TestZeroValues(t *testing.T) {
	var in, out model.EdgeRow
	data := wire.Encode(nil, func(c *wire.Codec) { wire.Edge(c, &in) })
	if err := wire.NewDecoder().Decode(data, func(c *wire.Codec) { wire.Edge(c, &out) }); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("zero row: %+v, %v", out, err)
	}
}

func FuzzDecode(f *testing.F) {
	var row model.EdgeRow
	f.Add(wire.Encode(nil, func(c *wire.Codec) { wire.Edge(c, &row) }))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e model.EdgeRow
		var d model.Delivery
		dec := wire.NewDecoder()
		_ = dec.Decode(data, func(c *wire.Codec) { wire.Edge(c, &e) })
		_ = dec.Decode(data, func(c *wire.Codec) { wire.Delivery(c, &d) })
	})
}
