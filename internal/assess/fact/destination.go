package fact

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// Destination is one far end of the conversations that a host opened: an
// address, port and transport.
type Destination struct {
	Name      string // what the host asked DNS or named in its hello, cleaned; "" when unseen
	Addr      netip.AddrPort
	Transport event.Transport
	// Protocol was recognised by content, in lower case; "" when none was, "several"
	// when conversations differ.
	Protocol   string
	Protection Protection
	// Local says that the address is not on the internet.
	Local         bool
	Conversations int
	Sent          uint64 // payload bytes from the host
	Received      uint64 // payload bytes to the host
	First         event.Ref
}

// Protection says whether an onlooker can read what is exchanged.
type Protection uint8

// The kinds of protection. Encrypted does not say that the far end was checked.
const (
	ProtectionSilent    Protection = iota // no payload was exchanged
	ProtectionRefused                     // no more than a TLS handshake, which one side broke off
	ProtectionUnknown                     // neither recognised nor readable
	ProtectionEncrypted                   // TLS, DTLS, QUIC, SSH or a VPN
	ProtectionClear                       // a readable protocol, or readable text
	ProtectionMixed                       // some conversations are encrypted, some are readable
)

// String is the protection as reports print it.
func (p Protection) String() string {
	return [...]string{"nothing sent", "encryption refused", "not recognised", "encrypted", "clear", "mixed"}[min(int(p), 5)]
}

// destinationLimit is how many destinations of one host are told apart.
const destinationLimit = 256

// destinations gathers the far ends of one host.
type destinations struct {
	names *recipientLens // the host's own, which remembers the names
	byEnd map[destinationEnd]*Destination
	// open are the TLS handshakes of conversations that go on, at most openLimit.
	open  map[event.FlowID]*tlsConn
	order []*Destination
	more  int
}

type destinationEnd struct {
	addr      netip.AddrPort
	transport event.Transport
}

// see takes one event before the lenses do: names forgets a conversation that ends.
func (d *destinations) see(w *world, ev *sighting, role Role) {
	if role != Actor {
		return
	}
	if b, ok := ev.Body.(event.FlowEnded); ok {
		d.end(w, ev, b)
		delete(d.open, ev.Flow)
		return
	}
	d.shake(ev)
}

// shake follows the handshakes, to tell what came of them.
func (d *destinations) shake(ev *sighting) {
	c := d.open[ev.Flow]
	if b, ok := ev.Body.(event.ClientHello); ok && c == nil && len(d.open) < openLimit {
		if d.open == nil {
			d.open = map[event.FlowID]*tlsConn{}
		}
		d.open[ev.Flow] = &tlsConn{hello: b, greeted: true}
		return
	}
	if c != nil {
		c.see(ev)
	}
}

func (d *destinations) end(w *world, ev *sighting, b event.FlowEnded) {
	name, named := d.names.hello[ev.Flow]
	to := netip.AddrPortFrom(ev.Server.Addr().Unmap(), ev.Server.Port())
	scope := w.scope(to.Addr())
	if scope <= ScopeGroup || !w.isOwnEnd(ev.Client.Addr()) {
		return
	}
	line := d.line(destinationEnd{to, b.Transport})
	if line == nil {
		d.more++
		return
	}
	if !named {
		name = d.names.names[to.Addr()]
	}
	if line.Name == "" && name != "" {
		line.Name = event.Clean(name)
	}
	line.Local = scope != ScopeInternet
	line.add(ev, b, d.open[ev.Flow])
}

// line finds or makes the record of a far end; nil when there are too many.
func (d *destinations) line(end destinationEnd) *Destination {
	if line, ok := d.byEnd[end]; ok {
		return line
	}
	if len(d.order) >= destinationLimit {
		return nil
	}
	if d.byEnd == nil {
		d.byEnd = map[destinationEnd]*Destination{}
	}
	line := &Destination{Addr: end.addr, Transport: end.transport}
	d.byEnd[end] = line
	d.order = append(d.order, line)
	return line
}

func (d *Destination) add(ev *sighting, b event.FlowEnded, c *tlsConn) {
	if first := cmp.Or(ev.First, ev.Ref); d.First == 0 || first < d.First {
		d.First = first
	}
	d.Conversations++
	d.Sent += b.Client.Bytes
	d.Received += b.Server.Bytes
	d.Protection = d.Protection.with(protectionOf(b, c))
	switch {
	case b.Protocol == "" || b.Protocol == d.Protocol:
	case d.Protocol == "":
		d.Protocol = b.Protocol
	default:
		d.Protocol = "several"
	}
}

// with joins the protection of two conversations to the same far end.
func (p Protection) with(q Protection) Protection {
	low, high := min(p, q), max(p, q)
	if low == ProtectionEncrypted && high == ProtectionClear {
		return ProtectionMixed
	}
	return high
}

func protectionOf(b event.FlowEnded, c *tlsConn) Protection {
	switch {
	case b.Client.Bytes+b.Server.Bytes == 0:
		return ProtectionSilent
	case c != nil && b.Protocol == "tls" && b.Client.Missing+b.Server.Missing == 0:
		return protectionOfTLS(c)
	case isEncrypted(b.Protocol):
		return ProtectionEncrypted
	case isClear(b):
		return ProtectionClear
	default:
		return ProtectionUnknown
	}
}

func isEncrypted(protocol string) bool {
	return protocolKinds[protocol] == clearEncrypted ||
		slices.Contains([]string{"wireguard", "openvpn", "ipsec-nat-t"}, protocol)
}

// isClear says that a conversation is in clear, by its protocol or by its content.
func isClear(b event.FlowEnded) bool {
	kind := protocolKinds[b.Protocol]
	return kind == clearPlain || kind == clearNetwork || isHTTP(b.Protocol) ||
		b.Protocol == "" && contentOfFlow(b) == contentReadable
}

// protectionOfTLS is what came of a handshake that was seen whole, on a conversation
// that has ended.
func protectionOfTLS(c *tlsConn) Protection {
	c.ended = true
	switch {
	case c.chosen && c.refused(), !c.chosen && !c.spoke():
		return ProtectionRefused
	case c.chosen && isNullSuite(c.choice.Suite):
		return ProtectionClear
	default:
		return ProtectionEncrypted
	}
}

func isHTTP(protocol string) bool {
	return strings.HasPrefix(protocol, "http") || protocol == "h2c"
}

// Destinations lists the far ends of the conversations that a host opened,
// those on the internet first, then by bytes exchanged, and how many
// conversations went to ends beyond the list's bound.
func (o *Observer) Destinations(id event.HostID) (list []Destination, more int) {
	s, ok := o.hosts[id]
	if !ok {
		return nil, 0
	}
	for _, d := range s.destinations.order {
		list = append(list, *d)
	}
	slices.SortStableFunc(list, compareDestinations)
	return list, s.destinations.more
}

func compareDestinations(a, b Destination) int {
	near := map[bool]int{true: 1}
	return cmp.Or(
		cmp.Compare(near[a.Local], near[b.Local]),
		cmp.Compare(b.Sent+b.Received, a.Sent+a.Received),
		a.Addr.Compare(b.Addr),
		cmp.Compare(a.Transport, b.Transport),
	)
}
