package fact

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"assay/internal/assess/event"
)

// Limits of what is remembered for the look-ups of one host.
const (
	lookupNames    = 256  // names, addresses and servers told apart, each
	lookupTold     = 1024 // addresses with the answer that named them
	lookupNotes    = 2048 // notes kept, by kind and subject
	lookupZones    = 64   // zones of one host's names
	lookupCanaries = 256  // addresses that only a forged answer leads to
)

// statedVendor names the domains that are the supplier's own.
const statedVendor = "vendor-domains"

// lookupLens puts together what the box found out about names, addresses and
// servers and the packets in which the device used them. What the device did not use
// does not count, whatever is noted about it.
type lookupLens struct {
	told    map[netip.Addr]naming
	open    map[event.FlowID]*lookupUse
	names   usedSet
	addrs   usedSet
	servers usedSet
	notes   map[lookupKey]lookupSaid
	canary  map[netip.Addr]bool
	nat64   addressBook
	beyond  Because
}

// naming is a name with the event that shows that the device used it.
type naming struct {
	name string // lower case, without the final dot
	by   *event.Event
}

// lookupUse is a conversation that goes on.
type lookupUse struct {
	naming
	said  bool // the name is what the device said, not what DNS said of the address
	tls   bool
	began *event.Event
	to    netip.AddrPort
	tcp   bool
}

// usedThing is a name, an address or a server that the device used.
type usedThing struct {
	key     string   // as look-ups call it, without the final dot
	names   []string // that it was reached under, "" among them for none; at most a few
	because Because
	bytes   uint64
	ends    []UsedEnd
	unnamed bool // in some use the device itself did not say the name
}

// usedSet is a bounded set of things, by first use.
type usedSet struct {
	by    map[string]*usedThing
	order []*usedThing
}

type lookupKey struct{ kind, subject string }

// lookupSaid is the last note of a kind about a subject.
type lookupSaid struct {
	note event.LookupNote
	by   *event.Event
}

func (*lookupLens) wants() wanted {
	all := []event.Body{event.NoteSeen{}, event.RouterAdvertised{}}
	return wanted{
		Actor: append([]event.Body{
			event.DNSAnswered{}, event.FlowStarted{}, event.ClientHello{}, event.HTTPRequest{}, event.FlowEnded{},
		}, all...),
		Other:     all,
		Bystander: all,
	}
}

func (l *lookupLens) see(w *world, ev *sighting, role Role) {
	switch b := ev.Body.(type) {
	case event.NoteSeen:
		l.seeNote(ev, b)
	case event.RouterAdvertised:
		l.nat64.learnPrefixes(b)
	default:
		if role == Actor {
			l.seeOwn(w, ev)
		}
	}
}

func (l *lookupLens) seeOwn(w *world, ev *sighting) {
	u := l.open[ev.Flow]
	switch b := ev.Body.(type) {
	case event.DNSAnswered:
		l.seeAnswer(ev, b)
	case event.FlowStarted:
		l.seeStart(w, ev, b)
	case event.FlowEnded:
		l.seeEnd(w, ev, b)
	case event.ClientHello:
		if u != nil {
			u.tls = u.tls || b.Transport == event.TCP
			u.rename(ev, b.SNI)
		}
	case event.HTTPRequest:
		if u != nil {
			u.rename(ev, hostOf(b.Host))
		}
	}
}

// hostOf is the name in a Host header; "" for an address.
func hostOf(header string) string {
	host, _, _ := strings.Cut(header, ":")
	if _, err := netip.ParseAddr(host); err == nil || strings.HasPrefix(header, "[") {
		return ""
	}
	return host
}

func plainName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// rename takes the name that the device itself says in a conversation, which is
// better than what DNS said of the address.
func (u *lookupUse) rename(ev *sighting, name string) {
	if name = plainName(name); name != "" {
		u.naming, u.said = naming{name, ev.keep()}, true
	}
}

func (l *lookupLens) seeAnswer(ev *sighting, b event.DNSAnswered) {
	if b.Kind != event.DNSUnicast || b.RCode != rcodeNoError {
		return
	}
	for _, r := range b.Records {
		a := r.Addr.Unmap()
		if _, known := l.told[a]; !r.Addr.IsValid() || !known && len(l.told) >= lookupTold {
			continue
		}
		if l.told == nil {
			l.told = map[netip.Addr]naming{}
		}
		l.told[a] = naming{plainName(b.Name), ev.keep()}
	}
}

func (l *lookupLens) seeStart(w *world, ev *sighting, b event.FlowStarted) {
	to := unmapped(ev.Server)
	if w.scope(to.Addr()) != ScopeInternet || len(l.open) >= openLimit {
		return
	}
	if l.open == nil {
		l.open = map[event.FlowID]*lookupUse{}
	}
	l.open[ev.Flow] = &lookupUse{naming: l.told[to.Addr()], began: ev.keep(), to: to, tcp: b.Transport == event.TCP}
}

func (l *lookupLens) seeEnd(w *world, ev *sighting, b event.FlowEnded) {
	u := l.open[ev.Flow]
	delete(l.open, ev.Flow)
	size := b.Client.Bytes + b.Server.Bytes
	if u == nil || size == 0 || protocolKinds[b.Protocol] == clearNetwork || !w.isOwnEnd(ev.Client.Addr()) {
		return
	}
	if u.to != unmapped(ev.Server) || !isLookupSubject(u) {
		return
	}
	l.record(ev, u, size)
}

// isLookupSubject leaves the services of the network out, by their ports, and public
// resolvers: they are not the supplier's choice of a cloud.
func isLookupSubject(u *lookupUse) bool {
	return !slices.Contains([]uint16{53, 123, 853, 4460}, u.to.Port()) && !isPublicResolver(u.name) && !isLocalEnd(u.name)
}

