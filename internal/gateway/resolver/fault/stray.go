package fault

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver"
)

// The mismatches of the arm stray (RFC 5452 section 9.1).
const (
	WrongID      = "id"
	WrongName    = "name"    // of the question that the message repeats
	WrongAddress = "address" // from another address than the one that was asked
	WrongPort    = "port"    // to the port beside the one that asked
)

// Mismatches lists them.
func Mismatches() []string { return []string{WrongID, WrongName, WrongAddress, WrongPort} }

// canary is an address of the sinkhole, of which there is one for each round.
type canary = netip.Addr

// canary gives the round's address of the same family as the type asks for.
func (c *Conductor) canary(r *running, qtype uint16) canary {
	want4 := qtype == dns.TypeA
	for _, p := range c.cfg.Canaries {
		if p.Addr().Is4() != want4 {
			continue
		}
		room := min(p.Addr().BitLen()-p.Bits(), 16)
		n := r.Pair*len(Mismatches()) + slices.Index(Mismatches(), r.Variant)
		n = 1 + n%max(1, 1<<room-2)
		b := p.Masked().Addr().AsSlice()
		b[len(b)-1] |= byte(n)
		b[len(b)-2] |= byte(n >> 8)
		a, _ := netip.AddrFromSlice(b)
		return a
	}
	return netip.Addr{}
}

// stray makes a message that does not belong to the question; the genuine answer
// follows it. There is one of each type in a round.
func (c *Conductor) stray(r *running, asked resolver.Asked, m *dns.Msg) reply {
	address := c.canary(r, asked.Type)
	switch {
	case asked.TCP:
		return kept(m, "over TCP")
	case asked.Type == dns.TypeHTTPS || !address.IsValid():
		return kept(m, "no sinkhole address of its kind")
	case !asked.Server.IsValid():
		return kept(m, "it cannot be made")
	}
	p, err := c.mismatch(r.Variant, address, asked, m)
	if err != nil || !p.From.IsValid() {
		return kept(m, "it cannot be made")
	}
	if !c.firstStray(r, asked.Type) {
		return kept(m, "one message is enough")
	}
	return reply{msg: m, changed: true, made: r.Variant, stray: &p, canary: address}
}

// mismatch makes the message of one kind.
func (c *Conductor) mismatch(kind string, address canary, asked resolver.Asked, genuine *dns.Msg) (Packet, error) {
	p := Packet{From: asked.Server, To: asked.Client}
	m := new(dns.Msg)
	m.Id = genuine.Id
	m.Response, m.RecursionDesired, m.RecursionAvailable = true, true, true
	m.Question = slices.Clone(genuine.Question)
	m.Answer = []dns.RR{record(genuine.Question[0].Name, address)}
	switch kind {
	case WrongID:
		m.Id ^= 0x5555
	case WrongName:
		m.Question[0].Name = "other.invalid."
	case WrongAddress:
		p.From = netip.AddrPortFrom(elsewhere(c.cfg.Canaries, address, asked.Server.Addr()), asked.Server.Port())
	case WrongPort:
		p.To = netip.AddrPortFrom(p.To.Addr(), p.To.Port()^1)
	}
	var err error
	p.Payload, err = m.Pack()
	return p, err
}

// elsewhere is an address of the sinkhole of the resolver's family.
func elsewhere(nets []netip.Prefix, address, server netip.Addr) netip.Addr {
	if address.Is4() == server.Is4() {
		return address
	}
	for _, p := range nets {
		if p.Addr().Is4() == server.Is4() {
			return p.Masked().Addr().Next()
		}
	}
	return netip.Addr{}
}

func (c *Conductor) firstStray(r *running, qtype uint16) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !r.strayed[qtype]
	r.strayed[qtype] = true
	return first
}

func record(name string, a netip.Addr) dns.RR {
	h := dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: servedTTL}
	if a.Is4() {
		return &dns.A{Hdr: h, A: a.AsSlice()}
	}
	h.Rrtype = dns.TypeAAAA
	return &dns.AAAA{Hdr: h, AAAA: a.AsSlice()}
}
