package fault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/gateway/resolver"
)

// reshape makes the faults that need no signature.
func (c *Conductor) reshape(ctx context.Context, r *running, asked resolver.Asked, m *dns.Msg) reply {
	switch r.Arm {
	case event.ArmServfail:
		refuse(m, dns.RcodeServerFailure)
		alarm(m)
	case event.ArmTruncate:
		if asked.TCP {
			return kept(m, "over TCP")
		}
		empty(m)
		m.Truncated = true
	case event.ArmLarge:
		enlarge(m, asked.Name)
	case event.ArmChain:
		return c.lengthen(ctx, r, asked, m)
	case event.ArmDrop:
		return reply{changed: true}
	case event.ArmStray:
		return c.stray(r, asked, m)
	default:
		return kept(m, "")
	}
	return reply{msg: m, changed: true}
}

func empty(m *dns.Msg) {
	m.Answer, m.Ns = nil, nil
	m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
	m.AuthenticatedData = false
}

func refuse(m *dns.Msg, rcode int) {
	empty(m)
	m.Rcode = rcode
}

// alarm says that the signatures do not hold (RFC 8914 section 4.7), to a client
// that uses EDNS.
func alarm(m *dns.Msg) {
	if opt := m.IsEdns0(); opt != nil {
		opt.Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus}}
	}
}

const (
	// unusedType is from the range for private use (RFC 6895 section 3.1): a client
	// must step over it (RFC 3597 section 4).
	unusedType = 65280
	fillings   = 3
	filling    = 255 // bytes of text in one record
)

// enlarge makes an answer larger than 512 bytes by additional records, which no
// client needs. The answer itself and its signatures stay as they are.
func enlarge(m *dns.Msg, name string) {
	header := func(rrtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: servedTTL}
	}
	for range fillings {
		m.Extra = append(m.Extra, &dns.TXT{Hdr: header(dns.TypeTXT), Txt: []string{strings.Repeat("x", filling)}})
	}
	m.Extra = append(m.Extra, &dns.RFC3597{Hdr: header(unusedType), Rdata: "00ff00ff"})
}

// hopCount is how many CNAMEs stand before the genuine records.
const hopCount = 4

// hops are the names between the attacked name and its records; none where they
// would be too long (RFC 1035 section 2.3.4).
func hops(name string) []string {
	var out []string
	for i := range hopCount {
		hop := fmt.Sprintf("alias-%d.%s", i+1, name)
		if _, valid := dns.IsDomainName(hop); !valid {
			return nil
		}
		out = append(out, hop)
	}
	return out
}

// lengthen puts four CNAMEs before the genuine records. A client that follows them by
// itself asks for their names, which do not exist: it gets the rest of the chain.
func (c *Conductor) lengthen(ctx context.Context, r *running, asked resolver.Asked, m *dns.Msg) reply {
	if asked.Status == resolver.Secure && asked.DO {
		return kept(m, "the name is signed, and aliases cannot be")
	}
	chain := append([]string{r.Name}, hops(r.Name)...)
	from := slices.Index(chain, asked.Name)
	if from < 0 || len(chain) == 1 {
		return kept(m, "an alias of its own, or too long a name")
	}
	if from > 0 {
		genuine := c.lookup(ctx, r.Name, asked.Type)
		if genuine == nil {
			return kept(m, "the genuine answer does not hold")
		}
		m.Rcode, m.Answer, m.Ns = genuine.Rcode, genuine.Answer, nil
	}
	m.Answer = append(aliases(chain[from:]), renamed(m.Answer, r.Name, chain[hopCount])...)
	m.AuthenticatedData = false
	return reply{msg: m, changed: true}
}

func aliases(chain []string) []dns.RR {
	var out []dns.RR
	for i := 1; i < len(chain); i++ {
		out = append(out, &dns.CNAME{
			Hdr:    dns.RR_Header{Name: chain[i-1], Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: servedTTL},
			Target: chain[i],
		})
	}
	return out
}

// renamed gives the records with another owner, and without signatures.
func renamed(rrs []dns.RR, from, to string) []dns.RR {
	var out []dns.RR
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			continue
		}
		if dns.CanonicalName(rr.Header().Name) == from {
			rr.Header().Name = to
		}
		out = append(out, rr)
	}
	return out
}

// lookup is the box's own answer, nil where it does not hold.
func (c *Conductor) lookup(ctx context.Context, name string, qtype uint16) *dns.Msg {
	if c.cfg.Lookup == nil {
		return nil
	}
	a := c.cfg.Lookup(ctx, name, qtype)
	switch a.Status {
	case resolver.Secure, resolver.Insecure, resolver.Unvalidated:
		return a.Msg
	default:
		return nil
	}
}