// isLocalEnd says that a name is of the local network; a missing one is not.
func isLocalEnd(name string) bool { return name != "" && isLocalName(name) }

// record adds a conversation that is over to what the device used.
func (l *lookupLens) record(ev *sighting, u *lookupUse, size uint64) {
	end := l.endOf(u)
	shown := []*event.Event{u.began}
	if u.by != nil {
		shown = append(shown, u.by)
	}
	if u.name != "" && !l.names.add(u.name, u, size, shown).addEnd(end) {
		l.beyond.See(ev)
	}
	if !l.addrs.add(end.Addr.Addr().String(), u, size, shown[:1]).addEnd(end) {
		l.beyond.See(ev)
	}
	if u.tls && !l.servers.add(serverKey(u.name, end.Addr), u, size, shown).addEnd(end) {
		l.beyond.See(ev)
	}
}

// serverKey is what look-ups call a server: "name:port" or "address:port".
func serverKey(name string, at netip.AddrPort) string {
	if name == "" {
		return at.String()
	}
	return name + ":" + strconv.Itoa(int(at.Port()))
}

// add finds or makes a thing and counts one more use; nil when there are too many.
func (s *usedSet) add(key string, u *lookupUse, size uint64, shown []*event.Event) *usedThing {
	t := s.by[key]
	if t == nil {
		if len(s.order) >= lookupNames {
			return nil
		}
		if s.by == nil {
			s.by = map[string]*usedThing{}
		}
		t = &usedThing{key: key}
		s.by[key] = t
		s.order = append(s.order, t)
		for _, ev := range shown { // the first use is enough: the rest is in the list of destinations
			t.because.Add(ev)
		}
	}
	t.bytes += size
	t.unnamed = t.unnamed || !u.said
	const mostNames = 8
	if !slices.Contains(t.names, u.name) && len(t.names) < mostNames {
		t.names = append(t.names, u.name)
	}
	return t
}

// addEnd notes where a thing was reached, and says whether there is such a thing.
func (t *usedThing) addEnd(e UsedEnd) bool {
	const most = 16
	if t != nil && !slices.Contains(t.ends, e) && len(t.ends) < most {
		t.ends = append(t.ends, e)
	}
	return t != nil
}

// seeNote keeps the last word on each subject.
func (l *lookupLens) seeNote(ev *sighting, b event.NoteSeen) {
	switch b.Kind {
	case event.NoteLookup:
		var n event.LookupNote
		if json.Unmarshal(b.JSON, &n) == nil {
			l.keepNote(ev, n)
		}
	case event.NoteFaulted:
		var n event.FaultedNote
		if json.Unmarshal(b.JSON, &n) == nil && n.Canary.IsValid() && len(l.canary) < lookupCanaries {
			if l.canary == nil {
				l.canary = map[netip.Addr]bool{}
			}
			l.canary[n.Canary.Unmap()] = true
		}
	}
}

func (l *lookupLens) keepNote(ev *sighting, n event.LookupNote) {
	key := lookupKey{n.Kind, strings.ToLower(n.Subject)}
	if n.Subject != "." {
		key.subject = strings.TrimSuffix(key.subject, ".")
	}
	if _, known := l.notes[key]; !known && len(l.notes) >= lookupNotes {
		return
	}
	if l.notes == nil {
		l.notes = map[lookupKey]lookupSaid{}
	}
	l.notes[key] = lookupSaid{n, ev.keep()}
}

// Used is a name that a host used on the internet, with the ends it reached under
// it; an empty name holds the ends that it reached without one.
type Used struct {
	Name string // lower case, without the final dot; as on the wire, not cleaned
	Ends []UsedEnd
}

// UsedEnd is an address and port; behind NAT64 the IPv4 address.
type UsedEnd struct {
	Addr netip.AddrPort
	UDP  bool
	TLS  bool // over TCP
}

// Used lists what a host has used on the internet so far, services of the network
// left out, by first use: what there is to look up about it.
func (o *Observer) Used(id event.HostID) []Used {
	s, ok := o.hosts[id]
	if !ok {
		return nil
	}
	for _, l := range s.lenses {
		if l, ok := l.(*lookupLens); ok {
			return l.used()
		}
	}
	return nil
}

func (l *lookupLens) used() []Used {
	var out []Used
	for _, n := range l.names.order {
		out = append(out, Used{n.key, slices.Clone(n.ends)})
	}
	var bare Used
	for _, a := range l.addrs.order {
		if slices.Contains(a.names, "") {
			bare.Ends = append(bare.Ends, a.ends...)
		}
	}
	for _, u := range l.stillOpen() {
		if u.name == "" {
			bare.Ends = append(bare.Ends, l.endOf(u))
		} else {
			out = append(out, Used{u.name, []UsedEnd{l.endOf(u)}})
		}
	}
	if len(bare.Ends) > 0 {
		out = append(out, bare)
	}
	return out
}

// endOf is where a conversation goes, beyond NAT64.
func (l *lookupLens) endOf(u *lookupUse) UsedEnd {
	addr := u.to.Addr()
	if real := l.nat64.behind(addr); len(real) > 0 {
		addr = real[0]
	}
	return UsedEnd{Addr: netip.AddrPortFrom(addr, u.to.Port()), UDP: !u.tcp, TLS: u.tls}
}

// stillOpen are the conversations that go on, in a steady order: a device may keep a
// single one for days.
func (l *lookupLens) stillOpen() []*lookupUse {
	var flows []event.FlowID
	for id, u := range l.open {
		if isLookupSubject(u) {
			flows = append(flows, id)
		}
	}
	slices.Sort(flows)
	var out []*lookupUse
	for _, id := range flows {
		out = append(out, l.open[id])
	}
	return out
}
