package fact

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// oddSlow is how long a device may take to connect after an answer that asks more of
// it than others (CATALOGUE DS-07).
const oddSlow = 30 * time.Second

// oddRounds is how many rounds must agree that the device did not connect.
const oddRounds = 2

// The standings of a name with an unusual answer.
const (
	oddWorked = iota
	oddSlowly
	oddFailed
	oddUnclear
	oddStandings
)

func oddVerdicts() [oddStandings]forgedVerdict {
	return [oddStandings]forgedVerdict{
		oddWorked:  {"worked", "where the device opened a conversation to the address within 30 s, each time"},
		oddSlowly:  {"slow", "where it did so each time, at least once after more than 30 s"},
		oddFailed:  {"failed", "where it opened none in at least 2 rounds, and did in their controls"},
		oddUnclear: {"unclear", "where it is neither: sometimes, once, no control, cut short, or another answer told the address"},
	}
}

func oddArms() []pairArm {
	return []pairArm{
		{event.ArmTruncate, "truncate", "the answer over UDP cut short"},
		{event.ArmLarge, "large", "an answer above 512 bytes with records of an unused type"},
		{event.ArmChain, "chain", "a chain of four CNAMEs"},
	}
}

func oddDecls() []Decl {
	out := []Decl{{"odd.truncate_tcp", Int, "rounds in which the answer over UDP was cut short and the device asked again over TCP"}}
	for _, a := range oddArms() {
		out = append(out, Decl{"odd." + a.word + "_tried", Int, "names for which the device met " + a.what})
		for _, v := range oddVerdicts() {
			out = append(out,
				Decl{"odd." + a.word + "_" + v.key, Int, "of these, names " + v.doc},
				Decl{"odd." + a.word + "_" + v.key + "_names", List, "these names"})
		}
	}
	return out
}

// oddTally counts rounds of one name.
type oddTally struct {
	worked, slow, failed, unclear int
	because                       Because
}

func (t *oddTally) add(rounds []*pairRound, r *pairRound) {
	t.because.Join(r.because)
	switch {
	case r.used && r.after > oddSlow:
		t.slow++
	case r.used:
		t.worked++
	case r.whole() && !r.ambiguous && longEnough(rounds, r):
		t.failed++
	default:
		t.unclear++
	}
}

// longEnough says that a round lasted for longer than the device took in its control.
func longEnough(rounds []*pairRound, r *pairRound) bool {
	c := control(rounds, r)
	return c != nil && r.watched() >= max(c.after+time.Second, pairPatience)
}

func (t *oddTally) standing() int {
	works := t.worked + t.slow
	switch {
	case works > 0 && t.failed == 0 && t.slow > 0:
		return oddSlowly
	case works > 0 && t.failed == 0:
		return oddWorked
	case works == 0 && t.failed >= oddRounds:
		return oddFailed
	default:
		return oddUnclear
	}
}

func stateOdd(rounds []*pairRound, out *Sheet) {
	var tcp Because
	retried := 0
	for _, a := range oddArms() {
		names := map[string]*oddTally{}
		for _, r := range rounds {
			if r.arm != a.arm || r.changed == 0 {
				continue
			}
			if names[r.name] == nil {
				names[r.name] = &oddTally{}
			}
			names[r.name].add(rounds, r)
			if a.arm == event.ArmTruncate && r.tcp {
				retried++
				tcp.Join(r.because)
			}
		}
		stateOddArm("odd."+a.word+"_", names, out)
	}
	out.Int("odd.truncate_tcp", retried, tcp)
}

func stateOddArm(prefix string, names map[string]*oddTally, out *Sheet) {
	var lists [oddStandings][]string
	var why [oddStandings]Because
	var all Because
	for _, name := range distinctNames(names) {
		t := names[name]
		v := t.standing()
		lists[v] = append(lists[v], shownName(name))
		why[v].Join(t.because)
		all.Join(t.because)
	}
	out.Int(prefix+"tried", len(names), all)
	for v, decl := range oddVerdicts() {
		out.Int(prefix+decl.key, len(lists[v]), why[v])
		out.List(prefix+decl.key+"_names", lists[v][:min(len(lists[v]), listLimit)], why[v])
	}
}

