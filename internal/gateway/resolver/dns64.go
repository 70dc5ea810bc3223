package resolver

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/nat64/siit"
	"assay/internal/gateway/resolver/cache"
	"assay/internal/gateway/resolver/wire"
)

// dns64 makes IPv6 addresses for names that have IPv4 addresses alone (RFC 6147).
// It never changes: another prefix is another dns64.
type dns64 struct {
	prefix netip.Prefix
	// mark goes behind the keys of its answers in the cache, so that no other dns64
	// finds them.
	mark [markSize]byte
}

// markSize is the length of dns64.mark: a byte that ends no other key, and a number.
const markSize = 5

// missingSOA is how long a made address lives at most where the denial of a genuine
// one has no SOA (RFC 6147 section 5.1.7).
const missingSOA = 600 * time.Second

// SetDNS64 makes IPv6 addresses within the NAT64 prefix for names without any, from
// the next question on; the zero Prefix ends that. The prefix is one of RFC 6052
// section 2.2.
func (r *Resolver) SetDNS64(prefix netip.Prefix) error {
	if !prefix.IsValid() {
		r.dns64.Store(nil)
		return nil
	}
	if err := siit.CheckPrefix(prefix); err != nil {
		return fmt.Errorf("cannot make addresses for NAT64: %w", err)
	}
	d := &dns64{prefix: prefix, mark: [markSize]byte{'6'}}
	binary.BigEndian.PutUint32(d.mark[1:], r.marks.Add(1))
	r.dns64.Store(d)
	return nil
}

// ipv4only is the name by which devices learn of the prefix (RFC 7050), in wire form.
var ipv4only = []byte("\x08ipv4only\x04arpa\x00")

const ipv4onlyName = "ipv4only.arpa."

// wellKnown4 are its IPv4 addresses, and names its TTL.
var wellKnown4 = []netip.Addr{netip.MustParseAddr("192.0.0.170"), netip.MustParseAddr("192.0.0.171")}

// concerns says whether answers may differ from those without DNS64. Who validates
// by itself (DO and CD) gets what there is (RFC 6147 section 5.5).
func (d *dns64) concerns(q *wire.Query) bool {
	switch {
	case d == nil || q.DO && q.CD():
		return false
	case q.Type == dns.TypeAAAA || q.Type == dns.TypePTR:
		return true
	}
	at := len(q.Name) - len(ipv4only)
	return at >= 0 && bytes.EqualFold(q.Name[at:], ipv4only)
}

// key is that of the question in the cache.
func (r *Resolver) key(room []byte, q *wire.Query) []byte {
	key := wire.AppendKey(room, q.Name, q.Type, q.Class)
	if d := r.dns64.Load(); d.concerns(q) && !q.CD() {
		key = append(key, d.mark[:]...)
	}
	return key
}

// answer gives what is known of a question, as the network of the device needs it.
func (r *Resolver) answer(ctx context.Context, q *wire.Query, name string) *cache.Entry {
	key := wire.AppendKey(nil, q.Name, q.Type, q.Class)
	d := r.dns64.Load()
	if !d.concerns(q) {
		return r.resolve(ctx, key, name, q.Type, q.CD())
	}
	e := r.fromIPv4(ctx, d, key, q, name)
	if !q.CD() && r.life.Err() == nil {
		r.put(append(key, d.mark[:]...), e)
	}
	return e
}

// fromIPv4 is answer where DNS64 may have a part in it.
func (r *Resolver) fromIPv4(ctx context.Context, d *dns64, key []byte, q *wire.Query, name string) *cache.Entry {
	if m := d.special(q, name); m != nil {
		r.chase(ctx, m, q.CD())
		return r.entry(draft{msg: m, status: Insecure, hold: forever})
	}
	e := r.resolve(ctx, key, name, q.Type, q.CD())
	if q.Type != dns.TypeAAAA {
		return e
	}
	least, wanted := r.lacksAAAA(e)
	if !wanted || withheld(e.Status, q.CD()) && e.Status != Failed {
		return e
	}
	a := r.resolve(ctx, wire.AppendKey(nil, q.Name, dns.TypeA, q.Class), name, dns.TypeA, q.CD())
	if withheld(a.Status, q.CD()) {
		return e
	}
	m, err := r.message(a)
	if err != nil || !d.synthesise(m, least) {
		return e
	}
	return r.entry(draft{msg: m, status: worse(e.Status, a.Status), hold: max(0, a.Expires-r.elapsed())})
}

// lacksAAAA says whether an answer has no IPv6 address that is of use, and how long
// that holds. A name that does not exist has no IPv4 address either (RFC 6147 section
// 5.1.2); where nothing could be found out the IPv4 address is tried (5.1.3).
func (r *Resolver) lacksAAAA(e *cache.Entry) (least uint32, lacks bool) {
	if e.Status == Failed {
		return seconds(firstHold), true
	}
	m, err := r.message(e)
	if err != nil || m.Rcode != dns.RcodeSuccess {
		return 0, false
	}
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.AAAA); ok && useful(a.AAAA) {
			return 0, false
		}
	}
	least = seconds(missingSOA)
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			least = min(soa.Hdr.Ttl, soa.Minttl)
		}
	}
	return least, true
}

