package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// While the CDN's logs are still arriving the origin log alone gives a first
// answer: whose sessions reached the suspect routes, which no later number can
// exceed, which sessions two devices presented at once, and what to revoke.
// Nothing is reconstructed, so nothing is probable.

// notThere says that a source names no object. An edge source may be missing,
// for as long as there is an origin log to ask.
func (s *state) notThere(src *model.Source, err error) error {
	why := fmt.Sprintf("source %s (line %d of the incident file): %v", src.URI, src.Line, err)
	if src.Kind != model.SourceEdge || s.sources(model.SourceOrigin) == 0 || !errors.Is(err, fs.ErrNotExist) {
		return &NothingReadable{strings.Join(append(s.missing, why), "; ")}
	}
	s.missing = append(s.missing, why)
	return nil
}

// watchReached notes a session that the response to a request on a suspect
// route may have carried. It is the holder of joiner.holder, for fills that no
// edge row tells of.
func (j *joiner) watchReached(o *model.OriginRow) error {
	h := j.holderAtOrigin(o)
	if !h.Bears || h.Session.IsZero() {
		return nil
	}
	w := j.watch
	w.key = append(append(w.key[:0], h.Session[:]...), h.User...)
	return w.reached.Add(w.key)
}

// revokeReached puts what reached the suspect routes on the list to revoke.
func (s *state) revokeReached() error {
	return s.watch.reached.Scan(func(key []byte) error {
		var id model.ID
		user := string(key[copy(id[:], key):])
		s.outcome.revoke[id] = &model.Revocation{Session: id, User: user, Basis: model.BasisReached}
		return nil
	})
}

// originAlone says what the answer is worth without an edge log.
func (d *diagnosis) originAlone() {
	d.fail("no edge log was read (%s): nothing was reconstructed. The ceilings, the list to revoke and the second method rest on the origin log; add the CDN's logs to sources when they are there, and scan again", d.noEdge)
	if d.ceilingResult.Users+d.ceilingResult.UnknownSessions == 0 {
		d.fail("0 origin rows of the window present a session on a suspect route%s", d.elsewhere())
	}
	for i := range d.Incident.Sources {
		src := &d.Incident.Sources[i]
		if src.Kind == model.SourceOrigin && (src.Map["client_ip"] == "" || src.Map["user_agent"] == "") {
			d.warn("source %s (line %d of the incident file) maps no client_ip or no user_agent: without both, sessions on two devices cannot be seen there", src.URI, src.Line)
		}
	}
}
