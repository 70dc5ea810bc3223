package fact

import (
	"slices"
	"strings"
	"time"
)

// Statements of the operator about what the device did.
const (
	statedFunctionN1 = "function-N1"
	statedFunctionN3 = "function-N3"
)

// lateness is how much later than on N1 a destination may be reached on N3.
const lateness = 5 * time.Minute

func (l *stayLens) state(w *world, out *Sheet) {
	var seen []string
	for _, code := range sortedKeys(l.stays) {
		if l.stays[code].lasted(w.now) > 0 {
			seen = append(seen, code)
		}
	}
	out.List("net.seen", seen, Because{})
	out.Bool("v6only.shown", slices.Contains(seen, netIPv6), Because{})
	l.stateFunction(w, out)
	l.stateMostly(out)
	if s := l.stays[netIPv4]; s != nil {
		l.stateBaseline(w, s, out)
	}
	if s := l.stays[netIPv6]; s != nil {
		l.stateV6Only(w, s, out)
	}
	if s := l.stays[netInfo]; s != nil {
		out.Double("dhcp6.stateless_minutes", s.lasted(w.now).Minutes(), s.joined)
		out.Int("dhcp6.stateless_fresh", s.starts(), s.joined)
		stateSeen(out, "dhcp6.stateless_offered", s.other)
		out.Int("dhcp6.stateless_asked", s.info.Seen(), s.info)
		out.Int("dhcp6.stateless_answered", s.infoAnswered.Seen(), s.infoAnswered)
	}
	if s := l.stays[netLease]; s != nil {
		stateLease(w, s, out)
	}
	if s := l.stays[netBroken]; s != nil {
		l.stateBroken(w, s, out)
	}
}

func stateSeen(out *Sheet, key string, why Because) { out.Bool(key, why.Seen() > 0, why) }

func (l *stayLens) stateFunction(w *world, out *Sheet) {
	for key, stated := range map[string]string{"net.function_n1": statedFunctionN1, "v6only.function": statedFunctionN3} {
		v := strings.ToLower(strings.TrimSpace(w.closing.Statements[stated]))
		if v != "yes" && v != "no" {
			v = "open"
		}
		out.Text(key, v, Because{})
	}
}

func (l *stayLens) stateMostly(out *Sheet) {
	out.Int("mostly.offered", l.mild.offered.Seen(), l.mild.offered)
	out.Int("mostly.ipv4_after", l.mild.after.Seen(), l.mild.after)
	out.Int("mostly.data", l.mild.data.Seen(), l.mild.data)
	out.Int("mostly.nat64", l.mild.nat64.Seen(), l.mild.nat64)
}

func (l *stayLens) stateBaseline(w *world, s *stay, out *Sheet) {
	out.Double("net.n1_minutes", s.lasted(w.now).Minutes(), s.joined)
	out.Int("net.n1_fresh", s.starts(), s.joined)
	essential, occasional, why := s.essential()
	var labels []string
	for _, key := range essential {
		labels = append(labels, s.ends[key].label)
	}
	out.Int("net.essential", len(essential), why)
	out.List("net.essential_list", labels, why)
	out.Int("net.occasional", occasional, why)
}

// essential lists the destinations that were reached in each boot in which any was.
func (s *stay) essential() (keys []string, occasional int, why Because) {
	boots := map[int]bool{}
	for _, e := range s.ends {
		for b := range e.boots {
			boots[b] = true
		}
	}
	for _, key := range sortedKeys(s.ends) {
		switch e := s.ends[key]; {
		case !e.data:
		case len(e.boots) == len(boots):
			keys = append(keys, key)
			why.Join(e.because)
		default:
			occasional++
		}
	}
	return keys, occasional, why
}

