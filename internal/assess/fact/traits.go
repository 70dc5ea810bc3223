package fact

import (
	"net/netip"
	"sort"
	"time"

	"assay/internal/assess/event"
)

// Host is what helps to tell the device under test from its surroundings.
type Host struct {
	ID        event.HostID
	Addresses []netip.Addr // own addresses, in order
	Names     []string     // host names it gave itself, cleaned
	// VendorClass is what its DHCP client calls itself (option 60 or 16), cleaned.
	VendorClass string
	Events      int
	FirstSeen   time.Time
	LastSeen    time.Time
	// AsksDHCP and GivesDHCP say whether it was client or server of DHCP.
	AsksDHCP, GivesDHCP bool
	// Routes says that it advertised itself as a router or that traffic of
	// several remote addresses passes through it.
	Routes bool
	// AsksDNS counts questions that it asked, AnswersDNS those of others that it
	// answered with a result; a refusal does not make it a resolver.
	AsksDNS, AnswersDNS int
	// Midway counts conversations that were joined after their beginning, so that
	// who opened them is a guess; they count in none of the following.
	Midway int
	// SpeaksFor counts internet addresses that its frames carried as their source,
	// up to a bound: a router's, mostly.
	SpeaksFor int
	// Opens counts conversations it opened, OpensFar those to the internet, and
	// Serves those it was asked for.
	Opens, OpensFar, Serves int
}

// hostTraits gathers a Host.
type hostTraits struct {
	host   Host
	names  map[string]bool
	remote map[netip.Addr]bool
}

// remoteLimit is how many remote addresses behind one host are told apart.
const remoteLimit = 8

func (t *hostTraits) see(w *world, ev *sighting, role Role) {
	if role == Bystander {
		return
	}
	t.host.Events++
	switch b := ev.Body.(type) {
	case event.AddressUsed:
		t.pass(w, b.Addr, role == Actor)
	case event.DHCP4:
		t.seeDHCP(b.FromServer, role, b.HostName, b.VendorClass)
	case event.DHCP6:
		t.seeDHCP(b.FromServer, role, "", b.VendorClass)
	case event.DNSAsked:
		t.seeAsked(b, role)
	case event.DNSAnswered:
		t.seeAnswered(b, role)
	case event.FlowStarted:
		t.seeFlow(w, ev, b.Midway, role)
	case event.Announced:
		t.nameAll(b, role)
	}
}

func (t *hostTraits) seeAsked(b event.DNSAsked, role Role) {
	t.host.AsksDNS += one(role == Actor && b.Kind == event.DNSUnicast)
}

func (t *hostTraits) seeAnswered(b event.DNSAnswered, role Role) {
	t.host.AnswersDNS += one(role == Other && b.Kind == event.DNSUnicast && !isFailure(b.RCode))
}

func (t *hostTraits) seeDHCP(fromServer bool, role Role, name, vendor string) {
	switch {
	case role == Actor && !fromServer:
		t.host.AsksDHCP = true
		t.name(name, true)
		t.vendor(vendor, true)
	case role == Other && fromServer:
		t.host.GivesDHCP = true
	}
}

func (t *hostTraits) seeFlow(w *world, ev *sighting, midway bool, role Role) {
	far := w.scope(ev.Server.Addr()) == ScopeInternet
	switch {
	case midway: // who opened it was not seen
		t.host.Midway++
	case role == Actor && far:
		t.host.Opens++
		t.host.OpensFar++
	case role == Actor:
		t.host.Opens++
	default:
		t.host.Serves++
		t.pass(w, ev.Server.Addr(), far)
	}
}

// pass notes a remote address that speaks through this host: a second one makes
// it a router.
func (t *hostTraits) pass(w *world, a netip.Addr, applies bool) {
	if !applies || w.scope(a) != ScopeInternet || len(t.remote) >= remoteLimit {
		return
	}
	if t.remote == nil {
		t.remote = map[netip.Addr]bool{}
	}
	t.remote[a] = true
}

func (t *hostTraits) name(n string, applies bool) {
	const nameLimit = 4
	if !applies || n == "" || len(t.names) >= nameLimit {
		return
	}
	if t.names == nil {
		t.names = map[string]bool{}
	}
	t.names[event.Clean(n)] = true
}

// vendor keeps the first vendor class.
func (t *hostTraits) vendor(class string, applies bool) {
	if applies && t.host.VendorClass == "" {
		t.host.VendorClass = event.Clean(class)
	}
}

func (t *hostTraits) nameAll(b event.Announced, role Role) {
	for _, n := range b.Names {
		t.name(n, role == Actor && !b.Query)
	}
}

// Hosts lists the hosts of the log in order of their first event.
func (o *Observer) Hosts() []Host {
	out := make([]Host, 0, len(o.order))
	for _, id := range o.order {
		s := o.hosts[id]
		h := s.traits.host
		h.ID, h.FirstSeen, h.LastSeen = id, s.world.firstSeen, s.world.lastSeen
		h.Addresses = sortedAddrs(s.world.addrs)
		h.SpeaksFor = len(s.traits.remote)
		h.Routes = h.Routes || o.network.routers[id] || len(s.traits.remote) > 2
		for n := range s.traits.names {
			h.Names = append(h.Names, n)
		}
		sort.Strings(h.Names)
		out = append(out, h)
	}
	return out
}
