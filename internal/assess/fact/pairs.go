package fact

import (
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"assay/internal/assess/event"
)

// Limits of what is kept of the rounds of one host's DNS experiments.
const (
	pairRoundLimit    = 1024
	pairNoteLimit     = 2048 // notes on answers of one round
	pairAddrLimit     = 256  // addresses told in one round
	pairQuestionLimit = 4096 // questions of one round
	// pairReaction is how long after an answer a connection may rest on it (CATALOGUE
	// DS-01: T).
	pairReaction = time.Minute
)

// pairLens puts together what the box says it did with the device's DNS answers and
// what the packets show of them: a note without its answer in the log does not count.
type pairLens struct {
	joins joinings
	nat64 addressBook // for its prefixes alone
	// genuine is what answers told that were not changed, since the last joining.
	genuine map[netip.Addr]map[string]time.Time // until, by name
	// homes are the addresses that genuine answers ever told of a name.
	homes    map[string]map[netip.Addr]bool
	round    *pairRound
	done     []*pairRound
	keys     bool // DNSKEY or DS was asked for
	unbacked Because
	beyond   Because
}

func (*pairLens) wants() wanted {
	return wanted{
		Actor: {
			event.NoteSeen{}, event.DNSAsked{}, event.DNSAnswered{}, event.FlowStarted{}, event.DHCP4{},
			event.NeighbourSolicited{}, event.RouterAdvertised{},
		},
		Other:     {event.NoteSeen{}, event.RouterAdvertised{}},
		Bystander: {event.NoteSeen{}, event.RouterAdvertised{}},
	}
}

func (l *pairLens) see(w *world, ev *sighting, role Role) {
	switch b := ev.Body.(type) {
	case event.NoteSeen:
		l.seeNote(w, ev, b)
	case event.RouterAdvertised:
		l.nat64.learnPrefixes(b)
	default:
		if role == Actor {
			l.seeOwn(w, ev)
		}
	}
}

func (l *pairLens) seeOwn(w *world, ev *sighting) {
	before := l.joins.count()
	l.joins.see(w, ev)
	if l.joins.count() > before {
		l.genuine = nil // a device that starts afresh has forgotten what it was told
	}
	switch b := ev.Body.(type) {
	case event.DNSAsked:
		if b.Kind == event.DNSUnicast {
			l.seeAsked(w, ev, b)
		}
	case event.DNSAnswered:
		if b.Kind == event.DNSUnicast {
			l.seeAnswered(ev, b)
		}
	case event.FlowStarted:
		if !b.Midway {
			l.seeFlow(ev)
		}
	}
}

func (l *pairLens) seeNote(w *world, ev *sighting, b event.NoteSeen) {
	switch b.Kind {
	case event.NoteArm:
		var n event.ArmNote
		if json.Unmarshal(b.JSON, &n) == nil && len(n.Names) > 0 {
			l.seeArm(ev, n)
		}
	case event.NoteFaulted:
		var n event.FaultedNote
		if json.Unmarshal(b.JSON, &n) != nil {
			return
		}
		if _, own := w.addrs[n.Client.Addr().Unmap()]; own {
			l.seeFaulted(ev, n)
		}
	}
}

// seeArm begins or ends a round.
func (l *pairLens) seeArm(ev *sighting, n event.ArmNote) {
	switch n.Phase {
	case event.Begun:
		l.settle()
		l.round = newPairRound(ev, n)
	case event.Ended, event.Aborted:
		if r := l.round; r != nil && r.ended.IsZero() && r.pair == n.Pair && r.arm == n.Arm {
			r.ended, r.aborted = ev.At, n.Phase == event.Aborted
		}
	case event.Skipped:
	}
}

// settle puts the last round to the others, if the device had a part in it.
func (l *pairLens) settle() {
	r := l.round
	l.round = nil
	if r == nil {
		return
	}
	if r.pending() > 0 {
		l.unbacked.Add(r.because.events[0])
	}
	if r.first.IsZero() {
		return
	}
	if len(l.done) >= pairRoundLimit {
		l.beyond.Add(r.because.events[0])
		return
	}
	l.done = append(l.done, r)
}

func (l *pairLens) seeFaulted(ev *sighting, n event.FaultedNote) {
	r := l.round
	if r == nil || r.pair != n.Pair || n.Arm != event.ArmControl && n.Arm != r.arm || len(r.notes) >= pairNoteLimit {
		return
	}
	n.Client = unmapped(n.Client)
	k := pairKey{n.Client, n.ID, n.Name, n.Type}
	r.notes[k] = &pairNote{FaultedNote: n}
	if n.Canary.IsValid() {
		r.canary, r.mismatch = n.Canary.Unmap(), n.Made
	}
	if n.Arm == event.ArmDrop && r.asked[k] {
		r.drop(ev, k)
	}
}

