package upstream

import (
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// maxChain is how many CNAME and DNAME links an answer may have.
const maxChain = 16

// Errors of answers whose content cannot be used.
var (
	ErrLoop     = errors.New("the answer's chain of CNAMEs does not end")
	ErrReferral = errors.New("the answer is a referral: the upstream does not recurse")
	ErrConflict = errors.New("the answer has two CNAMEs at one name")
)

// Scrub keeps of an answer what belongs to the question: the chain of CNAMEs
// and DNAMEs from its name, the records asked for at the end of it, the SOA of
// a negative answer, denials, and the signatures over all of these. Everything
// else, the whole additional section included, is taken out: nobody asked for
// it, and so anybody may have put it there. It returns the name at the end of
// the chain and how many records were taken out of the answer section.
func Scrub(m *dns.Msg) (final string, dropped int, err error) {
	if len(m.Question) != 1 {
		return "", 0, fmt.Errorf("the answer has %d questions, not one", len(m.Question))
	}
	q := m.Question[0]
	c := chain{byName: index(m.Answer), at: dns.CanonicalName(q.Name), qtype: q.Qtype}
	if err := c.follow(); err != nil {
		return "", 0, err
	}
	dropped = len(m.Answer) - len(c.kept)
	m.Answer = c.kept
	if !c.found && isReferral(m, c.at) {
		return "", dropped, ErrReferral
	}
	m.Ns = authority(m.Ns, c.at, c.found)
	m.Extra = nil
	return c.at, dropped, nil
}

func index(rrs []dns.RR) map[string][]dns.RR {
	out := make(map[string][]dns.RR, len(rrs))
	for _, rr := range rrs {
		if h := rr.Header(); h.Class == dns.ClassINET {
			name := dns.CanonicalName(h.Name)
			out[name] = append(out[name], rr)
		}
	}
	return out
}

// chain walks an answer section from the name that was asked.
type chain struct {
	byName map[string][]dns.RR
	kept   []dns.RR
	at     string
	qtype  uint16
	found  bool
}

func (c *chain) follow() error {
	seen := []string{c.at}
	for range maxChain {
		if c.take(c.at, c.qtype) > 0 {
			c.found = true
			return nil
		}
		next, err := c.next()
		if err != nil || next == "" {
			return err
		}
		if slices.Contains(seen, next) {
			return ErrLoop
		}
		seen = append(seen, next)
		c.at = next
	}
	return ErrLoop
}

// next takes the link at the present name and gives where it leads, "" at the
// end of the chain.
func (c *chain) next() (string, error) {
	dnames := c.dname()
	target := ""
	for _, rr := range c.byName[c.at] {
		if cname, ok := rr.(*dns.CNAME); ok {
			to := dns.CanonicalName(cname.Target)
			if target != "" && target != to {
				return "", ErrConflict
			}
			target = to
		}
	}
	if target == "" {
		return dnames, nil
	}
	c.take(c.at, dns.TypeCNAME)
	return target, nil
}

// dname takes the DNAME above the present name, if there is one, and gives what
// the name becomes by it (RFC 6672 section 2.2).
func (c *chain) dname() string {
	for off, end := dns.NextLabel(c.at, 0); !end; off, end = dns.NextLabel(c.at, off) {
		owner := c.at[off:]
		for _, rr := range c.byName[owner] {
			d, ok := rr.(*dns.DNAME)
			if !ok {
				continue
			}
			c.take(owner, dns.TypeDNAME)
			to := dns.CanonicalName(c.at[:off] + d.Target)
			if d.Target == "." {
				to = c.at[:off]
			}
			if _, ok := dns.IsDomainName(to); !ok {
				return ""
			}
			return to
		}
	}
	return ""
}

// take moves an RRset and its signatures to what is kept and says how many
// records of the type there were.
func (c *chain) take(name string, rtype uint16) int {
	var set, sigs, rest []dns.RR
	for _, rr := range c.byName[name] {
		switch {
		case rr.Header().Rrtype == rtype:
			set = append(set, rr)
		case covers(rr, rtype):
			sigs = append(sigs, rr)
		default:
			rest = append(rest, rr)
		}
	}
	if len(set) > 0 {
		c.byName[name] = rest
		c.kept = append(append(c.kept, set...), sigs...)
	}
	return len(set)
}

func covers(rr dns.RR, rtype uint16) bool {
	sig, ok := rr.(*dns.RRSIG)
	return ok && sig.TypeCovered == rtype
}

// isReferral says whether an answer without data points to other servers
// instead.
func isReferral(m *dns.Msg, name string) bool {
	ns := false
	for _, rr := range m.Ns {
		switch rr.(type) {
		case *dns.SOA:
			return false
		case *dns.NS:
			ns = ns || dns.IsSubDomain(rr.Header().Name, name)
		}
	}
	return ns && m.Rcode == dns.RcodeSuccess
}

// authority keeps the proofs of an authority section: NSEC and NSEC3 always,
// they prove wildcards too; SOA for a negative answer, if its zone can hold the
// name; and the signatures over these.
func authority(rrs []dns.RR, name string, positive bool) []dns.RR {
	var out []dns.RR
	for _, rr := range rrs {
		h := rr.Header()
		rtype := h.Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			rtype = sig.TypeCovered
		}
		proof := rtype == dns.TypeNSEC || rtype == dns.TypeNSEC3
		soa := rtype == dns.TypeSOA && !positive && dns.IsSubDomain(h.Name, name)
		if h.Class == dns.ClassINET && (proof || soa) {
			out = append(out, rr)
		}
	}
	return out
}
