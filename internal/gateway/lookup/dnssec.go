package lookup

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
)

// zones collects the zones whose signatures were used, in their order.
type zones struct {
	of    map[string]bool
	order []string
}

func (z *zones) add(name string) {
	if !z.of[name] && len(z.order) < zoneLimit {
		z.of[name] = true
		z.order = append(z.order, name)
	}
}

// dnssec asks for the addresses of a name and follows the aliases, so that it is
// known which part of the way is signed.
func (l *Looker) dnssec(ctx context.Context, name string, all *zones) {
	whole := l.addressesOf(ctx, name)
	n := event.LookupNote{Kind: KindDNSSEC, Subject: name, Outcome: whole.State, Why: whole.Why}
	if whole.absent() {
		n.Outcome, n.Why = StateAbsent, "the name does not exist now"
	}
	way := l.chain(ctx, name, whole)
	n.Data = map[string]string{"own": way[0].state, "chain": joinSteps(way), "breaks": breaks(way)}
	var signers []string
	for _, s := range way {
		if s.signer != "" && s.state == StateSecure && !slices.Contains(signers, s.signer) {
			signers = append(signers, s.signer)
			all.add(s.signer)
		}
	}
	n.Data["zones"] = strings.Join(signers, " ")
	l.note(n)
}

// addressesOf asks for A and, where there is none, for AAAA.
func (l *Looker) addressesOf(ctx context.Context, name string) Answer {
	a := l.ask(ctx, name, dns.TypeA)
	if !a.settled() || a.RCode != dns.RcodeSuccess || has(a.Answer, dns.TypeA) {
		return a
	}
	if b := l.ask(ctx, name, dns.TypeAAAA); !b.settled() || has(b.Answer, dns.TypeAAAA) {
		return b
	}
	return a
}

func has(rrs []dns.RR, t uint16) bool {
	return slices.ContainsFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == t })
}

// step is one name on the way from a name to its addresses.
type step struct{ name, state, signer string }

// chain finds the state of every name on the way. Where there is no alias the whole
// is the only step.
func (l *Looker) chain(ctx context.Context, name string, whole Answer) []step {
	var way []step
	for at := name; len(way) < chainLimit; {
		next, aliased := aliasOf(whole.Answer, at)
		if !aliased && at == name {
			return []step{{at, whole.State, signerOf(whole)}}
		}
		if !aliased {
			a := l.addressesOf(ctx, at)
			return append(way, step{at, a.State, signerOf(a)})
		}
		a := l.askAlias(ctx, at, whole.Answer)
		way = append(way, step{at, a.State, signerOf(a)})
		at = next
	}
	return way
}

// askAlias asks for what makes a name an alias: its CNAME, or the DNAME above it that
// the CNAME was made from, which alone is signed (RFC 6672 section 5.3.1).
func (l *Looker) askAlias(ctx context.Context, name string, rrs []dns.RR) Answer {
	for _, rr := range rrs {
		owner := dns.CanonicalName(rr.Header().Name)
		if rr.Header().Rrtype == dns.TypeDNAME && owner != name && dns.IsSubDomain(owner, name) {
			return l.ask(ctx, owner, dns.TypeDNAME)
		}
	}
	return l.ask(ctx, name, dns.TypeCNAME)
}

// aliasOf is what a CNAME in an answer says of a name.
func aliasOf(rrs []dns.RR, name string) (string, bool) {
	for _, rr := range rrs {
		if c, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(c.Hdr.Name) == name {
			return dns.CanonicalName(c.Target), true
		}
	}
	return "", false
}

// signerOf is the zone that signed an answer: the data, or the proof that there is
// none; "" where nothing is signed.
func signerOf(a Answer) string {
	for _, rr := range slices.Concat(a.Answer, a.Authority) {
		if s, ok := rr.(*dns.RRSIG); ok {
			return dns.CanonicalName(s.SignerName)
		}
	}
	return ""
}