func (l *pairLens) seeAsked(w *world, ev *sighting, b event.DNSAsked) {
	l.keys = l.keys || b.Type == rrDNSKEY || b.Type == rrDS
	r := l.round
	if r == nil || !r.open(ev.At) || !r.names[b.Name] || !tellsAddress(b.Type) {
		return
	}
	r.question(ev, b, offered(w, ev.Server.Addr()))
}

// rrHTTPS is RFC 9460.
const rrHTTPS = 65

func tellsAddress(qtype uint16) bool { return isAddressType(qtype) || qtype == rrHTTPS }

func (l *pairLens) seeAnswered(ev *sighting, b event.DNSAnswered) {
	r := l.round
	var n *pairNote
	if r != nil {
		if r.isStray(b) {
			r.straySeen = true
			r.because.See(ev)
			return
		}
		n = r.notes[pairKey{unmapped(ev.Client), b.ID, b.Name, b.Type}]
	}
	if n != nil && r.take(ev, b, n) {
		return
	}
	l.learn(ev, b)
}

// learn keeps what a genuine answer told.
func (l *pairLens) learn(ev *sighting, b event.DNSAnswered) {
	if b.RCode != rcodeNoError {
		return
	}
	for _, x := range b.Records {
		if !x.Addr.IsValid() {
			continue
		}
		a := x.Addr.Unmap()
		put(&l.genuine, a, b.Name, ev.At.Add(time.Duration(x.TTL)*time.Second))
		put(&l.homes, b.Name, a, true)
	}
}

// put sets a value in a map of maps, as long as there is room.
func put[A, B comparable, V any](m *map[A]map[B]V, a A, b B, v V) {
	if *m == nil {
		*m = map[A]map[B]V{}
	}
	in := (*m)[a]
	if in == nil {
		if len(*m) >= nameLimit {
			return
		}
		in = map[B]V{}
		(*m)[a] = in
	}
	if _, known := in[b]; known || len(in) < pairAddrLimit {
		in[b] = v
	}
}

// seeFlow asks of a new conversation which answer it rests on.
func (l *pairLens) seeFlow(ev *sighting) {
	r := l.round
	if r == nil || !r.open(ev.At) || ev.Server.Port() == 53 {
		return
	}
	to := ev.Server.Addr().Unmap()
	for _, a := range append([]netip.Addr{to}, l.nat64.behind(to)...) {
		l.reached(r, ev, a)
	}
	if ev.Server.Port() == portDoT && r.arm == event.ArmServfail && !r.first.IsZero() {
		r.goAround(ev, "encrypted DNS at "+to.String())
	}
}

func (l *pairLens) reached(r *pairRound, ev *sighting, a netip.Addr) {
	if r.canary.IsValid() && a == r.canary {
		r.trapped = true
		r.because.See(ev)
		return
	}
	if at, told := r.told[a]; told && ev.At.Sub(at) <= pairReaction {
		r.use(ev, l.elsewhere(r, a, ev.At))
		return
	}
	if r.arm == event.ArmServfail && !r.first.IsZero() && l.homes[r.name][a] && !l.shared(r, a) {
		r.recall(ev, !ev.At.After(l.genuine[a][r.name]))
	}
}

// elsewhere says that another answer may be what a conversation in a round rests on:
// one for another name, or, where the arm is a fault, any that was not changed.
func (l *pairLens) elsewhere(r *pairRound, a netip.Addr, at time.Time) bool {
	if l.otherName(r, a, at) {
		return true
	}
	if r.arm == event.ArmControl || !isDNSSECArm(r.arm) {
		return false
	}
	for _, until := range l.genuine[a] {
		if !at.After(until) {
			return true
		}
	}
	return false
}

func (l *pairLens) otherName(r *pairRound, a netip.Addr, at time.Time) bool {
	for name, until := range l.genuine[a] {
		if !r.names[name] && !at.After(until) {
			return true
		}
	}
	return false
}

// shared says that another name led to the address since the device started, however
// long ago: it may still be in use.
func (l *pairLens) shared(r *pairRound, a netip.Addr) bool {
	for name := range l.genuine[a] {
		if !r.names[name] {
			return true
		}
	}
	return false
}

// isDNSSECArm says which arms a validator refuses.
func isDNSSECArm(arm string) bool {
	return slices.ContainsFunc(pairArms(), func(k pairArm) bool { return k.arm == arm })
}
