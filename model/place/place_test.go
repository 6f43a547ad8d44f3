package place_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/place"
)

func request(from, to int64) place.Request {
	return place.Request{From: model.Instant(from), To: model.Instant(to), Method: "GET", Status: 200, Host: "www.example.com", Agent: model.ID{1}}
}

func row(at int64) place.Row {
	return place.Row{At: model.Interval{Lo: model.Instant(at), Hi: model.Instant(at + 1)}, Method: "GET", Status: 200}
}

// tell writes, for each request, the row it gets and what else fits.
func tell(found []place.Found) string {
	var out []string
	for _, f := range found {
		s := fmt.Sprintf("%d of", f.Row)
		for _, x := range f.Fits {
			s += fmt.Sprintf(" %d(%.2f)", x.Row, x.Share)
		}
		if f.Sole {
			s += " sole"
		}
		if f.Sure {
			s += " sure"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// TestMatch places rows among requests, with the viewer's address and without.
func TestMatch(t *testing.T) {
	other := func(change func(*place.Row)) place.Row {
		r := row(15)
		change(&r)
		return r
	}
	for _, c := range []struct {
		name     string
		requests []place.Request
		rows     []place.Row
		viewer   bool
		want     string
	}{
		{"one and one", []place.Request{request(10, 20)}, []place.Row{row(15)}, true, "0 of 0(1.00) sole sure"},
		{"at the edge", []place.Request{request(10, 20)}, []place.Row{row(9), row(21)}, true, "0 of 0(1.00) sole sure"},
		{"outside", []place.Request{request(10, 20)}, []place.Row{row(8), row(21)}, true, "-1 of"},
		{"two requests, one row: one viewer", []place.Request{request(10, 20), request(12, 18)}, []place.Row{row(15)}, true, "-1 of 0(1.00); 0 of 0(1.00)"},
		{"two requests, one row: anybody", []place.Request{request(10, 20), request(12, 18)}, []place.Row{row(15)}, false, "-1 of 0(0.50); 0 of 0(0.50)"},
		{"two and two", []place.Request{request(10, 20), request(12, 18)}, []place.Row{row(15), row(16)}, false, "1 of 0(0.50) 1(0.50) sure; 0 of 0(0.50) 1(0.50) sure"},
		{"a chain", []place.Request{request(10, 20), request(18, 30)}, []place.Row{row(12), row(19)}, true, "0 of 0(0.50) 1(0.50) sure; 1 of 1(1.00) sure"},
		{"the one that ends first", []place.Request{request(10, 40), request(10, 20)}, []place.Row{row(15), row(30)}, true, "1 of 0(0.50) 1(0.50) sure; 0 of 0(1.00) sure"},
		{"other method", []place.Request{request(10, 20)}, []place.Row{other(func(r *place.Row) { r.Method = "POST" })}, true, "-1 of"},
		{"other browser", []place.Request{request(10, 20)}, []place.Row{other(func(r *place.Row) { r.Agent = model.ID{2} })}, true, "-1 of"},
		{"other host", []place.Request{request(10, 20)}, []place.Row{other(func(r *place.Row) { r.Host = "api.example.com" })}, true, "-1 of"},
		{"not found at the origin", []place.Request{request(10, 20)}, []place.Row{other(func(r *place.Row) { r.Status = 404 })}, true, "-1 of"},
		{"confirmed by the origin", []place.Request{request(10, 20)}, []place.Row{other(func(r *place.Row) { r.Status = 304 })}, true, "0 of 0(1.00) sole sure"},
		{"logs nothing else", []place.Request{request(10, 20)}, []place.Row{other(func(r *place.Row) { r.Status, r.Method = 0, "" })}, true, "0 of 0(1.00) sole sure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := tell(place.Match(c.requests, c.rows, c.viewer)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestMatchHoldsTheTruth draws requests with a row of their own each: it is
// among those that fit, shares are probabilities, and what is sole is right.
func TestMatchHoldsTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	soles := 0
	for range 2000 {
		var requests []place.Request
		var rows []place.Row
		for range 1 + rng.IntN(6) {
			from := rng.Int64N(60)
			requests = append(requests, request(from, from+rng.Int64N(20)))
			rows = append(rows, row(from+rng.Int64N(int64(requests[len(requests)-1].To)-from+1)))
		}
		for i, f := range place.Match(requests, rows, rng.IntN(2) == 0) {
			sum, own := 0.0, false
			for _, x := range f.Fits {
				sum, own = sum+x.Share, own || x.Row == i
			}
			if !own || sum > 1.0001 || f.Row < 0 || !f.Sure {
				t.Fatalf("request %d of %v among %v: %s", i, requests, rows, tell([]place.Found{f}))
			}
			if f.Sole {
				soles++
				if f.Row != i {
					t.Fatalf("request %d has row %d alone", i, f.Row)
				}
			}
		}
	}
	if soles < 500 {
		t.Errorf("only %d requests had a row alone", soles)
	}
}

// TestApart finds a clock among the differences of strangers.
func TestApart(t *testing.T) {
	for _, c := range []struct {
		name           string
		ahead          time.Duration
		pairs, strange int
		ok             bool
	}{
		{"right", 0, 60, 200, true},
		{"a time zone", -8 * time.Hour, 60, 2000, true},
		{"half an hour", 5*time.Hour + 30*time.Minute, 40, 500, true},
		{"seconds", 7 * time.Second, 40, 100, true},
		{"too few", time.Hour, 6, 100, false},
		{"nobody's", time.Hour, 0, 500, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			var a place.Apart
			for range c.strange {
				a.Add(time.Duration(rng.Int64N(int64(4*time.Hour))) - 2*time.Hour)
			}
			for range c.pairs {
				a.Add(c.ahead + time.Duration(rng.Int64N(int64(time.Second))) - 500*time.Millisecond + 100*time.Millisecond)
			}
			d, n, ok := a.Read()
			if ok != c.ok || ok && (d-c.ahead).Abs() > 400*time.Millisecond {
				t.Errorf("read %v of %d pairs, %v; is %v", d, n, ok, c.ahead)
			}
		})
	}
}
