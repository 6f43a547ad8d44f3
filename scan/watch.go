package scan

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/spill"
)

// watch collects, while rows are joined, what can be counted without a model
// of caches: ceilings, and sessions seen on two devices.
type watch struct {
	users   *spill.Set // whose session reached the suspect routes
	clients *spill.Set // to whom a cache may have answered there
	steps   *spill.Set // session, step, device, user agent, user
	reached *spill.Set // user and session that suspect responses may have carried; filled where there is no edge log
	reach   model.Span // from the first fill that can serve the window
	window  model.Span
	clean   []model.Span
	key     []byte
}

// newWatch lays out what to look at. Without control hours, the lookback is
// what is known of everyday life.
func (s *state) newWatch() *watch {
	set := func() *spill.Set { return spill.NewSet(s.TempDir, int(float64(s.Memory)*derivedShare/4)) }
	w := s.Incident.Window
	clean := s.Incident.Control
	if len(clean) == 0 && w.Lookback > 0 {
		clean = []model.Span{{From: w.Span.From.Add(-w.Lookback), To: w.Span.From - 1}}
	}
	return &watch{
		users: set(), clients: set(), steps: set(), reached: set(), window: w.Span, clean: clean,
		reach: w.Span.Extend(longestLife(s.Incident)+s.stale()+time.Minute, time.Minute),
	}
}

// watchEdge looks at an edge row with the origin rows of its request id.
// joined says that its request id leads to one.
func (j *joiner) watchEdge(e *model.EdgeRow, row *cacheRow, origins []model.OriginRow, joined bool) error {
	w := j.watch
	suspect := e.Route != model.NoRoute
	there := suspect && w.reach.Contains(e.Available().Lo)
	err := w.client(e, row, there, joined)
	at := e.Start().Lo
	for i := range origins {
		o := &origins[i]
		err = errors.Join(err, j.watchSession(o.Presented, o.User, there), j.watchSession(o.Issued, o.User, there),
			j.watchStep(o.Presented, o.User, at, row.Device, e.Agent))
	}
	if len(origins) == 0 {
		err = errors.Join(err, j.watchSession(e.Session, "", there), j.watchStep(e.Session, "", at, row.Device, e.Agent))
	}
	return err
}

// watchOrigin looks at an origin row whose edge row is missing.
func (j *joiner) watchOrigin(o *model.OriginRow, device model.ID) error {
	there := o.Route != model.NoRoute && j.watch.reach.Contains(o.Time.Lo)
	err := errors.Join(j.watchSession(o.Presented, o.User, there), j.watchSession(o.Issued, o.User, there))
	if there && j.noEdge != "" {
		err = errors.Join(err, j.watchReached(o))
	}
	if !device.IsZero() {
		err = errors.Join(err, j.watchStep(o.Presented, o.User, o.Time.Lo, device, o.Agent))
	}
	return err
}

// client notes a client that a cache may have answered: all of the suspect
// routes but those that the origin answered itself.
func (w *watch) client(e *model.EdgeRow, row *cacheRow, there, joined bool) error {
	if !there || joined && cache.Classify(e) == cache.Miss {
		return nil
	}
	return w.clients.Add(row.Device[:])
}

// watchSession notes whose session reached a suspect route.
func (j *joiner) watchSession(session model.ID, logged string, there bool) error {
	if !there || session.IsZero() {
		return nil
	}
	w := j.watch
	if user := j.userOf(session, logged); user != "" {
		w.key = append(append(w.key[:0], 'u'), user...)
	} else {
		w.key = append(append(w.key[:0], 's'), session[:]...)
	}
	return w.users.Add(w.key)
}

// step is how close in time two devices have to present a session to count as
// two at once: longer, and people who walk from office to home count; shorter,
// and few sessions are seen twice.
const step = 10 * time.Minute

// The spans of steps.
const (
	inClean  = 'c'
	inWindow = 'w'
)

func (w *watch) spanOf(t model.Instant) byte {
	if w.window.Contains(t) {
		return inWindow
	}
	for _, c := range w.clean {
		if c.Contains(t) {
			return inClean
		}
	}
	return 0
}

// watchStep notes that a device presented a session.
func (j *joiner) watchStep(session model.ID, logged string, at model.Instant, device, agent model.ID) error {
	w := j.watch
	where := w.spanOf(at)
	if where == 0 || session.IsZero() {
		return nil
	}
	w.key = append(append(w.key[:0], where), session[:]...)
	w.key = binary.BigEndian.AppendUint64(w.key, uint64(truncate(at, step)))
	w.key = append(append(w.key, device[:]...), agent[:]...)
	w.key = append(w.key, j.userOf(session, logged)...)
	return w.steps.Add(w.key)
}

func (w *watch) freeze() error {
	return errors.Join(w.users.Freeze(), w.clients.Freeze(), w.steps.Freeze(), w.reached.Freeze())
}

func (w *watch) close() error {
	return errors.Join(w.users.Close(), w.clients.Close(), w.steps.Close(), w.reached.Close())
}

// countCeilings counts what no estimate may exceed.
func (s *state) countCeilings() error {
	c := &s.ceilingResult
	spaces := map[string]bool{} // grows with the directory, which is in memory too
	err := s.watch.users.Scan(func(key []byte) error {
		if key[0] == 's' {
			c.UnknownSessions++
			return nil
		}
		c.Users++
		for _, w := range s.dir.WorkspacesWithin(string(key[1:]), s.watch.reach) {
			spaces[w] = true
		}
		return nil
	})
	c.Workspaces = len(spaces)
	return errors.Join(err, s.watch.clients.Scan(func([]byte) error {
		c.Clients++
		return nil
	}))
}

// ceilings returns what no estimate may exceed. Where the origin logs no row of
// some suspect route, or holders are known by other rows than those of their
// fills, sessions reached the routes that were not counted there: then nothing
// bounds the holders.
func (s *state) ceilings(holders *model.Bounds) model.Ceilings {
	c := s.ceilingResult
	if s.losses.Silent > 0 || holders.Confirmed+holders.Probable+holders.Possible > c.Users+c.UnknownSessions {
		return model.Ceilings{Clients: c.Clients}
	}
	return c
}
