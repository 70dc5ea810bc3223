package fact

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/event"
)

// trialScene is a device whose DNS answers are experimented with.
type trialScene struct {
	*nameScene
	pair int
	// mute leaves the answers out of the log.
	mute bool
}

const (
	trialName = "cam.example."
	trialAddr = "198.51.100.77"
)

func newTrial() *trialScene {
	s := &trialScene{nameScene: newNameScene()}
	s.add("", 0, event.AddressUsed{Addr: netip.MustParseAddr("192.168.1.50")})
	s.boot()
	return s
}

// note is a note of the box: it is nobody's.
func (s *trialScene) note(kind string, body any) {
	js, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	s.add("", 0, event.NoteSeen{Kind: kind, JSON: js})
	s.evs[len(s.evs)-1].Device, s.evs[len(s.evs)-1].Peer = event.HostID{}, event.HostID{}
}

// deed is what happens in a round.
type deed func(s *trialScene, arm string)

// round is one round for the name, in which the device starts afresh.
func (s *trialScene) round(arm, name string, steps ...deed) {
	a := event.ArmNote{Experiment: "dnssec", Pair: s.pair, Arm: arm, Names: []string{name}, Phase: event.Begun}
	s.note(event.NoteArm, a)
	s.resolve(homeResolver, "time.example.", "198.51.100.123") // so that the joining counts
	s.boot()
	for _, do := range steps {
		do(s, arm)
	}
	a.Phase = event.Ended
	s.note(event.NoteArm, a)
	s.wait(time.Second)
}

// about is one question for a name, with its note, and the answer that bend makes of
// the genuine one; nil for none.
func about(name string, qtype uint16, bend func(*event.FaultedNote, *event.DNSAnswered) bool) deed {
	return func(s *trialScene, arm string) {
		s.random()
		q := s.add(homeResolver, 53, event.DNSAsked{Transport: event.UDP, ID: s.id, Name: name, Type: qtype, Class: 1, RD: true, EDNS: true, DO: true})
		n := event.FaultedNote{
			Pair: s.pair, Arm: arm, Client: netip.AddrPortFrom(netip.MustParseAddr("192.168.1.50"), s.port),
			ID: s.id, Name: name, Type: qtype, DO: true, State: "secure",
		}
		a := event.DNSAnswered{Transport: event.UDP, ID: s.id, Name: name, Type: qtype, RA: true, Question: q, After: time.Millisecond}
		if qtype == rrA {
			a.Records = []event.Record{{Name: name, Type: 1, TTL: 30, Addr: netip.MustParseAddr(trialAddr)}}
		}
		answered := bend == nil || bend(&n, &a)
		s.note(event.NoteFaulted, n)
		if answered && !s.mute {
			s.add(homeResolver, 53, a)
		}
	}
}

var (
	ask    = about(trialName, rrA, nil)
	proof  = about("example.", rrDS, nil)
	refuse = about(trialName, rrA, func(_ *event.FaultedNote, a *event.DNSAnswered) bool {
		a.RCode, a.Records = rcodeServFail, nil
		return true
	})
	silence1 = about(trialName, rrA, func(*event.FaultedNote, *event.DNSAnswered) bool { return false })
	kept     = about(trialName, rrA, func(n *event.FaultedNote, _ *event.DNSAnswered) bool { n.Unchanged = true; return true })
	keys     = deed(func(s *trialScene, _ string) {
		s.random()
		s.add(homeResolver, 53, event.DNSAsked{Transport: event.UDP, ID: s.id, Name: "example.", Type: rrDNSKEY, DO: true})
	})
)

func open(addr string) deed {
	return func(s *trialScene, _ string) { s.connect(addr, 443, event.TCP) }
}

func pass(d time.Duration) deed { return func(s *trialScene, _ string) { s.wait(d) } }

// pairs does so many pairs: a control in which the device connects, and an attack.
func (s *trialScene) pairs(n int, arm string, attack ...deed) {
	for range n {
		s.pair++
		s.round(event.ArmControl, trialName, ask, open(trialAddr), pass(5*time.Second))
		s.round(arm, trialName, attack...)
	}
}

// standing is where the names stand with an arm, in words.
func (s *trialScene) standing(t *testing.T, prefix string) string {
	t.Helper()
	sheet := s.sheet()
	var out []string
	for _, v := range pairVerdicts() {
		if l := listOf(t, sheet, prefix+v.key+"_names"); len(l) > 0 {
			out = append(out, v.key+" "+strings.Join(l, ", "))
		}
	}
	return strings.Join(out, "; ")
}
