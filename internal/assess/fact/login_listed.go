package fact

import (
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// listing sorts the logins with a well-known factory password by what they show.
type listing struct {
	own, setup, unseen, refused, open Because
	far, near, sent, denied           Because
	lines                             []string
}

func (l *loginLens) stateListed(w *world, out *Sheet) {
	if len(w.closing.Credentials) == 0 {
		return // without a list nothing is known
	}
	var s listing
	setup := strings.EqualFold(w.closing.Statements["setup-captured"], "yes")
	for _, at := range l.seen {
		if !at.isListed(w.closing.Credentials) {
			continue
		}
		s.lines = append(s.lines, at.line()+", "+at.outcome.String())
		if at.own {
			s.addOwn(at, setup, l.isShown(at))
		} else {
			s.addSent(at, l.isShown(at))
		}
	}
	s.state(out)
}

// isListed compares a login with the list. An empty secret counts only where the
// server was seen to accept it: else it may be a password that nobody saw. A
// device that asks others with the community "public" uses no password of its own.
func (at *login) isListed(list []Credential) bool {
	b := at.body
	switch {
	case b.Scheme != event.LoginPlain || isAnonymous(b):
		return false
	case b.Secret.Len() == 0 && at.outcome != event.OutcomeAccepted:
		return false
	case b.Service == "snmp" && !at.own:
		return false
	}
	return slices.ContainsFunc(list, func(c Credential) bool {
		return c.User == b.User && b.Secret.Is(c.Secret) && isService(c.Service, b.Service)
	})
}

// isService says whether a list entry for one service speaks of a login at
// another. A published pair is published wherever it is used; only a community
// string is no password of any other service.
func isService(listed, seen string) bool {
	return (listed == "snmp") == (seen == "snmp")
}

func (s *listing) addOwn(at *login, setup, shown bool) {
	switch {
	case at.outcome == event.OutcomeRefused:
		s.refused.Add(at.first)
	case at.outcome == event.OutcomeUnseen:
		s.unseen.Add(at.first)
	case !shown:
		s.open.Add(at.first)
	case setup && at.last.Sub(at.accepted) < settledAfter:
		s.setup.Add(at.first)
	default:
		s.own.Add(at.first)
	}
}

func (s *listing) addSent(at *login, shown bool) {
	switch {
	case at.outcome == event.OutcomeRefused:
		s.denied.Add(at.first)
	case at.outcome != event.OutcomeAccepted || !shown:
		s.sent.Add(at.first)
	case at.near:
		s.near.Add(at.first)
	default:
		s.far.Add(at.first)
	}
}

func (s *listing) state(out *Sheet) {
	var all Because
	for key, b := range map[string]Because{
		"login.listed_own": s.own, "login.listed_own_setup": s.setup, "login.listed_own_unseen": s.unseen,
		"login.listed_own_refused": s.refused, "login.listed_far": s.far, "login.listed_near": s.near,
		"login.listed_sent": s.sent, "login.listed_sent_refused": s.denied, "login.listed_own_open": s.open,
	} {
		out.Int(key, b.Seen(), b)
	}
	for _, b := range []Because{s.own, s.setup, s.unseen, s.refused, s.open, s.far, s.near, s.sent, s.denied} {
		all.Join(b)
	}
	out.List("login.listed_list", sortedUnique(s.lines), all)
}
