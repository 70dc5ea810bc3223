package fact

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// sorting is one way in which what was looked up is divided: of each thing exactly
// one word holds.
type sorting struct {
	prefix string // of the facts
	what   string // things
	words  []sortingWord
}

type sortingWord struct{ word, doc string }

func lookupSortings() []sorting {
	return []sorting{
		{"lookup.dnssec_", "lookup.names", []sortingWord{
			{"secure", "whose own part of the way to their addresses is signed and valid (before the first alias; the rest is lookup.dnssec_broken)"},
			{"insecure", "that are proven not to be signed"},
			{"bogus", "whose signatures do not hold, their aliases included"},
			{"unknown", "that were not looked up, do not exist now or of which the state could not be found out"},
		}},
		{"lookup.aaaa_", "lookup.names", []sortingWord{
			{"reachable", "with an IPv6 address to which a TCP connection succeeded"},
			{"present", "with an IPv6 address that was not tried, for want of an IPv6 uplink or a TCP port"},
			{"unreachable", "with an IPv6 address to which no TCP connection succeeded"},
			{"none", "without an IPv6 address"},
			{"unknown", "that were not looked up, do not exist now or gave no answer"},
		}},
		{"lookup.caa_", "lookup.names", []sortingWord{
			{"issue", "for which a well-formed CAA issue property holds"},
			{"other", "for which CAA records hold, none of which restricts who may issue"},
			{"none", "for which no CAA record holds"},
			{"unknown", "that were not looked up, do not exist now or gave no answer"},
		}},
		{"lookup.rpki_", "lookup.addresses", []sortingWord{
			{"valid", "whose routes are all valid (RFC 6811)"},
			{"invalid", "with a route that is invalid"},
			{"not_found", "with a route that no VRP covers, and none that is invalid"},
			{"unknown", "that were not looked up, or whose route is not in the table"},
		}},
		{"lookup.zones_", "lookup.zones", []sortingWord{
			{"current", "with algorithms 8, 13, 14, 15 or 16 only, RSA keys of 2048 bits at least, a DS digest 2 or 4, and NSEC or NSEC3 without iterations"},
			{"weak", "with an RSA key under 2048 bits, another algorithm, or NSEC3 iterations"},
			{"outdated", "with algorithm 1, 3, 5, 6, 7 or 12, DS digest 1 alone, or an RSA key under 1024 bits"},
			{"unknown", "that could not be read"},
		}},
		{"lookup.servers_", "lookup.servers", []sortingWord{
			{"good", "that accept current TLS alone, with RSA keys of 3072 bits or elliptic curves of 256 bits at least"},
			{"phase_out", "that also accept CBC, or have an RSA key of 2048 to 3071 or a curve of 224 to 255 bits"},
			{"insufficient", "that accept TLS 1.0 or 1.1, RSA key exchange, RC4 or 3DES, or have an RSA key under 2048 or a curve under 224 bits"},
			{"unknown", "that were not asked, did not answer every offer or refused all of them"},
		}},
		certificateSorting(),
	}
}

func lookupSchema() []Decl {
	out := []Decl{
		{"lookup.names", Int, "names of the internet that the device exchanged data with, services of the network and public resolvers left out; where the operator named the supplier's domains, only those in them"},
		{"lookup.names_list", List, "these names"},
		{"lookup.addresses", Int, "internet addresses that it exchanged data with, likewise"},
		{"lookup.servers", Int, "servers (name or address, and port) to which it opened TLS over TCP, likewise"},
		{"lookup.vendor_stated", Bool, "the operator named the supplier's domains"},
		{"lookup.beyond_limit", Int, "conversations with ends beyond those that are told apart"},
		{"lookup.dnssec_control", Bool, "the box's resolver found the root signed and valid in the same look-up; absent when it was not asked"},
		{"lookup.dnssec_failing_share", Double, "the larger of the shares of insecure and bogus names by number and by bytes, 0 to 1; absent without look-ups"},
		{"lookup.dnssec_broken", Int, "of lookup.dnssec_secure, those with an alias to a name that is not secure"},
		{"lookup.dnssec_broken_names", List, "these names, with where the signed way ends"},
		{"lookup.aaaa_control", Bool, "the root's name servers were reached over IPv6 in the same look-up; absent when that was not tried"},
		{"lookup.aaaa_missing_share", Double, "the larger of the shares of names without a working IPv6 address by number and by bytes, 0 to 1; absent without look-ups"},
		{"lookup.aaaa_servers_without", List, "names whose zone has no name server with an IPv6 address"},
		{"lookup.zones", Int, "zones that signed what leads from these names to their addresses"},
		{"lookup.rpki_missing", Text, "why routes could not be compared with the RPKI; empty when they could"},
		{"lookup.rpki_age", Text, "how old the VRPs and the table of routes were; absent without them"},
		{"lookup.rpki_stale", Bool, "the VRPs were older than two days or the routes older than a week; absent without them"},
	}
	for _, s := range lookupSortings() {
		out = append(out, Decl{s.prefix + "asked", Int, "of " + s.what + ", those that were looked up; absent without look-ups"})
		for _, w := range s.words {
			out = append(out,
				Decl{s.prefix + w.word, Int, "of " + s.what + ", those " + w.doc + "; absent without look-ups"},
				Decl{s.prefix + w.word + "_names", List, "these, with what there is to say"})
		}
	}
	return out
}

