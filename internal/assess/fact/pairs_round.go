package fact

import (
	"net/netip"
	"slices"
	"time"

	"assay/internal/assess/event"
)

// pairKey finds the answer that a note is about.
type pairKey struct {
	client netip.AddrPort
	id     uint16
	name   string
	qtype  uint16
}

// pairNote is a note, and whether its answer was seen.
type pairNote struct {
	event.FaultedNote
	backed bool
}

// pairRound is one round of an experiment as the packets show it.
type pairRound struct {
	pair         int
	arm, name    string
	names        map[string]bool // the attacked name and its aliases
	began, ended time.Time       // ended is zero while it goes on, or when its end is missing
	aborted      bool
	notes        map[pairKey]*pairNote
	asked        map[pairKey]bool // of the arm drop
	because      Because

	first   time.Time // the first answer, or dropped question, for the name
	changed int       // answers with the fault
	denied  int       // answers in which a denial was damaged
	path    bool      // so were answers above the name, of the arm stripped
	plain   bool      // a question came without DO, and so got the genuine answer
	gaveIn  bool      // one came so after an answer without signatures to one with DO
	secure  bool      // the genuine answer is
	tcp     bool      // a question came over TCP
	told    map[netip.Addr]time.Time

	used      bool // a conversation rests on an answer of the round
	bare      bool // and no damaged denial had come before
	after     time.Duration
	ambiguous bool // a conversation may rest on one or on another answer

	tries    []time.Time  // questions for the name
	alarmed  []netip.Addr // resolvers that answered SERVFAIL
	around   []string
	recalled bool // a remembered address, within its TTL
	stale    bool // and beyond it

	canary    netip.Addr
	mismatch  string
	straySeen bool
	trapped   bool
}

func newPairRound(ev *sighting, n event.ArmNote) *pairRound {
	r := &pairRound{
		pair: n.Pair, arm: n.Arm, name: n.Names[0], names: map[string]bool{}, began: ev.At,
		notes: map[pairKey]*pairNote{}, asked: map[pairKey]bool{}, told: map[netip.Addr]time.Time{},
	}
	for _, name := range n.Names[:min(len(n.Names), listLimit)] {
		r.names[name] = true
	}
	r.because.See(ev)
	return r
}

// open says that something belongs to the round.
func (r *pairRound) open(at time.Time) bool { return r.ended.IsZero() || !at.After(r.ended) }

// pending counts notes of attacked answers that are not in the log.
func (r *pairRound) pending() int {
	n := 0
	for _, x := range r.notes {
		n += one(!x.backed && r.isTarget(x))
	}
	return n
}

// isTarget says that a note is about the attacked name.
func (r *pairRound) isTarget(n *pairNote) bool {
	return n.Arm != event.ArmControl || r.arm == event.ArmControl && r.names[n.Name]
}

// isStray recognises the message that does not belong to a question.
func (r *pairRound) isStray(b event.DNSAnswered) bool {
	return r.canary.IsValid() && slices.ContainsFunc(b.Records, func(x event.Record) bool { return x.Addr.Unmap() == r.canary })
}

// take counts an answer whose note was seen. It says no for one that tells what any
// other answer tells as well.
func (r *pairRound) take(ev *sighting, b event.DNSAnswered, n *pairNote) bool {
	n.backed = true
	if !r.isTarget(n) {
		return false
	}
	r.because.See(ev)
	r.secure = r.secure || n.State == "secure"
	if !tellsAddress(n.Type) {
		r.takeAbove(n)
		return true
	}
	if r.first.IsZero() {
		r.first = ev.At
	}
	if r.isPlain(n) {
		return r.takePlain(ev, b, n)
	}
	r.changed += one(!n.Unchanged)
	r.plain = r.plain || r.arm == event.ArmControl && isBare(b, n)
	if b.RCode == rcodeServFail {
		r.alarmed = append(r.alarmed, ev.Server.Addr().Unmap()) // at most pairNoteLimit
	}
	r.tell(ev, b)
	return r.arm != event.ArmControl
}

