package zone

import (
	"github.com/miekg/dns"
)

// maxChase bounds the aliases that a resolver follows; real ones stop between
// 8 and 16. Longer chains and loops are SERVFAIL.
const maxChase = 12

// bufferSize is what the servers offer: RFC 9715, section 3.2.
const bufferSize = 1232

// Answer answers as a recursive resolver does that does not validate: aliases
// followed, DS from the parent side, signatures and proofs with DO, AD never
// set, CD copied, and broken zones passed on as they are. It is never nil; it
// is not truncated to any size.
func (u *Universe) Answer(q *dns.Msg) *dns.Msg {
	m, do := reply(q)
	m.RecursionAvailable = true
	if m.Rcode != dns.RcodeSuccess {
		return m
	}
	ask := q.Question[0]
	name := dns.CanonicalName(ask.Name)
	for range maxChase {
		r, err := u.holder(name, ask.Qtype).Lookup(name, ask.Qtype, do)
		if err != nil {
			return failed(m)
		}
		m.Answer = append(m.Answer, r.Answer...)
		m.Ns = append(m.Ns, r.Authority...)
		if r.Next == "" {
			m.Rcode = r.Rcode
			return m
		}
		name = r.Next
	}
	return failed(m)
}

// failed turns a reply into SERVFAIL without data.
func failed(m *dns.Msg) *dns.Msg {
	m.Rcode, m.Answer, m.Ns = dns.RcodeServerFailure, nil, nil
	return m
}

// Authority answers as a name server does that serves these zones and no
// other: AA, referrals with glue, aliases within its zones followed, REFUSED
// for all else. It is never nil; it is not truncated to any size.
func (u *Universe) Authority(q *dns.Msg, zones ...string) *dns.Msg {
	m, do := reply(q)
	if m.Rcode != dns.RcodeSuccess {
		return m
	}
	ask := q.Question[0]
	z := u.served(ask, zones)
	if z == nil {
		m.Rcode = dns.RcodeRefused
		return m
	}
	m.Authoritative = true
	name := dns.CanonicalName(ask.Name)
	for range maxChase {
		r, err := z.Lookup(name, ask.Qtype, do)
		if err != nil {
			return failed(m)
		}
		m.Answer = append(m.Answer, r.Answer...)
		m.Ns = append(m.Ns, r.Authority...)
		addExtra(m, r.Additional)
		m.Rcode = r.Rcode
		m.Authoritative = m.Authoritative && (!r.Referral || len(m.Answer) > 0)
		if r.Next == "" || !dns.IsSubDomain(z.name, r.Next) {
			return m
		}
		name = r.Next
	}
	return m
}

// addExtra keeps the OPT record last.
func addExtra(m *dns.Msg, more []dns.RR) {
	m.Extra = append(more, m.Extra...)
}

// served picks the zone to answer from: the deepest that holds the name; for
// DS the one above, where it is served here.
func (u *Universe) served(ask dns.Question, zones []string) *Zone {
	var best *Zone
	name := dns.CanonicalName(ask.Name)
	for _, zone := range zones {
		z := u.zones[zone]
		if z == nil || !dns.IsSubDomain(zone, name) {
			continue
		}
		above := ask.Qtype == dns.TypeDS && zone == name && zone != "."
		if best == nil || !above && len(zone) > len(best.name) {
			best = z
		}
	}
	return best
}

// reply begins an answer. Its code is not NOERROR where the question cannot be
// answered whatever the data are.
func reply(q *dns.Msg) (m *dns.Msg, do bool) {
	m = new(dns.Msg)
	m.SetReply(q)
	m.CheckingDisabled = q.CheckingDisabled
	if opt := q.IsEdns0(); opt != nil {
		do = opt.Do()
		m.SetEdns0(bufferSize, do)
		if opt.Version() != 0 {
			m.Rcode = dns.RcodeBadVers
			m.IsEdns0().SetExtendedRcode(dns.RcodeBadVers)
			return m, do
		}
	}
	switch {
	case q.Opcode != dns.OpcodeQuery:
		m.Rcode = dns.RcodeNotImplemented
	case len(q.Question) != 1:
		m.Rcode = dns.RcodeFormatError
	case q.Question[0].Qclass != dns.ClassINET:
		m.Rcode = dns.RcodeRefused
	case q.Question[0].Qtype == dns.TypeAXFR, q.Question[0].Qtype == dns.TypeIXFR:
		m.Rcode = dns.RcodeRefused
	}
	return m, do
}
