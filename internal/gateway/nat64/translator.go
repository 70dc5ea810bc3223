package nat64

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"assay/internal/gateway/nat64/siit"
)

// notPublic is what the prefix must never lead to: everything of IPv4 that is not
// the public internet (RFC 6052 section 3.1, the registry of RFC 6890), except the
// networks for documentation, which hurt nobody.
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

// Reasons of this package, beside those of siit.
const (
	noSession  siit.Reason = "of no conversation"
	full       siit.Reason = "too many conversations"
	refusedNet siit.Reason = "to a network that is not public"
	notOurs    siit.Reason = "not to the translator"
	expired    siit.Reason = "the hop limit is used up"
	tooBig     siit.Reason = "too big for the other side"
)

// translator translates packets one by one. It is used by one goroutine; Counts may
// be asked by others.
type translator struct {
	cfg   Config
	table *table
	parts siit.Reassembler
	mtu   siit.MTUs
	send  func([]byte)
	out   []byte // reused
	id    uint32 // of fragments, counted up
	told  budget // errors

	mu     sync.Mutex
	counts Counts
}

// Counts is what the translator has done.
type Counts struct {
	ToIPv4, ToIPv6 uint64            // packets
	Sessions       int               // conversations that are known
	Refused        map[string]uint64 // packets, by reason
}

func newTranslator(cfg Config, send func([]byte)) *translator {
	return &translator{
		cfg: cfg, table: newTable(), send: send, mtu: siit.MTUs{IPv4: cfg.MTU, IPv6: cfg.MTU},
		counts: Counts{Refused: map[string]uint64{}},
	}
}

func (t *translator) read() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.Refused = maps.Clone(c.Refused)
	return c
}

