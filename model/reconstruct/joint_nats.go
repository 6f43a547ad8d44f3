package reconstruct

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// nats is a log-likelihood in units of 1/1024. Chains compare whole numbers
// only: which way a chain goes must not depend on the last bit of a CPU's
// floating point.
type nats int64

const nat = 1024

func toNats(p float64) nats { return nats(math.Round(nat * math.Log(p))) }

func (n nats) weight() float64 { return math.Exp(float64(n) / nat) }

// shares is the grid on which the likelihood of one row is looked up.
const shares = 4096

// logs[i] is the logarithm of i/shares. It is never written to.
var logs = func() (t [shares + 1]nats) {
	t[0] = toNats(0.5 / shares)
	for i := 1; i <= shares; i++ {
		t[i] = toNats(float64(i) / shares)
	}
	return t
}()

// fractions[i] is −ln of 1+i/1024 in units of 1/65536. It is never written to.
var fractions = func() (t [1024]int64) {
	for i := range t {
		t[i] = int64(math.Round(-65536 * math.Log(1+(float64(i)+0.5)/1024)))
	}
	return t
}()

// doubling is ln 2 in units of 1/65536.
const doubling = 45426

// tolerance draws how much likelihood a move may lose: −ln u of a uniform u,
// in whole numbers. The leading zeros of a random word give the power of two.
func tolerance(rnd *rand.PCG) nats {
	word := rnd.Uint64() | 1
	zeros := bits.LeadingZeros64(word)
	fraction := word << (zeros + 1) >> 54
	return nats((int64(zeros+1)*doubling + fractions[fraction]) >> 6)
}
