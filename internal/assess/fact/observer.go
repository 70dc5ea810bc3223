package fact

import (
	"net/netip"
	"sort"
	"time"

	"assay/internal/assess/event"
)

// Limits of what an Observer keeps; a hostile device can forge any number of
// addresses.
const (
	hostLimit    = 512 // hosts followed
	addrLimit    = 64  // own addresses kept per host
	serviceLimit = 32  // resolvers and time servers offered to one host
)

// Observer watches the events of one evidence log and keeps, per host, what its
// facts need.
type Observer struct {
	hosts map[event.HostID]*subject
	order []event.HostID
	// actor and other are the hosts of the last event: most often they are those of
	// the next one, too.
	actor, other *subject
	shown        *sighting // the last event, whose room is used again unless it is kept
	network      *network
	audience     audience
	// rdnss are the resolvers that routers advertised to everybody.
	rdnss   map[netip.Addr]*event.Event
	now     time.Time
	crowded int
}

// subject is one host under observation.
type subject struct {
	world  world
	lenses []lens
	traits hostTraits
	// destinations is what Destinations lists.
	destinations destinations
}

// NewObserver starts with nothing seen.
func NewObserver() *Observer {
	return &Observer{
		hosts:   map[event.HostID]*subject{},
		network: newNetwork(), audience: newAudience(),
		rdnss: map[netip.Addr]*event.Event{},
	}
}

// Tick tells the time of an entry, whether or not it caused an event.
func (o *Observer) Tick(at time.Time) {
	if at.After(o.now) {
		o.now = at
	}
}

// Add takes one event. Its copy is shared by all that rests on it.
func (o *Observer) Add(e event.Event) {
	o.Tick(e.At)
	ev := o.sight(e)
	o.actor = o.subject(o.actor, ev.Device, ev.At)
	o.other = o.subject(o.other, ev.Peer, ev.At)
	actor, other := o.actor, o.other
	if note, ok := ev.Body.(event.NoteSeen); ok {
		o.network.stage.see(ev.At, note)
		o.network.asked.seeNote(ev, note)
	}
	lenses := o.audience.of(ev.Body)
	if box, ok := o.network.asked.end(ev); ok {
		ev.box = box
		o.showAsked(ev, lenses[Asked])
		return
	}
	o.learn(ev, actor)
	if actor != nil {
		actor.show(ev, Actor, lenses[Actor])
	}
	if other != nil && other != actor {
		other.show(ev, Other, lenses[Other])
	}
	if isForAll(ev.Body) {
		o.showAll(ev, lenses[Bystander], actor, other)
	}
}

// sight copies an event to where the lenses may keep it.
func (o *Observer) sight(e event.Event) *sighting {
	if o.shown == nil || o.shown.kept {
		o.shown = &sighting{}
	}
	o.shown.Event, o.shown.box = e, netip.AddrPort{}
	return o.shown
}

// showAsked shows an event of a conversation that the box began to the device in it
// alone. It leaves no other trace.
func (o *Observer) showAsked(ev *sighting, lenses []int) {
	device := o.other
	if box := o.network.asked.mac; ev.Peer == box || ev.Device != box && plainEnd(ev.Client) != ev.box {
		device = o.actor // the device is the client, or speaks in the box's conversation
	}
	if device == nil {
		return
	}
	for _, i := range lenses {
		device.lenses[i].see(&device.world, ev, Asked)
	}
}

func (o *Observer) showAll(ev *sighting, lenses []int, except ...*subject) {
	for _, id := range o.order {
		s := o.hosts[id]
		if s != except[0] && s != except[1] {
			s.show(ev, Bystander, lenses)
		}
	}
}

// isForAll says which events concern every host on the link.
func isForAll(b event.Body) bool {
	switch b.(type) {
	case event.RouterAdvertised, event.NoteSeen, event.FramesLost:
		return true
	default:
		return false
	}
}

// subject finds or makes the record of a host, which is likely that of last; nil
// for nobody, for groups and when there are too many.
func (o *Observer) subject(last *subject, id event.HostID, at time.Time) *subject {
	if last != nil && last.world.host == id {
		return last
	}
	if id.IsZero() || id.IsGroup() {
		return nil
	}
	if s, ok := o.hosts[id]; ok {
		return s
	}
	if len(o.order) >= hostLimit {
		o.crowded++
		return nil
	}
	s := &subject{lenses: newLenses(), world: world{
		host:        id,
		addrs:       map[netip.Addr]event.Ref{},
		resolvers:   map[netip.Addr]*event.Event{},
		timeServers: map[netip.Addr]*event.Event{},
		firstSeen:   at,
		network:     o.network,
	}}
	s.destinations.names = recipientsOf(s.lenses)
	for a, ev := range o.rdnss {
		s.world.resolvers[a] = ev
	}
	o.hosts[id] = s
	o.order = append(o.order, id)
	return s
}