func joinSteps(way []step) string {
	var out []string
	for _, s := range way {
		out = append(out, s.name+" "+s.state)
	}
	return strings.Join(out, ", ")
}

// breaks is the first name that is not secure; "" when all are.
func breaks(way []step) string {
	for _, s := range way {
		if s.state != StateSecure {
			return s.name
		}
	}
	return ""
}

// zone reads the keys of a zone and what its parent says of them.
func (l *Looker) zone(ctx context.Context, name string) {
	n := event.LookupNote{Kind: KindZone, Subject: name, Outcome: OutcomeRead}
	keys, links := l.ask(ctx, name, dns.TypeDNSKEY), l.ask(ctx, name, dns.TypeDS)
	for _, a := range []Answer{keys, links} {
		if a.State != StateSecure {
			n.Outcome, n.Why = StateFailed, fmt.Sprintf("the keys of the zone are %s %s", a.State, a.Why)
		}
	}
	n.Data = keyData(keys.Answer)
	n.Data["digests"] = digests(links.Answer)
	if p := l.ask(ctx, name, dns.TypeNSEC3PARAM); p.settled() {
		n.Data["iterations"] = iterations(p)
	}
	if n.Outcome == OutcomeRead && n.Data["algorithms"] == "" {
		n.Outcome, n.Why = StateFailed, "the zone shows no keys"
	}
	l.note(n)
}

// iterations are those of NSEC3, from the parameters of the zone or from its proof
// that it shows none; "" for a zone with NSEC.
func iterations(a Answer) string {
	for _, rr := range slices.Concat(a.Answer, a.Authority) {
		switch rr := rr.(type) {
		case *dns.NSEC3PARAM:
			return strconv.Itoa(int(rr.Iterations))
		case *dns.NSEC3:
			return strconv.Itoa(int(rr.Iterations))
		}
	}
	return ""
}

// keyData gives the algorithms of a zone's keys and the bits of its shortest RSA key.
func keyData(rrs []dns.RR) map[string]string {
	var algorithms []int
	least := 0
	for _, rr := range rrs {
		k, ok := rr.(*dns.DNSKEY)
		if !ok || k.Flags&dns.ZONE == 0 || k.Flags&dns.REVOKE != 0 {
			continue
		}
		if !slices.Contains(algorithms, int(k.Algorithm)) {
			algorithms = append(algorithms, int(k.Algorithm))
		}
		if bits := rsaBits(k); bits > 0 && (least == 0 || bits < least) {
			least = bits
		}
	}
	out := map[string]string{"algorithms": numbers(algorithms)}
	if least > 0 {
		out["rsa"] = strconv.Itoa(least)
	}
	return out
}

func digests(rrs []dns.RR) string {
	var out []int
	for _, rr := range rrs {
		if d, ok := rr.(*dns.DS); ok && !slices.Contains(out, int(d.DigestType)) {
			out = append(out, int(d.DigestType))
		}
	}
	return numbers(out)
}

func numbers(list []int) string {
	slices.Sort(list)
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, " ")
}

// rsaBits is the length of an RSA key's modulus (RFC 3110 section 2); 0 for other
// algorithms and for what cannot be read.
func rsaBits(k *dns.DNSKEY) int {
	switch k.Algorithm {
	case dns.RSAMD5, dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
	default:
		return 0
	}
	b, err := base64.StdEncoding.DecodeString(k.PublicKey)
	if err != nil {
		return 0
	}
	return new(big.Int).SetBytes(modulus(b)).BitLen()
}

// modulus is what follows the exponent, whose length is in one byte or, after a zero,
// in two.
func modulus(b []byte) []byte {
	if len(b) < 3 {
		return nil
	}
	size, rest := int(b[0]), b[1:]
	if size == 0 {
		size, rest = int(b[1])<<8|int(b[2]), b[3:]
	}
	return rest[min(size, len(rest)):]
}