// wordOf finds the word that holds for one thing, and what there is to say.
type wordOf func(t *usedThing, said lookupSaid, known bool) (word, detail string)

func (l *lookupLens) state(w *world, out *Sheet) {
	c := l.counted(w)
	c.total(out, "lookup.names", c.names)
	c.total(out, "lookup.addresses", c.addrs)
	c.total(out, "lookup.servers", c.servers)
	out.List("lookup.names_list", keysOf(c.names), becauseOf(c.names))
	out.Bool("lookup.vendor_stated", c.vendor != nil, Because{})
	out.Int("lookup.beyond_limit", l.beyond.Seen(), l.beyond)
	l.stateDNSSEC(c, out)
	l.stateAAAA(c, out)
	l.stateRPKI(c, out)
	s := lookupSortings()
	l.sort(s[2], "caa", c.names, out, caaWord)
	l.sort(s[5], "tls", c.servers, out, tlsWord)
	l.sort(s[6], "tls", c.servers, out, certificateWord)
}

// countedThings are what counts of what the device used.
type countedThings struct {
	vendor                []string // the supplier's domains; nil when not stated
	names, addrs, servers []*usedThing
}

func (l *lookupLens) counted(w *world) countedThings {
	var c countedThings
	for d := range strings.SplitSeq(w.closing.Statements[statedVendor], ",") {
		if d = plainName(strings.TrimSpace(d)); d != "" {
			c.vendor = append(c.vendor, d)
		}
	}
	c.names, c.servers = c.of(l.names), c.of(l.servers)
	for _, t := range c.of(l.addrs) {
		if a, err := netip.ParseAddr(t.key); err == nil && !l.canary[a] {
			c.addrs = append(c.addrs, t)
		}
	}
	return c
}

func (c countedThings) of(s usedSet) []*usedThing {
	var out []*usedThing
	for _, t := range s.order {
		if c.vendor == nil || slices.ContainsFunc(t.names, c.isVendors) {
			out = append(out, t)
		}
	}
	return out
}

func (c countedThings) isVendors(name string) bool {
	return slices.ContainsFunc(c.vendor, func(d string) bool { return name == d || strings.HasSuffix(name, "."+d) })
}

func (countedThings) total(out *Sheet, key string, list []*usedThing) {
	out.Int(key, len(list), becauseOf(list))
}

func keysOf(list []*usedThing) []string {
	var out []string
	for _, t := range list {
		out = append(out, event.Clean(t.key))
	}
	slices.Sort(out)
	return out
}

func becauseOf(list []*usedThing) Because {
	var b Because
	for _, t := range list {
		b.Join(t.because)
	}
	return b
}

// sort divides things by their notes and states how many are where. Each fact rests
// on the notes and on the packets in which the device used the things. Nothing is
// stated where there is no note about any of them.
func (l *lookupLens) sort(s sorting, kind string, list []*usedThing, out *Sheet, word wordOf) (sorted map[string][]*usedThing, any bool) {
	names, why := map[string][]string{}, map[string]Because{}
	sorted = map[string][]*usedThing{}
	var asked Because
	for _, t := range list {
		said, known := l.notes[lookupKey{kind, t.key}]
		if known {
			asked.Add(said.by)
		}
		v, detail := word(t, said, known)
		name := event.Clean(t.key)
		if detail != "" {
			name += " (" + event.Clean(detail) + ")"
		}
		b := why[v]
		if known {
			b.Add(said.by) // first, so that a long list of packets leaves it room
		}
		b.Join(t.because)
		names[v], why[v], sorted[v] = append(names[v], name), b, append(sorted[v], t)
	}
	if asked.Seen() == 0 {
		return sorted, false
	}
	out.Int(s.prefix+"asked", asked.Seen(), asked)
	for _, v := range s.words {
		slices.Sort(names[v.word])
		out.Int(s.prefix+v.word, len(names[v.word]), why[v.word])
		out.List(s.prefix+v.word+"_names", names[v.word], why[v.word])
	}
	return sorted, true
}

// largerShare is the larger of the shares by number and by bytes.
func largerShare(part, all []*usedThing) float64 {
	var partBytes, allBytes uint64
	for _, t := range part {
		partBytes += t.bytes
	}
	for _, t := range all {
		allBytes += t.bytes
	}
	if len(all) == 0 || allBytes == 0 {
		return 0
	}
	return max(float64(len(part))/float64(len(all)), float64(partBytes)/float64(allBytes))
}

