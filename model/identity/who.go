package identity

import "github.com/spillscope/spillscope/model"

// who is what a jar can hold: a user's session, or one that nobody is known to
// own. The zero who is an empty jar.
//
// Sessions are told apart by their users where these are known. A rotating
// session is one login under many tokens, a signed cookie has no stable id at
// all, and a session of the same user on another device is no leak: in each of
// the three the token is the wrong thing to compare.
type who struct {
	user    string
	session model.ID
}

func (d *Device) whoIs(session model.ID, user string) who {
	if session.IsZero() {
		return who{user: user} // an application may log its users alone
	}
	if user := d.owners[session]; user != "" {
		return who{user: user}
	}
	return who{session: session}
}

// name finds out whose each session is, and which responses were logins.
func (d *Device) name() {
	for i := range d.sightings {
		s := &d.sightings[i]
		d.owns(s.Session, s.User)
		d.owns(s.Issued, s.Heir)
	}
	for i := range d.sightings {
		if s := &d.sightings[i]; d.rules.Rotates && d.owners[s.Session] == "" { // one login, another token
			d.owns(s.Session, s.Named)
			d.owns(s.Issued, s.Named)
		}
	}
	for i := range d.hits {
		for _, c := range d.hits[i].Candidates {
			d.owns(c.Session, c.User)
		}
	}
	for i := range d.sightings {
		s := &d.sightings[i]
		s.who = d.whoIs(s.Session, s.User)
		s.left = d.leaves(s)
		s.login = s.left != s.who
	}
	for i := range d.hits {
		cs := d.hits[i].Candidates
		for n := range cs {
			cs[n].who = d.whoIs(cs[n].Session, cs[n].User)
		}
	}
}

func (d *Device) owns(session model.ID, user string) {
	if user != "" && !session.IsZero() {
		d.owners[session] = user
	}
}

// leaves returns what the jar holds once s is answered. A token issued for a
// token is the same login, a rotation, while its user is the same; where the
// new token's user is not known, the case says whether its sessions rotate.
func (d *Device) leaves(s *Sighting) who {
	if s.Issued.IsZero() || s.Issued == s.Session {
		return s.who
	}
	next := d.whoIs(s.Issued, s.Heir)
	if next.user == "" && !s.empty() && d.rules.Rotates {
		return s.who
	}
	return next
}

// empty reports whether the request showed no session.
func (s *Sighting) empty() bool { return s.who == who{} }