// takeAbove counts an answer for something else than an address.
func (r *pairRound) takeAbove(n *pairNote) {
	r.denied += one(!n.Unchanged)
	r.path = r.path || r.arm == event.ArmStripped && !n.Unchanged
}

// takePlain counts an answer in which the damage cannot show. It says no unless the
// device asked so after an answer without signatures.
func (r *pairRound) takePlain(ev *sighting, b event.DNSAnswered, n *pairNote) bool {
	r.plain = r.plain || isBare(b, n)
	r.gaveIn = r.gaveIn || r.plain && r.arm == event.ArmStripped && r.changed > 0
	if r.gaveIn {
		r.tell(ev, b)
	}
	return r.gaveIn
}

// isBare says that an address was told to who asked for no signatures.
func isBare(b event.DNSAnswered, n *pairNote) bool { return !n.DO && hasAddress(b) }

// isPlain says that the damage could not show in an answer, which so is like any other.
func (r *pairRound) isPlain(n *pairNote) bool {
	return n.Unchanged && r.arm != event.ArmDSDenial && isDNSSECArm(r.arm)
}

// tell keeps the addresses of an answer, with when they were first told.
func (r *pairRound) tell(ev *sighting, b event.DNSAnswered) {
	for _, x := range b.Records {
		a := x.Addr.Unmap()
		if _, known := r.told[a]; x.Addr.IsValid() && !known && len(r.told) < pairAddrLimit {
			r.told[a] = ev.At
		}
	}
}

const rcodeServFail = 2

// question counts a question for the attacked name.
func (r *pairRound) question(ev *sighting, b event.DNSAsked, isOffered bool) {
	r.tcp = r.tcp || b.Transport == event.TCP
	if len(r.tries) < pairQuestionLimit {
		r.tries = append(r.tries, ev.At)
	}
	k := pairKey{unmapped(ev.Client), b.ID, b.Name, b.Type}
	if r.arm == event.ArmDrop && len(r.asked) < pairNoteLimit {
		r.asked[k] = true
		r.drop(ev, k)
	}
	server := ev.Server.Addr().Unmap()
	if r.arm == event.ArmServfail && !isOffered && len(r.alarmed) > 0 && !slices.Contains(r.alarmed, server) {
		r.goAround(ev, "asked "+server.String())
	}
}

// drop counts a question that got no answer on purpose, once its note is there.
func (r *pairRound) drop(ev *sighting, k pairKey) {
	n := r.notes[k]
	if n == nil || n.backed || n.Arm != event.ArmDrop {
		return
	}
	n.backed = true
	r.changed++
	r.because.See(ev)
	if r.first.IsZero() {
		r.first = ev.At
	}
}

// use counts a conversation with an address that the round's answers told.
func (r *pairRound) use(ev *sighting, ambiguous bool) {
	if ambiguous {
		r.ambiguous = true
		return
	}
	if !r.used {
		r.after, r.bare = ev.At.Sub(r.first), r.denied == 0
		r.because.See(ev)
	}
	r.used = true
}

func (r *pairRound) goAround(ev *sighting, how string) {
	if !slices.Contains(r.around, how) && len(r.around) < listLimit {
		r.around = append(r.around, how)
		r.because.See(ev)
	}
}

// recall counts a conversation with an address of the name that no answer of the
// round told.
func (r *pairRound) recall(ev *sighting, fresh bool) {
	r.because.See(ev)
	r.recalled = r.recalled || fresh
	r.stale = r.stale || !fresh
}

// watched is how long the device was watched after the first answer.
func (r *pairRound) watched() time.Duration {
	if r.ended.IsZero() || r.first.IsZero() {
		return 0
	}
	return r.ended.Sub(r.first)
}

// whole says that the round went from its beginning to its end.
func (r *pairRound) whole() bool { return !r.ended.IsZero() && !r.aborted }