// control states whether the look-ups of a kind could have found anything.
func (l *lookupLens) control(key, kind, good string, out *Sheet) {
	if said, ok := l.notes[lookupKey{kind, "."}]; ok {
		var b Because
		b.Add(said.by)
		out.Bool(key, said.note.Outcome == good, b)
	}
}

func (l *lookupLens) stateDNSSEC(c countedThings, out *Sheet) {
	s := lookupSortings()
	l.control("lookup.dnssec_control", "dnssec", "secure", out)
	sorted, any := l.sort(s[0], "dnssec", c.names, out, dnssecWord)
	if !any {
		return
	}
	failing := slices.Concat(sorted["insecure"], sorted["bogus"])
	out.Double("lookup.dnssec_failing_share", largerShare(failing, c.names), becauseOf(failing))
	var names []string
	var why Because
	zones := usedSet{}
	for _, t := range slices.Concat(sorted["secure"], sorted["insecure"]) {
		said := l.notes[lookupKey{"dnssec", t.key}]
		if at := said.note.Data["breaks"]; at != "" && slices.Contains(sorted["secure"], t) {
			names = append(names, event.Clean(t.key)+" (at "+event.Clean(strings.TrimSuffix(at, "."))+")")
			why.Add(said.by)
			why.Join(t.because)
		}
		for zone := range strings.FieldsSeq(said.note.Data["zones"]) {
			zones.addZone(zone, t, said)
		}
	}
	slices.Sort(names)
	out.Int("lookup.dnssec_broken", len(names), why)
	out.List("lookup.dnssec_broken_names", names, why)
	out.Int("lookup.zones", len(zones.order), becauseOf(zones.order))
	l.sort(s[4], "zone", zones.order, out, zoneWord)
}

// addZone notes a zone that signed a name: it rests on the packets of the first name
// and on the look-up that found the zone.
func (s *usedSet) addZone(zone string, of *usedThing, said lookupSaid) {
	key := plainName(zone)
	if key == "" || s.by[key] != nil || len(s.order) >= lookupZones {
		return
	}
	if s.by == nil {
		s.by = map[string]*usedThing{}
	}
	t := &usedThing{key: key}
	t.because.Add(said.by)
	t.because.Join(of.because)
	s.by[key], s.order = t, append(s.order, t)
}

func (l *lookupLens) stateAAAA(c countedThings, out *Sheet) {
	l.control("lookup.aaaa_control", "aaaa", "reachable", out)
	sorted, any := l.sort(lookupSortings()[1], "aaaa", c.names, out, aaaaWord)
	if !any {
		return
	}
	missing := slices.Concat(sorted["none"], sorted["unreachable"])
	out.Double("lookup.aaaa_missing_share", largerShare(missing, c.names), becauseOf(missing))
	var without []string
	var why Because
	for _, t := range c.names {
		said, known := l.notes[lookupKey{"aaaa", t.key}]
		if n := said.note.Data["ns_aaaa"]; known && strings.HasPrefix(n, "0 of ") && n != "0 of 0" {
			without = append(without, event.Clean(t.key))
			why.Add(said.by)
		}
	}
	slices.Sort(without)
	out.List("lookup.aaaa_servers_without", without, why)
}

// How old the inputs of route origin validation may be: what a router forgets at the
// latest (RFC 8210 section 6), and a week for routes, which change slowly.
const (
	vrpsFresh   = 48 * time.Hour
	routesFresh = 7 * 24 * time.Hour
)

func (l *lookupLens) stateRPKI(c countedThings, out *Sheet) {
	missing, age, stale := "the routes were not looked up", "", false
	var why, aged Because
	for _, t := range c.addrs {
		said, known := l.notes[lookupKey{"rpki", t.key}]
		switch {
		case !known:
		case said.note.Outcome == "no-data":
			missing = said.note.Why
			why.Add(said.by)
		default:
			vrps, routes := ageOf(said.note.Data["vrps_age"]), ageOf(said.note.Data["routes_age"])
			stale = stale || vrps > vrpsFresh || routes > routesFresh
			age = fmt.Sprintf("VRPs %s old, routes %s old", inWords(vrps), inWords(routes))
			aged.Add(said.by)
		}
	}
	if age != "" {
		missing = ""
		out.Text("lookup.rpki_age", age, aged)
		out.Bool("lookup.rpki_stale", stale, aged)
		l.sort(lookupSortings()[3], "rpki", c.addrs, out, rpkiWord)
	}
	out.Text("lookup.rpki_missing", event.Clean(missing), why)
}

// ageOf reads whole seconds; what cannot be read is as old as can be.
func ageOf(text string) time.Duration {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 1 << 62
	}
	return max(0, time.Duration(n)*time.Second)
}

func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 1<<62:
		return "unknown"
	case d >= 2*day:
		return plural(int(d/day), "day")
	case d >= 2*time.Hour:
		return plural(int(d/time.Hour), "hour")
	default:
		return plural(int(d/time.Minute), "minute")
	}
}
