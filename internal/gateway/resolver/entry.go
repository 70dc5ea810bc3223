package resolver

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/cache"
	"assay/internal/gateway/resolver/validate"
	"assay/internal/gateway/resolver/wire"
)

// draft is an answer on its way into the cache.
type draft struct {
	msg    *dns.Msg
	status Status
	ede    wire.EDE
	hold   time.Duration // the longest it may be kept
	tries  uint8
}

// maxText bounds the sentence that goes with an extended error, in bytes.
const maxText = 120

func extended(code uint16, text string) wire.EDE {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return wire.EDE{Code: code, Text: text, Has: true}
}

// entry packs a draft. What cannot be packed is a failure: it was made of
// something an upstream sent.
func (r *Resolver) entry(d draft) *cache.Entry {
	least := trimTTLs(d.msg, r.cfg.Limits)
	e := &cache.Entry{Status: d.status, EDE: d.ede, Tries: d.tries, Stored: r.elapsed()}
	e.Expires = e.Stored + min(d.hold, time.Duration(least)*time.Second)
	var ok bool
	if e.Full, ok = pack(d.msg); !ok {
		return r.failure(nil, extended(dns.ExtendedErrorCodeInvalidData, "the answer cannot be passed on"))
	}
	e.Plain = e.Full
	if plain, changed := withoutDNSSEC(d.msg); changed {
		if e.Plain, ok = pack(plain); !ok {
			return r.failure(nil, extended(dns.ExtendedErrorCodeInvalidData, "the answer cannot be passed on"))
		}
	}
	return e
}

func pack(m *dns.Msg) (cache.Packed, bool) {
	m.Compress = true
	b, err := m.Pack()
	if err != nil {
		return cache.Packed{}, false
	}
	ttls, ok := wire.TTLs(b)
	return cache.Packed{Wire: b, TTLs: ttls}, ok
}

// trimTTLs brings TTLs within the limits and gives the least of them, in
// seconds; 0 when there is no record to take it from. A negative answer lives
// as its SOA says (RFC 2308 section 5).
func trimTTLs(m *dns.Msg, l Limits) uint32 {
	least, maxTTL, maxNegative := ^uint32(0), seconds(l.MaxTTL), seconds(l.MaxNegative)
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			h := rr.Header()
			h.Ttl = min(h.Ttl, maxTTL)
			if soa, ok := rr.(*dns.SOA); ok && m.Question[0].Qtype != dns.TypeSOA {
				h.Ttl = min(h.Ttl, soa.Minttl, maxNegative)
			}
			least = min(least, h.Ttl)
		}
	}
	if len(m.Answer)+len(m.Ns) == 0 {
		return 0
	}
	return least
}

func seconds(d time.Duration) uint32 { return uint32(min(d/time.Second, 1<<31-1)) }

// withoutDNSSEC is the answer for a client that did not set DO: without the
// records it did not ask for by type (RFC 4035 section 3.2.1).
func withoutDNSSEC(m *dns.Msg) (plain *dns.Msg, changed bool) {
	out := *m
	qtype := m.Question[0].Qtype
	out.Answer = notDNSSEC(m.Answer, qtype)
	out.Ns = notDNSSEC(m.Ns, qtype)
	return &out, len(out.Answer) != len(m.Answer) || len(out.Ns) != len(m.Ns)
}

func notDNSSEC(rrs []dns.RR, qtype uint16) []dns.RR {
	var out []dns.RR
	for _, rr := range rrs {
		switch t := rr.Header().Rrtype; t {
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
			if t != qtype {
				continue
			}
		}
		out = append(out, rr)
	}
	return out
}

// keepValidated leaves out of a secure answer what was not validated, and caps
// the TTLs of what was by its signatures (RFC 4035 section 5.3.3).
func keepValidated(m *dns.Msg, v validate.Verdict, now time.Time) {
	m.Answer = capped(chosen(m.Answer, v.Answer), now)
	m.Ns = capped(chosen(m.Ns, v.Authority), now)
}

func chosen(rrs []dns.RR, keep []bool) []dns.RR {
	var out []dns.RR
	for i, rr := range rrs {
		if i < len(keep) && keep[i] {
			out = append(out, rr)
		}
	}
	return out
}

func capped(rrs []dns.RR, now time.Time) []dns.RR {
	for _, s := range rrs {
		sig, ok := s.(*dns.RRSIG)
		if !ok {
			continue
		}
		left := max(0, int32(sig.Expiration-uint32(now.Unix()))) // serial arithmetic, RFC 4034 section 3.1.5
		limit := min(sig.OrigTtl, uint32(left))
		for _, rr := range rrs {
			h := rr.Header()
			if strings.EqualFold(h.Name, sig.Hdr.Name) && (h.Rrtype == sig.TypeCovered || rr == s) {
				h.Ttl = min(h.Ttl, limit)
			}
		}
	}
	return rrs
}

// Failures are remembered for a second at first and longer with every one that
// follows (RFC 9520 section 3.2).
const (
	firstHold = time.Second
	maxHold   = 30 * time.Second
	maxTries  = 6
)

func holdFor(tries uint8) time.Duration {
	return min(maxHold, firstHold<<min(max(tries, 1)-1, maxTries))
}

// failure is the memory that a question could not be answered. The former
// answer, if there was one, is kept beside it as long as it may still serve.
func (r *Resolver) failure(former *cache.Entry, ede wire.EDE) *cache.Entry {
	e := &cache.Entry{Status: Failed, EDE: ede, Stored: r.elapsed(), Tries: 1}
	if former != nil {
		e.Tries = min(former.Tries, maxTries) + 1
		e.Stale = r.stale(former)
	}
	e.Expires = e.Stored + holdFor(e.Tries)
	return e
}

// stale is the last good answer, while the operator lets it serve (RFC 8767).
func (r *Resolver) stale(former *cache.Entry) *cache.Entry {
	if former.Status == Failed {
		former = former.Stale
	}
	if former == nil || r.elapsed() >= former.Expires+r.cfg.ServeStale {
		return nil
	}
	switch former.Status {
	case Secure, Insecure, Unvalidated:
		return former
	default:
		return nil
	}
}

// message unpacks an answer of the cache, with its TTLs as of now.
func (r *Resolver) message(e *cache.Entry) (*dns.Msg, error) {
	b := append([]byte(nil), e.Full.Wire...)
	countDown(b, e.Full.TTLs, age(e, r.elapsed()))
	m := new(dns.Msg)
	err := m.Unpack(b)
	return m, err
}

func age(e *cache.Entry, now time.Duration) uint32 {
	return uint32(max(0, now-e.Stored) / time.Second)
}

func countDown(b []byte, ttls []uint16, age uint32) {
	if age == 0 {
		return
	}
	for _, at := range ttls {
		ttl := binary.BigEndian.Uint32(b[at:])
		binary.BigEndian.PutUint32(b[at:], ttl-min(ttl, age))
	}
}