func (l *stayLens) stateV6Only(w *world, s *stay, out *Sheet) {
	out.Double("v6only.minutes", s.lasted(w.now).Minutes(), s.joined)
	out.Int("v6only.fresh", s.starts(), s.joined)
	stateSeen(out, "v6only.offered", s.offered)
	stateSeen(out, "v6only.joined", s.joined)
	stateSeen(out, "v6only.solicited", s.solicited)
	stateSeen(out, "v6only.ipv4", s.leased)
	stateSeen(out, "v6only.uplink_down", s.down)
	stateSeen(out, "v6only.address", s.global)
	for key, b := range map[string]Because{
		"v6only.dns": s.dns6, "v6only.asks4": s.asks4, "v6only.asks6": s.asks6,
		"v6only.flows": s.flows, "v6only.answered": s.answered, "v6only.data": s.data,
	} {
		out.Int(key, b.Seen(), b)
	}
	base := l.stays[netIPv4]
	if base == nil {
		return
	}
	out.Bool("v6only.crowded", s.crowded || base.crowded, Because{})
	stateCompared(base, s, out)
	before, after := base.lasted(w.now).Minutes(), s.lasted(w.now).Minutes()
	if base.bytes > 0 && before > 0 && after > 0 {
		out.Double("v6only.volume", float64(s.bytes)/after/(float64(base.bytes)/before), s.data)
	}
}

// stateCompared says which of the essential destinations were reached without IPv4.
func stateCompared(base, s *stay, out *Sheet) {
	essential, _, _ := base.essential()
	var reached, nat64, late Because
	var lateNames, missing []string
	n, translated := 0, 0
	blame := map[string]*Because{}
	for _, key := range essential {
		e, was := s.ends[key], base.ends[key]
		if e == nil || !e.data {
			who, text := s.blame(out, was, e)
			missing = append(missing, was.label+" ("+text+")")
			if blame[who] == nil {
				blame[who] = &Because{}
			}
			blame[who].Add(was.because.events[0])
			continue
		}
		n++
		reached.Join(e.because)
		if e.translated {
			translated++
			nat64.Join(e.because)
		}
		if e.after > was.after+lateness {
			lateNames = append(lateNames, e.label)
			late.Join(e.because)
		}
	}
	out.Int("v6only.reached", n, reached)
	out.Int("v6only.nat64", translated, nat64)
	out.Int("v6only.late", len(lateNames), late)
	out.List("v6only.late_list", lateNames, late)
	var all Because
	for _, who := range []string{blameDevice, blameService, blameNetwork, blameOpen} {
		b := blame[who]
		if b == nil {
			b = &Because{}
		}
		out.Int("v6only.by_"+who, b.Seen(), *b)
		all.Join(*b)
	}
	slices.Sort(missing)
	out.Int("v6only.missing", len(missing), all)
	out.List("v6only.missing_list", missing, all)
}

func stateLease(w *world, s *stay, out *Sheet) {
	out.Double("dhcp6.stateful_minutes", s.lasted(w.now).Minutes(), s.joined)
	out.Int("dhcp6.stateful_fresh", s.starts(), s.joined)
	stateSeen(out, "dhcp6.stateful_joined", s.joined)
	out.Bool("dhcp6.stateful_offered", s.managed.Seen() > 0 && s.offered.Seen() == 0, s.managed)
	out.Int("dhcp6.stateful_asked", s.wanted.Seen(), s.wanted)
	out.Int("dhcp6.stateful_given", s.given.Seen(), s.given)
	out.Int("dhcp6.stateful_used", s.givenUsed.Seen(), s.givenUsed)
}

func (l *stayLens) stateBroken(w *world, s *stay, out *Sheet) {
	out.Double("broken.minutes", s.lasted(w.now).Minutes(), s.joined)
	out.Int("broken.fresh", s.starts(), s.joined)
	ipv4 := s.leased
	ipv4.Join(s.used4)
	stateSeen(out, "broken.ipv4", ipv4)
	stateSeen(out, "broken.offered", s.offered)
	out.Int("broken.answered", s.answered.Seen(), s.answered)
	out.Int("broken.asks6", s.asks6.Seen(), s.asks6)
	out.Int("broken.tried", l.broke.tried.Seen(), l.broke.tried)
	out.Int("broken.fell_back", l.broke.fell.Seen(), l.broke.fell)
	if l.broke.fell.Seen() > 0 {
		out.Double("broken.slowest", l.broke.slowest.Seconds(), l.broke.fell)
	}
	names, why := l.broke.left(w.now)
	names = append(names, l.broke.stuckNames...)
	why.Join(l.broke.stuck)
	slices.Sort(names)
	out.Int("broken.stuck", why.Seen(), why)
	out.List("broken.stuck_list", slices.Compact(names), why)
}
