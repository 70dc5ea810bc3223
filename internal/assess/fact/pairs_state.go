package fact

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// pairsNeeded is how many pairs of one name must agree before refusals settle it.
const pairsNeeded = 3

// pairArm is a fault that a validator refuses, with the word that its facts carry.
type pairArm struct{ arm, word, what string }

func pairArms() []pairArm {
	return []pairArm{
		{event.ArmFlipped, "flipped", "one bit of the signature over the address changed"},
		{event.ArmDSDenial, "dsdenial", "the signed proof that the zone is unsigned damaged"},
		{event.ArmStripped, "stripped", "the signatures left out"},
		{event.ArmWrongKey, "wrongkey", "signatures of a key that is not the zone's"},
		{event.ArmExpired, "expired", "signatures whose time is over"},
	}
}

// pairFirst are the arms that decide whether the device validates (CATALOGUE 2.4: X1, X2).
const pairFirst = 2

// The standings of a name with an arm: exactly one holds where it was tried.
const (
	pairAccepted = iota
	pairUnclear
	pairShort
	pairRefused
	pairStandings
)

func pairVerdicts() [pairStandings]forgedVerdict {
	return [pairStandings]forgedVerdict{
		pairAccepted: {"accepted", "to an address of which the device opened a conversation within a minute after a damaged answer told it, and no other answer did"},
		pairUnclear:  {"unclear", "where nothing was accepted and no refusal is shown: no conversation in the control, another answer told the address, or the round was cut short"},
		pairShort:    {"short", fmt.Sprintf("where every pair shows a refusal, in fewer than %d pairs", pairsNeeded)},
		pairRefused:  {"refused", fmt.Sprintf("where at least %d pairs show a refusal: a conversation after the genuine answer, none after the damaged one", pairsNeeded)},
	}
}

// pairTally is where one name stands with one arm, or with several.
type pairTally struct {
	refused, soft, hard int // pairs; reasons to doubt that another pair makes good, or not
	accepted            int
	why                 []string
	because             Because
}

func (t *pairTally) doubt(why string, hard bool) {
	if hard {
		t.hard++
	} else {
		t.soft++
	}
	if !slices.Contains(t.why, why) {
		t.why = append(t.why, why) // a handful of sentences
	}
}

func (t *pairTally) standing() (int, string) {
	switch {
	case t.accepted > 0:
		return pairAccepted, fmt.Sprintf("%d of %s", t.accepted, plural(t.accepted+t.refused+t.soft+t.hard, "attempt"))
	case t.hard > 0 || t.refused == 0:
		return pairUnclear, strings.Join(t.why, "; ")
	case t.refused < pairsNeeded:
		return pairShort, plural(t.refused, "pair")
	default:
		return pairRefused, plural(t.refused, "pair")
	}
}

// rounds lists all rounds, the last one included.
func (l *pairLens) rounds() []*pairRound {
	out := slices.Clip(l.done)
	if r := l.round; r != nil && !r.first.IsZero() {
		out = append(out, r)
	}
	return out
}

// control finds the control round of a pair in which the device connected; nil where
// there is none.
func control(rounds []*pairRound, r *pairRound) *pairRound {
	for _, c := range rounds {
		if c.arm == event.ArmControl && c.pair == r.pair && c.name == r.name && c.whole() && c.used {
			return c
		}
	}
	return nil
}

// judge adds what one attack shows. Where a device never asks for keys, it does not
// matter that it did not get the damaged denial.
func (l *pairLens) judge(rounds []*pairRound, r *pairRound, t *pairTally) {
	denial := r.arm == event.ArmDSDenial
	if r.changed == 0 && !denial {
		return // it did not ask, or not for signatures
	}
	t.because.Join(r.because)
	switch why := r.mixed(); {
	case l.proven(rounds, r):
		t.accepted++
	case why != "":
		t.doubt(why, true)
	case !r.whole():
		t.doubt("the round was cut short", false)
	case denial && r.denied == 0:
		t.doubt("it did not ask for the damaged proof", false)
	default:
		t.refusal(r, control(rounds, r))
	}
}

