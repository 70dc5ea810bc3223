package fact

import (
	"encoding/json"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// Limits of what is kept of one host's hellos.
const (
	fallbackDestLimit = 64 // destinations told apart
	fallbackLimit     = 64 // hellos remembered of each
)

// fallbackRetries is how many hellos after a failure are compared (catalogue of checks,
// TC-08).
const fallbackRetries = 5

// fallbackLens compares the hellos of one destination before and after the box left one
// without an answer: a client that tries again with less can be forced down by anybody
// who drops a packet.
type fallbackLens struct {
	dests map[tlsEnd]*fallbackDest
	order []tlsEnd
}

type fallbackDest struct {
	hellos []fallbackHello
}

// fallbackHello is one offer.
type fallbackHello struct {
	ends      forgedEnds
	max       uint16
	suites    []uint16
	sigAlgs   []uint16
	scsv      bool
	swallowed bool
	seen      *event.Event
}

func (*fallbackLens) wants() wanted {
	return wanted{
		Actor: {event.ClientHello{}, event.NoteSeen{}}, Other: {event.NoteSeen{}}, Bystander: {event.NoteSeen{}},
	}
}

func (l *fallbackLens) see(w *world, ev *sighting, role Role) {
	switch b := ev.Body.(type) {
	case event.NoteSeen:
		l.note(b)
	case event.ClientHello:
		if role == Actor && b.Transport == event.TCP && w.scope(ev.Server.Addr()) == ScopeInternet {
			l.hello(ev, b)
		}
	}
}

// hello remembers an offer; of one conversation the first.
func (l *fallbackLens) hello(ev *sighting, b event.ClientHello) {
	end := addrEnd(ev.Server)
	if b.HasSNI && b.SNI != "" {
		end.name = event.Clean(strings.ToLower(strings.TrimSuffix(b.SNI, ".")))
	}
	d := l.dests[end]
	if d == nil {
		if len(l.order) >= fallbackDestLimit {
			return
		}
		if l.dests == nil {
			l.dests = map[tlsEnd]*fallbackDest{}
		}
		d = &fallbackDest{}
		l.dests[end] = d
		l.order = append(l.order, end)
	}
	ends := forgedEnds{ev.Client, ev.Server}
	if len(d.hellos) > 0 && d.hellos[len(d.hellos)-1].ends == ends {
		return // after a HelloRetryRequest
	}
	if len(d.hellos) >= fallbackLimit {
		d.hellos = slices.Delete(d.hellos, 0, 1)
	}
	d.hellos = append(d.hellos, fallbackHello{
		ends: ends, max: b.MaxVersion(), suites: b.Suites, sigAlgs: b.SigAlgs, scsv: b.Fallback, seen: ev.keep(),
	})
}

// note marks the offer that got no answer.
func (l *fallbackLens) note(b event.NoteSeen) {
	var n event.InterceptNote
	if b.Kind != event.NoteIntercept || json.Unmarshal(b.JSON, &n) != nil || n.Outcome != event.InterceptSwallowed {
		return
	}
	ends := forgedEnds{unmapped(n.Client), unmapped(n.Server)}
	for _, d := range l.dests {
		for i := len(d.hellos) - 1; i >= 0; i-- {
			if d.hellos[i].ends == ends {
				d.hellos[i].swallowed = true
				return
			}
		}
	}
}

// less compares an offer with another one: it is weaker when its highest version is
// lower, or when something was left out and nothing added. Where both have something of
// their own they are of different programs, and nothing follows.
func (h fallbackHello) less(than fallbackHello) (weaker, comparable bool) {
	if h.max != than.max {
		return h.max < than.max, true
	}
	dropped, added := false, false
	for _, pair := range [][2][]uint16{{h.suites, than.suites}, {h.sigAlgs, than.sigAlgs}} {
		dropped = dropped || !within(pair[1], pair[0])
		added = added || !within(pair[0], pair[1])
	}
	return dropped, !dropped || !added
}

// within says whether every value of one list is in the other; signals are no offers.
func within(part, whole []uint16) bool {
	for _, v := range part {
		if !event.IsSuiteSignal(v) && !slices.Contains(whole, v) {
			return false
		}
	}
	return true
}

// fallbackStanding is where a destination stands.
type fallbackStanding uint8

const (
	fallbackUntried fallbackStanding = iota // no hello was swallowed
	fallbackShort                           // too few comparable hellos after it
	fallbackMixed                           // weaker hellos came without a failure too
	fallbackSignal                          // weaker, with the signal of RFC 7507
	fallbackWeaker
	fallbackSteady
)

// standing compares what came before and after the first hello that was swallowed.
func (d *fallbackDest) standing() (s fallbackStanding, because Because) {
	first := slices.IndexFunc(d.hellos, func(h fallbackHello) bool { return h.swallowed })
	if first < 0 {
		return fallbackUntried, because
	}
	base := d.hellos[first]
	because.Add(base.seen)
	if first == 0 {
		return fallbackMixed, because // what the device offers by itself was not seen
	}
	for _, h := range d.hellos[:first] {
		if weaker, _ := h.less(base); weaker {
			return fallbackMixed, because
		}
	}
	return d.after(base, first, because)
}

// after judges the hellos that follow a failure.
func (d *fallbackDest) after(base fallbackHello, first int, because Because) (fallbackStanding, Because) {
	compared, signalled := 0, false
	for _, h := range d.hellos[first+1:] {
		weaker, comparable := h.less(base)
		if !comparable {
			continue
		}
		because.Add(h.seen)
		if weaker && !h.scsv {
			return fallbackWeaker, because
		}
		signalled = signalled || weaker
		if compared++; compared == fallbackRetries {
			break
		}
	}
	switch {
	case signalled:
		return fallbackSignal, because
	case compared < fallbackRetries:
		return fallbackShort, because
	}
	return fallbackSteady, because
}

// fallbackFacts are the facts by the standing they count.
func fallbackFacts() map[fallbackStanding]Decl {
	return map[fallbackStanding]Decl{
		fallbackShort:  {"fallback.short", Int, "destinations at which a hello got no answer and fewer than five comparable ones followed"},
		fallbackMixed:  {"fallback.mixed", Int, "destinations where it is not shown that the device offers more by itself: weaker hellos also came before the failure, or none came"},
		fallbackSignal: {"fallback.signalled", Int, "destinations at which a weaker hello followed, always with TLS_FALLBACK_SCSV"},
		fallbackWeaker: {"fallback.weaker", Int, "destinations at which a weaker hello followed, without TLS_FALLBACK_SCSV"},
		fallbackSteady: {"fallback.steady", Int, "destinations at which the five hellos that followed were not weaker"},
	}
}

func fallbackSchema() []Decl {
	out := []Decl{
		{"fallback.swallowed", Int, "internet destinations at which the box left a hello of the device without an answer"},
		{"fallback.weaker_names", List, "destinations of fallback.weaker"},
	}
	for s := fallbackShort; s <= fallbackSteady; s++ {
		out = append(out, fallbackFacts()[s])
	}
	return out
}

func (l *fallbackLens) state(_ *world, out *Sheet) {
	var all Because
	counts, why := map[fallbackStanding]int{}, map[fallbackStanding]Because{}
	var names []string
	for _, end := range l.order {
		s, because := l.dests[end].standing()
		if s == fallbackUntried {
			continue
		}
		all.Join(because)
		counts[s]++
		joined := why[s]
		joined.Join(because)
		why[s] = joined
		if s == fallbackWeaker {
			names = append(names, end.String())
		}
	}
	slices.Sort(names)
	swallowed := 0
	for s, d := range fallbackFacts() {
		swallowed += counts[s]
		out.Int(d.Key, counts[s], why[s])
	}
	out.Int("fallback.swallowed", swallowed, all)
	out.List("fallback.weaker_names", names, why[fallbackWeaker])
}
