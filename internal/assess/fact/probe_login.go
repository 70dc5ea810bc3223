package fact

import (
	"fmt"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// probeLogins is what came of the factory passwords that were tried at one service.
type probeLogins struct {
	refused, accepted int
	unclear           int // or contradicted by the packets
	locked, slowed    bool
	missing           int // attempts without packets, or without consent
	sum               event.ProbeNote
	summed            bool
	accounts          []string // accepted
	why               Because
}

// probeWrong is what came of wrong passwords for a user that does not exist.
type probeWrong struct {
	refused       int
	locked        bool
	first, last   time.Duration
	fastest       time.Duration
	why           Because
	unclear, seen int
}

// probeTries is how many wrong passwords show that a service does not mind.
const probeTries = 10

// probeDelay is how long an answer must take to hinder guessing.
const probeDelay = time.Second

// missLogin counts an attempt that has no packets; a nil service has none to count for.
func (s *probeService) missLogin(n probeSaid) {
	if s != nil && n.note.Kind == event.ProbeLogin {
		s.logins.missing++
	}
}

func (s *probeService) sumLogins(n probeSaid) {
	if s == nil || !n.consented {
		return
	}
	s.logins.sum, s.logins.summed = n.note, true
}

func (s *probeService) takeLogin(n probeSaid, t *probeTalk) {
	p := &s.logins
	if !n.consented {
		p.missing++
		return
	}
	p.why.Add(n.by)
	switch n.note.Outcome {
	case event.ProbeAccepted:
		if t.logins[event.OutcomeRefused] > 0 && t.logins[event.OutcomeAccepted] == 0 {
			p.unclear++ // the packets say otherwise
			return
		}
		p.accepted++
		p.addAccount(n.note)
	case event.ProbeRefused:
		if s.saysAccepted(t) {
			p.unclear++
			return
		}
		p.refused++
	case event.ProbeLocked:
		p.locked = true
	case event.ProbeSlowed:
		p.slowed = true
	default:
		p.unclear++
	}
}

// saysAccepted says that the packets show an accepted login and no refused one. A page
// with a form answers a wrong password as it does a right one.
func (s *probeService) saysAccepted(t *probeTalk) bool {
	return t.http.forms+t.http.demands == 0 && s.how != "form" && t.logins[event.OutcomeAccepted] > 0 && t.logins[event.OutcomeRefused] == 0
}

func (p *probeLogins) addAccount(n event.ProbeNote) {
	const most = 16
	if len(p.accounts) < most {
		line := fmt.Sprintf("%q", event.Clean(n.User))
		if n.Why != "" {
			line += ": " + event.Clean(n.Why)
		}
		p.accounts = append(p.accounts, "as "+line)
	}
}

// isDone says that all candidates were tried, each with its packets, and refused.
func (p *probeLogins) isDone() bool {
	return p.summed && p.sum.Outcome == event.ProbeDone && p.sum.Tries > 0 && p.refused >= p.sum.Tries &&
		p.accepted+p.unclear+p.missing == 0 && !p.locked && !p.slowed
}

// trouble says why the attempts at a service do not settle it, or "".
func (p *probeLogins) trouble() string {
	end := ""
	if p.summed {
		end = p.sum.Outcome
	}
	switch {
	case p.locked || end == event.ProbeLocked:
		return "it allowed no more attempts"
	case p.slowed || end == event.ProbeSlowed:
		return "its answers became slow"
	case p.unclear > 0 || end == event.ProbeUnclear:
		return "its answers could not be told from a success"
	case p.missing > 0:
		return "attempts without packets or consent"
	default:
		return brokenOff(end)
	}
}

// brokenOff says how attempts ended before their time, or "".
func brokenOff(end string) string {
	switch end {
	case event.ProbeFailed:
		return "its connections broke"
	case event.ProbeSilent:
		return "it did not answer"
	case event.ProbeStopped:
		return "the attempts were stopped"
	default:
		return ""
	}
}

func (v *probeView) stateLogins(out *Sheet) {
	var asks, silent, accepted, settled, troubled, untried some
	tried := 0
	var why Because
	for _, s := range v.order {
		p := &s.logins
		n := p.refused + p.accepted
		tried += n
		why.Join(p.why)
		switch {
		case s.asks():
			asks.add(s, s.how)
		case s.how == "" && !s.isDiscovery():
			silent.add(s, "")
		}
		switch {
		case p.accepted > 0:
			accepted.add(s, strings.Join(p.accounts, ", "))
			accepted.why.Join(p.why)
		case p.trouble() != "":
			troubled.add(s, p.trouble())
		case p.isDone():
			settled.add(s, plural(p.refused, "attempt"))
		case s.asks():
			untried.add(s, "")
		}
	}
	asks.state(out, "probe.login_services")
	silent.state(out, "probe.login_unknown")
	accepted.state(out, "probe.login_accepted")
	settled.state(out, "probe.login_settled")
	troubled.state(out, "probe.login_troubled")
	untried.state(out, "probe.login_untried")
	out.Int("probe.login_tried", tried, why)
}

func (s *probeService) takeWrong(n probeSaid) {
	if !n.consented {
		return
	}
	p := &s.wrong
	p.why.Add(n.by)
	p.seen++
	switch n.note.Outcome {
	case event.ProbeLocked:
		p.locked = true
	case event.ProbeRefused:
		if p.refused == 0 {
			p.first, p.fastest = n.note.Took, n.note.Took
		}
		p.refused++
		p.last, p.fastest = n.note.Took, min(p.fastest, n.note.Took)
	default:
		p.unclear++
	}
}

// isLimited says that guessing was stopped, or that the answers came to take twice as
// long and long enough to hinder it.
func (p *probeWrong) isLimited() bool {
	return p.locked || p.refused > 1 && p.last >= probeDelay && p.last >= 2*p.first
}

func (v *probeView) stateWrong(out *Sheet) {
	var limited, delayed, unlimited, short some
	for _, s := range v.order {
		p := &s.wrong
		detail := fmt.Sprintf("first answer after %d ms, last after %d ms", p.first.Milliseconds(), p.last.Milliseconds())
		switch {
		case p.seen == 0:
		case p.isLimited():
			limited.add(s, detail)
		case p.refused < probeTries || p.unclear > 0:
			short.add(s, plural(p.refused, "refusal"))
		case p.fastest >= probeDelay:
			delayed.add(s, detail)
		default:
			unlimited.add(s, detail)
		}
	}
	limited.state(out, "probe.guess_limited")
	delayed.state(out, "probe.guess_delayed")
	unlimited.state(out, "probe.guess_unlimited")
	short.state(out, "probe.guess_short")
}

// What the operator states about passwords.
const (
	statedFirstPassword = "first-password"
	statedPasswordState = "password-state"
)

// stateFirstUse tells what the operator states of the first use.
func stateFirstUse(w *world, out *Sheet) {
	for key, words := range map[string][]string{
		statedFirstPassword: {"forced", "label", "optional", "none", "app"},
		statedPasswordState: {"set", "factory"},
	} {
		value := "open"
		for _, v := range words {
			if strings.EqualFold(strings.TrimSpace(w.closing.Statements[key]), v) {
				value = v
			}
		}
		out.Text("statement."+strings.ReplaceAll(key, "-", "_"), value, Because{})
	}
}