// handle translates one packet that was routed here, at the time now.
func (t *translator) handle(b []byte, now time.Duration) {
	t.table.expire(now)
	var reason siit.Reason
	v6 := len(b) > 0 && b[0]>>4 == 6
	if v6 {
		reason = t.fromIPv6(b, now)
	} else {
		reason = t.fromIPv4(b, now)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Sessions = len(t.table.sessions)
	switch {
	case reason != "":
		t.counts.Refused[string(reason)]++
	case v6:
		t.counts.ToIPv4++
	default:
		t.counts.ToIPv6++
	}
}

// fromIPv6 takes what a device sends.
func (t *translator) fromIPv6(b []byte, now time.Duration) siit.Reason {
	p, reason := siit.ParseIPv6(b, false)
	if reason != "" {
		return reason
	}
	far, ok := siit.Extract(t.cfg.Prefix, p.Dst)
	if !ok || t.cfg.Prefix.Contains(p.Src) || !p.Src.IsGlobalUnicast() {
		return notOurs
	}
	switch {
	case t.refused(far):
		t.tell6(siit.Prohibited, p, b, now)
		return refusedNet
	case p.Hops <= 1:
		t.tell6(siit.Expired, p, b, now)
		return expired
	}
	if p.Fragment {
		whole, done, reason := t.parts.Add(p, now)
		if !done {
			return reason
		}
		p = whole
	}
	p.Hops--
	if p.Kind() == siit.Error {
		return t.errorOut(p, far)
	}
	return t.packetOut(p, far, now)
}

func (t *translator) refused(a netip.Addr) bool {
	contains := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(t.cfg.Allow, contains) {
		return false
	}
	return slices.ContainsFunc(notPublic, contains) || slices.ContainsFunc(t.cfg.Refuse, contains)
}

// protocolOf tells which table a packet belongs to.
func protocolOf(k siit.Kind) (protocol, bool) {
	switch k {
	case siit.TCP:
		return protoTCP, true
	case siit.UDP:
		return protoUDP, true
	case siit.Request, siit.Reply:
		return protoICMP, true
	default:
		return 0, false
	}
}

// insideOf is the device's end in a packet that it sends.
func insideOf(proto protocol, e siit.Ends, far netip.Addr) (inside, outside) {
	in, out := inside{e.Src, e.SrcPort, proto}, outside{far, e.DstPort}
	if proto == protoICMP {
		out.port = 0
	}
	return in, out
}

func (t *translator) packetOut(p siit.Packet, far netip.Addr, now time.Duration) siit.Reason {
	proto, ok := protocolOf(p.Kind())
	if !ok || p.Kind() == siit.Reply {
		return siit.Protocol
	}
	e := p.Ends()
	in, to := insideOf(proto, e, far)
	s := t.table.out(in, to, now)
	if s == nil {
		return full
	}
	e = siit.Ends{Src: t.cfg.Pool, Dst: far, SrcPort: s.binding.port, DstPort: e.DstPort}
	out, reason := siit.ToIPv4(t.out[:0], p, e, t.nextID())
	if reason != "" {
		return reason
	}
	t.table.seen(s, p, true, now)
	t.out = out
	t.sendIPv4(p)
	return ""
}

// errorOut takes an ICMPv6 error that a device sends about what it was sent.
func (t *translator) errorOut(p siit.Packet, far netip.Addr) siit.Reason {
	in, reason := siit.Quoted(p)
	if reason != "" {
		return reason
	}
	proto, _ := protocolOf(in.Kind())
	e := in.Ends()
	from, ok := siit.Extract(t.cfg.Prefix, in.Src)
	if !ok || from != far || in.Dst != p.Src {
		return noSession
	}
	turned := siit.Ends{Src: e.Dst, SrcPort: e.DstPort, DstPort: e.SrcPort}
	i, o := insideOf(proto, turned, far)
	s := t.table.sessions[sessionKey{i, o}]
	if s == nil {
		return noSession
	}
	inner := siit.Ends{Src: far, Dst: t.cfg.Pool, SrcPort: e.SrcPort, DstPort: s.binding.port}
	if proto == protoICMP {
		inner.SrcPort = s.binding.port
	}
	outer := siit.Ends{Src: t.cfg.Pool, Dst: far}
	t.out, reason = siit.ErrorToIPv4(t.out[:0], p, in, outer, inner, t.mtu, t.nextID())
	if reason == "" {
		t.send(t.out)
	}
	return reason
}

func (t *translator) nextID() uint16 {
	t.id++
	return uint16(t.id)
}

// sendIPv4 sends what lies in t.out. Only what came in fragments is cut again.
func (t *translator) sendIPv4(p siit.Packet) {
	if len(t.out) > t.mtu.IPv4 && p.Reassembled {
		siit.Split4(t.out, t.mtu.IPv4, t.send)
		return
	}
	t.send(t.out)
}

// fromIPv4 takes what comes back from outside.
func (t *translator) fromIPv4(b []byte, now time.Duration) siit.Reason {
	p, reason := siit.ParseIPv4(b, false)
	if reason != "" {
		return reason
	}
	if p.Dst != t.cfg.Pool {
		return notOurs
	}
	if p.Hops <= 1 {
		t.tell4(siit.Expired, p, b, now)
		return expired
	}
	if p.Fragment {
		whole, done, reason := t.parts.Add(p, now)
		if !done {
			return reason
		}
		p = whole
	}
	p.Hops--
	if p.Kind() == siit.Error {
		return t.errorIn(p)
	}
	return t.packetIn(p, b, now)
}

func (t *translator) packetIn(p siit.Packet, b []byte, now time.Duration) siit.Reason {
	proto, ok := protocolOf(p.Kind())
	if !ok || p.Kind() == siit.Request {
		return siit.Protocol
	}
	e := p.Ends()
	far := outside{p.Src, e.SrcPort}
	if proto == protoICMP {
		far.port = 0
	}
	s := t.table.in(proto, e.DstPort, far)
	if s == nil {
		return noSession
	}
	if t.tooBig(p) {
		t.tell4(siit.TooBig, p, b, now)
		return tooBig
	}
	in := s.key.in
	e = siit.Ends{Src: siit.Embed(t.cfg.Prefix, p.Src), Dst: in.addr, SrcPort: e.SrcPort, DstPort: in.port}
	if proto == protoICMP {
		e.SrcPort = in.port
	}
	var reason siit.Reason
	if t.out, reason = siit.ToIPv6(t.out[:0], p, e); reason != "" {
		return reason
	}
	t.table.seen(s, p, false, now)
	if len(t.out) <= t.mtu.IPv6 {
		t.send(t.out)
		return ""
	}
	t.id++
	siit.Split6(t.out, t.mtu.IPv6, t.id, t.send)
	return ""
}

// tooBig says whether a packet does not fit the other side and must not be cut.
func (t *translator) tooBig(p siit.Packet) bool {
	return p.DontFragment && siit.HeaderIPv6+p.Length > t.mtu.IPv6
}

// errorIn takes an ICMP error about what a device has sent. Where it comes from a
// private address, such as the router's own, the translator speaks in its place (RFC
// 6052 section 3.1).
func (t *translator) errorIn(p siit.Packet) siit.Reason {
	in, reason := siit.Quoted(p)
	if reason != "" {
		return reason
	}
	proto, _ := protocolOf(in.Kind())
	e := in.Ends()
	far := outside{in.Dst, e.DstPort}
	if proto == protoICMP {
		far.port = 0
	}
	s := t.table.in(proto, e.SrcPort, far)
	if s == nil || in.Src != t.cfg.Pool {
		return noSession
	}
	i := s.key.in
	inner := siit.Ends{Src: i.addr, Dst: siit.Embed(t.cfg.Prefix, in.Dst), SrcPort: i.port, DstPort: e.DstPort}
	outer := siit.Ends{Src: siit.Embed(t.cfg.Prefix, p.Src), Dst: i.addr}
	if t.refused(p.Src) {
		outer.Src = t.cfg.Own()
	}
	if t.out, reason = siit.ErrorToIPv6(t.out[:0], p, in, outer, inner, t.mtu); reason == "" {
		t.send(t.out)
	}
	return reason
}
