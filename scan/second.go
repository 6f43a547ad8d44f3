package scan

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/spillscope/spillscope/model"
)

// The second method asks the origin log alone: which sessions did two devices
// present within ten minutes, and in how many more steps than in clean hours?
// It shares no line with the reconstruction, so that where both agree neither
// is an artefact (semantics.md C9, C10). Mobile clients change their address
// all the time: what counts is the excess over the baseline, and the sessions
// whose devices differ in User-Agent as well, which hardly ever happens.

// stepKey takes a key of watch.steps apart.
type stepKey struct {
	where         byte
	session       model.ID
	step          model.Instant
	device, agent model.ID
	user          string
}

func splitStep(key []byte) stepKey {
	k := stepKey{where: key[0]}
	rest := key[1:]
	rest = rest[copy(k.session[:], rest):]
	k.step = model.Instant(binary.BigEndian.Uint64(rest))
	rest = rest[8:]
	rest = rest[copy(k.device[:], rest):]
	rest = rest[copy(k.agent[:], rest):]
	k.user = string(rest)
	return k
}

// stepWalk walks the steps in order.
type stepWalk struct {
	clean, window model.StepCount
	emit          func(*model.TwoDevices) error

	cur     model.TwoDevices // the session under way
	where   byte
	last    stepKey
	devices int // in the step under way
	agents  bool
	any     bool
}

func (s *stepWalk) add(key []byte) error {
	k := splitStep(key)
	switch {
	case !s.any || k.where != s.where || k.session != s.cur.Session:
		if err := s.endSession(); err != nil {
			return err
		}
		s.any, s.where, s.cur = true, k.where, model.TwoDevices{Session: k.session}
		s.devices, s.agents = 1, false
	case k.step != s.last.step:
		s.endStep()
		s.devices, s.agents = 1, false
	default:
		if k.device != s.last.device {
			s.devices++
		}
		s.agents = s.agents || k.agent != s.last.agent
	}
	s.cur.User = cmp.Or(s.cur.User, k.user)
	s.last = k
	return nil
}

func (s *stepWalk) counts() *model.StepCount {
	if s.where == inClean {
		return &s.clean
	}
	return &s.window
}

func (s *stepWalk) endStep() {
	c := s.counts()
	c.Steps++
	if s.devices < 2 {
		return
	}
	c.TwoDevices++
	if s.agents {
		c.TwoAgents++
	}
	if s.cur.Steps++; s.cur.Steps == 1 {
		s.cur.First = s.last.step
	}
	s.cur.Last = s.last.step
	s.cur.Devices = max(s.cur.Devices, s.devices)
	s.cur.OtherAgent = s.cur.OtherAgent || s.agents
}

func (s *stepWalk) endSession() error {
	if !s.any {
		return nil
	}
	s.endStep()
	c := s.counts()
	c.Sessions++
	if s.cur.Steps == 0 {
		return nil
	}
	c.SessionsTD++
	if s.cur.OtherAgent {
		c.SessionsTA++
	}
	if s.where == inClean {
		return nil
	}
	return s.emit(&s.cur)
}

// writeSecond lists the sessions that the second method shows and compares
// them with those that were reconstructed.
func (s *state) writeSecond() error {
	res := &model.SecondMethod{Step: "10 minutes", Baseline: s.baseline()}
	shown := map[model.Tier]int{}
	walk := stepWalk{emit: func(x *model.TwoDevices) error {
		if r := s.outcome.revoke[x.Session]; r != nil && r.Basis == model.BasisDelivery {
			x.Tier = r.Tier.String()
			shown[r.Tier]++
		} else {
			res.OnlySecond++
			if x.OtherAgent {
				res.OnlySecondA++
			}
		}
		return s.sink.Put(*x)
	}}
	if err := s.watch.steps.Scan(walk.add); err != nil {
		return err
	}
	if err := walk.endSession(); err != nil {
		return err
	}
	res.InWindow, res.InClean = walk.window, walk.clean
	res.Sessions, res.Agents = walk.window.SessionsTD, walk.window.SessionsTA
	res.Expected = expected(walk.clean.SessionsTD, walk.clean.Steps, walk.window.Steps)
	res.ExpectedUA = expected(walk.clean.SessionsTA, walk.clean.Steps, walk.window.Steps)
	if s.noEdge == "" {
		res.Overlap = s.overlap(shown)
	}
	s.secondResult = res
	return nil
}

// baseline says what the clean hours are.
func (s *state) baseline() string {
	switch {
	case len(s.Incident.Control) > 0:
		return "control"
	case len(s.watch.clean) > 0:
		return "lookback"
	}
	return "none"
}

// expected scales a count of clean hours to the window. Steps are the unit,
// because the two spans need not be equally long.
func expected(n, of, steps int) float64 {
	if of == 0 {
		return 0
	}
	return math.Round(10*float64(n)*float64(steps)/float64(of)) / 10
}

// overlap says how many of the delivered sessions of each tier were shown.
func (s *state) overlap(shown map[model.Tier]int) []model.TierShare {
	sessions := map[model.Tier]int{}
	for _, r := range s.outcome.revoke {
		sessions[r.Tier]++
	}
	var out []model.TierShare
	for _, t := range slices.Backward([]model.Tier{model.TierUnlikely, model.TierPossible, model.TierProbable, model.TierConfirmed}) {
		out = append(out, model.TierShare{Tier: t.String(), Sessions: sessions[t], Shown: shown[t]})
	}
	return out
}