// proven says that the device took a damaged answer.
func (l *pairLens) proven(rounds []*pairRound, r *pairRound) bool {
	return r.used && !l.unproven(r) && (!r.gaveIn || asksWithDO(rounds, r))
}

// asksWithDO says that the device asked for the name with DO alone in the control: a
// question without it in the attack is no other program's, but an answer without
// signatures was enough to make the device do without.
func asksWithDO(rounds []*pairRound, r *pairRound) bool {
	c := control(rounds, r)
	return c != nil && !c.plain
}

// unproven says that a device which asks for keys connected before it got the damaged
// denial.
func (l *pairLens) unproven(r *pairRound) bool {
	return r.arm == event.ArmDSDenial && r.bare && l.keys
}

// mixed says why a conversation, or none, in a round shows nothing; "" when it does.
func (r *pairRound) mixed() string {
	switch {
	case r.plain:
		return "it also asked without signatures"
	case r.used:
		return "it had not got the damaged proof when it connected"
	case r.ambiguous:
		return "another answer told the same address"
	default:
		return ""
	}
}

// refusal counts a round without a conversation, by its control.
func (t *pairTally) refusal(r, c *pairRound) {
	switch {
	case c == nil:
		t.doubt("it did not connect in the control", false)
	case r.watched() < c.after+time.Second:
		t.doubt("it was not watched for as long as it takes to connect", false)
	default:
		t.refused++
	}
}