func strayDecls() []Decl {
	return []Decl{
		{"stray.kinds", Int, "kinds of mismatch (ID, name, address, port) of which a message is in the log that the device got beside the genuine answer, and it then connected where the genuine one leads"},
		{"stray.kinds_list", List, "these kinds"},
		{"stray.rounds", Int, "rounds in which such a message is in the log"},
		{"stray.trapped", Int, "of stray.rounds, those in which the device opened a conversation to the address that only the wrong message told"},
		{"stray.trapped_list", List, "these, by kind and name"},
	}
}

// stateStray writes what became of messages that did not belong to a question.
func stateStray(rounds []*pairRound, out *Sheet) {
	var met, trapped Because
	var kinds, list []string
	n, caught := 0, 0
	for _, r := range rounds {
		if r.arm != event.ArmStray || !r.straySeen {
			continue
		}
		n++
		met.Join(r.because)
		switch {
		case r.trapped:
			caught++
			trapped.Join(r.because)
			list = append(list, fmt.Sprintf("%s (wrong %s)", shownName(r.name), event.Clean(r.mismatch)))
		case r.used && r.whole() && !slices.Contains(kinds, r.mismatch):
			kinds = append(kinds, event.Clean(r.mismatch))
		}
	}
	sort.Strings(kinds)
	out.Int("stray.kinds", len(kinds), met)
	out.List("stray.kinds_list", kinds, met)
	out.Int("stray.rounds", n, met)
	out.Int("stray.trapped", caught, trapped)
	out.List("stray.trapped_list", distinct(list), trapped)
}

func alarmDecls() []Decl {
	return []Decl{
		{"alarm.rounds", Int, "rounds in which the device got SERVFAIL for one name, with the DNSSEC alarm where it uses EDNS, on every resolver path"},
		{"alarm.minutes", Double, "the longest of these rounds from the first SERVFAIL on, in minutes"},
		{"alarm.retried", Int, "of alarm.rounds, those in which the device asked for the name again a second or more after the first SERVFAIL"},
		{"alarm.around", Int, "of alarm.rounds, those in which the device then looked for another answer: asked a resolver that nobody had offered, or began DNS over TLS"},
		{"alarm.around_list", List, "these, by name and way"},
		{"alarm.stale", Int, "of alarm.rounds, those in which the device connected to an address of the name that no answer told within its TTL"},
		{"alarm.stale_list", List, "these names"},
		{"alarm.recalled", Int, "of alarm.rounds, those in which the device connected to an address that it had learned earlier and whose TTL had not ended"},
	}
}

// stateAlarm writes what the device did after the resolver's alarm.
func stateAlarm(rounds []*pairRound, out *Sheet) {
	var all, again, around, stale, recalled Because
	var ways, names []string
	var longest time.Duration
	var n, retried, went, old, kept int
	for _, r := range rounds {
		if r.arm != event.ArmServfail || r.changed == 0 {
			continue
		}
		n++
		all.Join(r.because)
		longest = max(longest, r.watched())
		countRound(r.retried(), &retried, &again, r)
		countRound(len(r.around) > 0, &went, &around, r)
		countRound(r.stale, &old, &stale, r)
		countRound(r.recalled, &kept, &recalled, r)
		if len(r.around) > 0 {
			ways = append(ways, shownName(r.name)+" ("+strings.Join(r.around, ", ")+")")
		}
		if r.stale {
			names = append(names, shownName(r.name))
		}
	}
	out.Int("alarm.rounds", n, all)
	out.Double("alarm.minutes", longest.Minutes(), all)
	out.Int("alarm.retried", retried, again)
	out.Int("alarm.around", went, around)
	out.List("alarm.around_list", distinct(ways), around)
	out.Int("alarm.stale", old, stale)
	out.List("alarm.stale_list", distinct(names), stale)
	out.Int("alarm.recalled", kept, recalled)
}

func countRound(holds bool, n *int, b *Because, r *pairRound) {
	if holds {
		*n++
		b.Join(r.because)
	}
}

func distinctNames(m map[string]*oddTally) []string { return slices.Sorted(maps.Keys(m)) }

func distinct(l []string) []string {
	sort.Strings(l)
	l = slices.Compact(l)
	return l[:min(len(l), listLimit)]
}

// retried says that the device asked again, not only the next resolver at once.
func (r *pairRound) retried() bool {
	return slices.ContainsFunc(r.tries, func(at time.Time) bool { return !at.Before(r.first.Add(time.Second)) })
}
