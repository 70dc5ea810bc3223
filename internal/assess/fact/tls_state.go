package fact

import (
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// state writes what is known by now; handshakes under way are judged on a copy.
func (l *tlsLens) state(_ *world, out *Sheet) {
	dests, order, unread, beyond := l.snapshot()
	var internet, local int
	var names []string
	var shown Because
	for _, end := range order {
		d := dests[end]
		settle(d)
		names = append(names, end.String())
		shown.Add(d.first)
		if d.local {
			local++
		} else {
			internet++
		}
	}
	slices.Sort(names)
	out.Int("tls.hellos", l.hellos.Seen(), l.hellos)
	out.Int("tls.quic_hellos", l.quic.Seen(), l.quic)
	out.Int("tls.unread", unread.Seen(), unread)
	out.Int("tls.other", l.other.Seen(), l.other)
	out.Int("tls.destinations", len(order), shown)
	out.List("tls.destinations_names", names, shown)
	out.Int("tls.internet", internet, shown)
	out.Int("tls.local", local, shown)
	out.Int("tls.beyond_limit", beyond.Seen(), beyond)
	out.Int("tls.stacks", len(l.stacks), l.hellos)
	out.Int("tls.served", l.served.Seen(), l.served)
	out.List("tls.served_keys", slices.Sorted(slices.Values(l.keys)), l.served)
	with13 := stateTraits(dests, order, out)
	if internet > 0 {
		out.Double("tls.share_13", float64(with13)/float64(internet), shown)
	}
}

// snapshot is a copy of the destinations in which the open handshakes have been
// judged as they stand.
func (l *tlsLens) snapshot() (map[tlsEnd]*tlsDest, []tlsEnd, Because, Because) {
	dests := make(map[tlsEnd]*tlsDest, len(l.dests))
	for end, d := range l.dests {
		c := *d
		c.traits = make(map[tlsTrait]tlsEvidence, len(d.traits))
		for t, e := range d.traits {
			e.events.events = slices.Clip(e.events.events) // the copy grows in an array of its own
			c.traits[t] = e
		}
		dests[end] = &c
	}
	order, unread, beyond := slices.Clone(l.order), l.unread, l.beyond
	unread.Join(Because{})
	beyond.Join(Because{})
	for _, id := range l.queue {
		c := l.open[id]
		if !c.greeted {
			unread.Add(c.first)
		}
		d := destFor(&dests, &order, c)
		if d == nil {
			beyond.Add(c.first)
			continue
		}
		c.noteUse(d.note)
	}
	return dests, order, unread, beyond
}

// settle adds the traits that follow from everything seen with a destination.
func settle(d *tlsDest) {
	if d.poor != nil && !d.local {
		d.note(versionTrait(d.worst), d.poor, event.VersionName(d.worst))
	}
	if _, done := d.traits[traitCompleted]; !done {
		d.note(traitIncomplete, d.first, "")
	}
	var why Because
	for _, t := range []tlsTrait{traitBroken, traitOnlyStatic, traitUsedWeak} {
		why.Join(d.traits[t].events)
	}
	if why.Seen() > 0 {
		d.traits[traitFailing] = tlsEvidence{events: why}
	}
}

func versionTrait(best uint16) tlsTrait {
	switch {
	case best >= 0x0304:
		return traitOffers13
	case best == 0x0303:
		return traitOffers12
	default:
		return traitBelow12
	}
}

// stateTraits writes two facts for each trait and returns how many destinations
// were always offered TLS 1.3.
func stateTraits(dests map[tlsEnd]*tlsDest, order []tlsEnd, out *Sheet) int {
	with13 := 0
	for t, decl := range tlsDecls() {
		var names []string
		var why Because
		for _, end := range order {
			e, ok := dests[end].traits[tlsTrait(t)]
			if !ok {
				continue
			}
			names = append(names, strings.TrimSuffix(end.String()+" ("+e.detail+")", " ()"))
			why.Join(e.events)
		}
		slices.Sort(names)
		out.Int(decl.key, len(names), why)
		out.List(decl.key+"_names", names, why)
		if tlsTrait(t) == traitOffers13 {
			with13 = len(names)
		}
	}
	return with13
}