// tallies are the names in order, each with where it stands with some arms.
func (l *pairLens) tallies(rounds []*pairRound, arms ...pairArm) ([]string, map[string]*pairTally) {
	byName := map[string]*pairTally{}
	for _, a := range arms {
		for name, t := range l.ofArm(rounds, a) {
			byName[name] = better(byName[name], t)
		}
	}
	var names []string
	for name := range byName {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, byName
}

// ofArm is where each name stands with one arm. Where the arm was made in two ways, the
// worse of them counts.
func (l *pairLens) ofArm(rounds []*pairRound, a pairArm) map[string]*pairTally {
	out := map[string]*pairTally{}
	for _, path := range []bool{false, true} {
		way := map[string]*pairTally{}
		for _, r := range rounds {
			if r.arm != a.arm || r.path != path {
				continue
			}
			if way[r.name] == nil {
				way[r.name] = &pairTally{}
			}
			l.judge(rounds, r, way[r.name])
		}
		for name, t := range way {
			if t.because.Seen() > 0 {
				out[name] = worse(out[name], t)
			}
		}
	}
	return out
}

// worse is the tally that says less for the device; what it rests on is both.
func worse(a, b *pairTally) *pairTally {
	if a == nil {
		return b
	}
	x, _ := a.standing()
	y, _ := b.standing()
	if y < x {
		a, b = b, a
	}
	a.because.Join(b.because)
	return a
}

// better puts together where a name stands with two arms: what was accepted counts
// first, then what was settled.
func better(a, b *pairTally) *pairTally {
	if a == nil {
		return b
	}
	x, _ := a.standing()
	y, _ := b.standing()
	if x == pairAccepted || y != pairAccepted && x == pairRefused {
		return a
	}
	return b
}

func (l *pairLens) state(_ *world, out *Sheet) {
	rounds := l.rounds()
	arms := pairArms()
	l.stateStandings("pairs", rounds, out, arms[:pairFirst]...)
	for _, a := range arms {
		l.stateStandings("pairs."+a.word, rounds, out, a)
	}
	l.stateMatrix(rounds, out)
	stateControls(rounds, out)
	out.Int("pairs.unbacked", l.unbacked.Seen(), l.unbacked)
	out.Int("pairs.beyond_limit", l.beyond.Seen(), l.beyond)
	stateOdd(rounds, out)
	stateAlarm(rounds, out)
	stateBackoff(rounds, out)
	stateStray(rounds, out)
}

// stateStandings writes where the names stand.
func (l *pairLens) stateStandings(prefix string, rounds []*pairRound, out *Sheet, arms ...pairArm) {
	sep := "_"
	if prefix == "pairs" {
		sep = "."
	}
	names, tallies := l.tallies(rounds, arms...)
	var lists [pairStandings][]string
	var why [pairStandings]Because
	var all Because
	pairs := 0
	for _, name := range names {
		t := tallies[name]
		v, detail := t.standing()
		lists[v] = append(lists[v], shownName(name)+" ("+detail+")")
		why[v].Join(t.because)
		all.Join(t.because)
		pairs += t.refused
	}
	out.Int(prefix+sep+"tried", len(names), all)
	out.Int(prefix+sep+"agreeing", pairs, all)
	for v, decl := range pairVerdicts() {
		out.Int(prefix+sep+decl.key, len(lists[v]), why[v])
		out.List(prefix+sep+decl.key+"_names", lists[v][:min(len(lists[v]), listLimit)], why[v])
	}
}

// stateMatrix writes how many kinds of damage were refused.
func (l *pairLens) stateMatrix(rounds []*pairRound, out *Sheet) {
	var lists [pairStandings][]string
	var why [pairStandings]Because
	var untried []string
	replayed := Because{}
	for _, a := range pairArms() {
		names, tallies := l.tallies(rounds, a)
		if len(names) == 0 {
			untried = append(untried, a.word)
			continue
		}
		worst := pairRefused
		for _, name := range names {
			v, _ := tallies[name].standing()
			worst = min(worst, v)
			why[v].Join(tallies[name].because)
		}
		lists[worst] = append(lists[worst], a.word)
	}
	for _, r := range rounds {
		if r.arm == event.ArmExpired && r.made() == "replayed" {
			replayed.Add(r.because.events[0])
		}
	}
	for v, decl := range pairVerdicts() {
		out.List("pairs.arms_"+decl.key, lists[v], why[v])
	}
	out.List("pairs.arms_untried", untried, Because{})
	out.Int("pairs.expired_replayed", replayed.Seen(), replayed)
}

// made is in which way the round's changed answers were made.
func (r *pairRound) made() string {
	out := ""
	for _, n := range r.notes {
		if n.Arm == r.arm && !n.Unchanged && n.backed && n.Made > out {
			out = n.Made // "times changed" comes after "replayed": one such answer decides
		}
	}
	return out
}

// rollover is when the root zone began to be signed with KSK-2024.
var rollover = time.Date(2026, time.October, 11, 0, 0, 0, 0, time.UTC)

// stateControls writes what the genuine answers led to.
func stateControls(rounds []*pairRound, out *Sheet) {
	var worked, failed, signed, secure, late Because
	for _, r := range rounds {
		if r.arm != event.ArmControl || !r.whole() {
			continue
		}
		if !r.used {
			r.countFailed(&failed, &signed)
			continue
		}
		worked.Add(r.because.events[len(r.because.events)-1])
		if r.secure {
			secure.Add(r.because.events[len(r.because.events)-1])
			if !r.began.Before(rollover) {
				late.Add(r.because.events[len(r.because.events)-1])
			}
		}
	}
	out.Int("pairs.control_worked", worked.Seen(), worked)
	out.Int("pairs.control_failed", failed.Seen(), failed)
	out.Int("pairs.control_failed_signed", signed.Seen(), signed)
	out.Int("pairs.control_signed", secure.Seen(), secure)
	out.Int("pairs.control_new_key", late.Seen(), late)
}

// pairPatience is how long a control must be watched before it can be said that the
// device did not connect.
const pairPatience = 3 * time.Second

// countFailed counts a control round in which the device did not connect.
func (r *pairRound) countFailed(all, signed *Because) {
	if r.ambiguous || r.watched() < pairPatience {
		return
	}
	answer := r.because.events[len(r.because.events)-1]
	all.Add(answer)
	if r.secure {
		signed.Add(answer)
	}
}