// useful leaves out addresses that stand for IPv4 ones (RFC 6147 section 5.1.4).
func useful(ip net.IP) bool {
	a, ok := netip.AddrFromSlice(ip)
	return ok && !a.Is4In6() && !a.Is4()
}

// synthesise makes an answer to A one to AAAA, and says whether there was anything to
// make it of. Signatures of the addresses go, those of aliases stay.
func (d *dns64) synthesise(m *dns.Msg, least uint32) bool {
	made := false
	var out []dns.RR
	for _, rr := range m.Answer {
		switch v := rr.(type) {
		case *dns.A:
			a, ok := netip.AddrFromSlice(v.A.To4())
			if !ok || !public(a) {
				continue
			}
			made = true
			out = append(out, d.made(v.Hdr.Name, a, min(v.Hdr.Ttl, least)))
		case *dns.RRSIG:
			if v.TypeCovered != dns.TypeA {
				out = append(out, rr)
			}
		default:
			out = append(out, rr)
		}
	}
	m.Question[0].Qtype = dns.TypeAAAA
	m.Answer, m.Ns = out, nil
	return made
}

// public leaves out what the prefix must not lead to (RFC 6052 section 3.1).
func public(a netip.Addr) bool { return a.IsGlobalUnicast() && !a.IsPrivate() }

func (d *dns64) made(name string, a netip.Addr, ttl uint32) dns.RR {
	return &dns.AAAA{Hdr: header(name, dns.TypeAAAA, ttl), AAAA: siit.Embed(d.prefix, a).AsSlice()}
}

// worse is what is known of an answer made of two.
func worse(a, b Status) Status {
	if a == Secure && b == Secure {
		return Secure
	}
	if a == Unvalidated || b == Unvalidated {
		return Unvalidated
	}
	return Insecure
}

// special answers what no upstream can: the name of RFC 7050, and the names of made
// addresses (RFC 6147 section 5.3). nil for all others.
func (d *dns64) special(q *wire.Query, name string) *dns.Msg {
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: name, Qtype: q.Type, Qclass: dns.ClassINET}}
	switch {
	case dns.IsSubDomain(ipv4onlyName, name):
		d.ipv4only(m)
	case q.Type == dns.TypePTR:
		a, ok := reversed(name)
		v4, in := siit.Extract(d.prefix, a)
		if !ok || !in {
			return nil
		}
		to, _ := dns.ReverseAddr(v4.String()) // an address always has a reverse name
		m.Answer = []dns.RR{&dns.CNAME{Hdr: header(name, dns.TypeCNAME, seconds(missingSOA)), Target: to}}
		if slices.Contains(wellKnown4, v4) {
			m.Answer = append(m.Answer, &dns.PTR{Hdr: header(to, dns.TypePTR, seconds(missingSOA)), Ptr: ipv4onlyName})
		}
	default:
		return nil
	}
	return m
}

// chase adds what the alias of a made address's name leads to.
func (r *Resolver) chase(ctx context.Context, m *dns.Msg, cd bool) {
	if len(m.Answer) != 1 {
		return
	}
	c, ok := m.Answer[0].(*dns.CNAME)
	if !ok {
		return
	}
	room := make([]byte, maxNameSize)
	n, err := dns.PackDomainName(c.Target, room, 0, nil, false)
	if err != nil {
		return
	}
	e := r.resolve(ctx, wire.AppendKey(nil, room[:n], dns.TypePTR, dns.ClassINET), c.Target, dns.TypePTR, cd)
	if withheld(e.Status, cd) {
		return
	}
	if more, err := r.message(e); err == nil {
		m.Answer = append(m.Answer, more.Answer...)
	}
}

// ipv4only answers for ipv4only.arpa (RFC 8880 section 7.2).
func (d *dns64) ipv4only(m *dns.Msg) {
	q := m.Question[0]
	m.Authoritative = true
	for _, a := range wellKnown4 {
		switch {
		case q.Name != ipv4onlyName:
			m.Rcode = dns.RcodeNameError
		case q.Qtype == dns.TypeA:
			m.Answer = append(m.Answer, &dns.A{Hdr: header(q.Name, q.Qtype, seconds(missingSOA)), A: a.AsSlice()})
		case q.Qtype == dns.TypeAAAA:
			m.Answer = append(m.Answer, d.made(q.Name, a, seconds(missingSOA)))
		}
	}
	if len(m.Answer) == 0 {
		m.Ns = []dns.RR{localSOA(ipv4onlyName)}
	}
}

// reversed is the address of a name below ip6.arpa.
func reversed(name string) (netip.Addr, bool) {
	const suffix, length = "ip6.arpa.", 2*32 + len("ip6.arpa.")
	if len(name) != length || name[length-len(suffix):] != suffix {
		return netip.Addr{}, false
	}
	var b [16]byte
	for i := range 32 {
		c := name[2*i]
		n := bytes.IndexByte([]byte("0123456789abcdef"), c)
		if n < 0 || name[2*i+1] != '.' {
			return netip.Addr{}, false
		}
		at := 31 - i
		b[at/2] |= byte(n) << (4 * (1 - at%2))
	}
	return netip.AddrFrom16(b), true
}