// show lets the lenses at the given places see an event.
func (s *subject) show(ev *sighting, role Role, lenses []int) {
	if role != Bystander {
		s.world.lastSeen = ev.At
	}
	s.traits.see(&s.world, ev, role)
	s.destinations.see(&s.world, ev, role)
	for _, i := range lenses {
		s.lenses[i].see(&s.world, ev, role)
	}
}

// learn keeps what the network says of itself.
func (o *Observer) learn(ev *sighting, actor *subject) {
	switch b := ev.Body.(type) {
	case event.AddressUsed:
		actor.learnAddress(b.Addr, ev.Ref)
	case event.ARPSeen:
		if b.Sender.IsValid() && !b.Sender.IsUnspecified() {
			o.network.addLink(netip.PrefixFrom(b.Sender, b.Sender.BitLen()))
		}
	case event.RouterAdvertised:
		o.learnRouter(ev, b)
	case event.DHCP4:
		o.learnDHCP4(ev, b, actor)
	case event.DHCP6:
		if b.FromServer && actor != nil {
			offer(actor.world.resolvers, b.DNS, ev)
		}
	}
}

// learnAddress keeps the first use of an own address.
func (s *subject) learnAddress(a netip.Addr, ref event.Ref) {
	if s == nil || len(s.world.addrs) >= addrLimit {
		return
	}
	if _, known := s.world.addrs[a]; !known {
		s.world.addrs[a] = ref
	}
}

func (o *Observer) learnRouter(ev *sighting, b event.RouterAdvertised) {
	if b.HopLimit != 255 {
		return // RFC 4861 section 6.1.2: not from this link
	}
	if b.Lifetime > 0 {
		o.network.routers[ev.Device] = true
	}
	for _, p := range b.Prefixes {
		if p.OnLink {
			o.network.addLink(p.Prefix)
		}
	}
	offer(o.rdnss, b.RDNSS, ev)
	for _, id := range o.order {
		offer(o.hosts[id].world.resolvers, b.RDNSS, ev)
	}
}

func (o *Observer) learnDHCP4(ev *sighting, b event.DHCP4, actor *subject) {
	if !b.FromServer || actor == nil {
		return
	}
	if b.Netmask > 0 && b.YourAddr.Is4() {
		if p, err := b.YourAddr.Prefix(b.Netmask); err == nil {
			o.network.addLink(p)
		}
	}
	offer(actor.world.resolvers, b.DNS, ev)
	offer(actor.world.timeServers, b.NTP, ev)
}

func offer(known map[netip.Addr]*event.Event, addrs []netip.Addr, ev *sighting) {
	for _, a := range addrs {
		if _, ok := known[a]; !ok && len(known) < serviceLimit && a.IsValid() {
			known[a] = ev.keep()
		}
	}
}

// Closing is what is known only when the log has been read.
type Closing struct {
	// Frames, Cut, Lost and Malformed are counts over the whole log.
	Frames, Cut, Lost, Malformed uint64
	// Truncated says that the file ended in the middle of an entry.
	Truncated bool
	// Statements are what the operator said about the run ("setup-captured").
	Statements map[string]string
	// Credentials are the well-known factory passwords to look for.
	Credentials []Credential
	// Intercepted says which flaw a certificate has that another tool presented to the
	// device: its SHA-256 in lower-case hexadecimal, and one of ForeignCases.
	Intercepted map[string]string
}

// Credential is one well-known factory password.
type Credential struct {
	Vendor, Service, User, Secret, Source string
}

// Sheet states the facts about one host as of the last entry.
func (o *Observer) Sheet(id event.HostID, c Closing) *Sheet {
	out := NewSheet()
	s, ok := o.hosts[id]
	if !ok {
		return out
	}
	w := s.world
	w.now, w.closing = o.now, c
	for _, l := range s.lenses {
		l.state(&w, out)
	}
	return out
}

// sortedAddrs lists a set of addresses in order.
func sortedAddrs[V any](set map[netip.Addr]V) []netip.Addr {
	out := make([]netip.Addr, 0, len(set))
	for a := range set {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Less(out[j]) })
	return out
}
