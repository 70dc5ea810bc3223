package zone

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Times to live in seconds: short, because experiments change answers.
const (
	keyTTL    = 300
	dataTTL   = 300
	denialTTL = 60 // SOA minimum, RFC 2308 section 5
)

// rrset is all records of one owner and type.
type rrset []dns.RR

// node is what one owner name has, by type. An empty non-terminal has nothing.
type node map[uint16]rrset

// Zone is one zone with its keys and its own name server.
type Zone struct {
	spec
	server  Server
	nodes   map[string]node
	glue    map[string]rrset // addresses of name servers below a zone cut
	chain   []chained        // in canonical order (nsec) or in hash order (nsec3)
	entry   key              // signs the keys
	signing key              // signs everything else
	by      string           // the name signatures carry
	u       *Universe
}

// Server is a name server: where it listens, on port 53, for which zone.
type Server struct {
	Zone string
	Name string
	V4   netip.Addr
	V6   netip.Addr
}

// Server returns where the zone is served.
func (z *Zone) Server() Server { return z.server }

// Apex returns the zone's name, in lower case with the final dot.
func (z *Zone) Apex() string { return z.name }

func (z *Zone) signed() bool { return z.denial != unsigned }

// newZone reads the zone's records and gives it an apex. Keys, delegations and
// the chain of denials come later.
func (u *Universe) newZone(s spec, index int) (*Zone, error) {
	z := &Zone{spec: s, u: u, nodes: map[string]node{}, glue: map[string]rrset{}, by: s.name}
	z.server = serverOf(s.name, index)
	text := fmt.Sprintf("$TTL %d\n@ SOA %s hostmaster%s 1 3600 600 604800 %d\n@ NS %s\n%s A %s\n%s AAAA %s\n",
		dataTTL, z.server.Name, under(s.name), denialTTL, z.server.Name,
		z.server.Name, z.server.V4, z.server.Name, z.server.V6)
	parser := dns.NewZoneParser(strings.NewReader(text+s.records), s.name, s.name)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		if !dns.IsSubDomain(s.name, rr.Header().Name) {
			return nil, fmt.Errorf("cannot put %s into zone %s: it lies outside", rr.Header().Name, s.name)
		}
		z.add(rr)
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the records of zone %s: %w", s.name, err)
	}
	return z, nil
}

// The servers' addresses: blocks set aside for documentation, so that no
// packet of the lab could ever mean a machine of somebody.
func serverOf(zone string, index int) Server {
	v4 := netip.AddrFrom4([4]byte{192, 0, 2, byte(index + 1)})
	v6 := netip.MustParseAddr("2001:db8:53::").As16()
	v6[15] = byte(index + 1)
	return Server{Zone: zone, Name: "ns1" + under(zone), V4: v4, V6: netip.AddrFrom16(v6)}
}

// under gives ".zone." to put behind a label; the root has only the dot.
func under(zone string) string {
	if zone == "." {
		return zone
	}
	return "." + zone
}

// add puts a record at its owner and makes the empty non-terminals above it.
func (z *Zone) add(rr dns.RR) {
	h := rr.Header()
	h.Name = dns.CanonicalName(h.Name)
	for name := h.Name; name != z.name; name = parentOf(name) {
		if z.nodes[name] == nil {
			z.nodes[name] = node{}
		}
	}
	if z.nodes[z.name] == nil {
		z.nodes[z.name] = node{}
	}
	z.nodes[h.Name][h.Rrtype] = append(z.nodes[h.Name][h.Rrtype], rr)
}

// parentOf takes the first label off; the parent of the root is the root.
func parentOf(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

// cutAt says whether a name of the zone is where another zone begins.
func (z *Zone) cutAt(name string) bool {
	return name != z.name && len(z.nodes[name][dns.TypeNS]) > 0
}

// canonical turns a name into text that sorts in the order of RFC 4034, section 6.1.
func canonical(name string) string {
	labels := dns.SplitDomainName(strings.ToLower(name))
	slices.Reverse(labels)
	return strings.Join(labels, "\x00")
}

// names lists all owners in canonical order, empty non-terminals included.
func (z *Zone) names() []string {
	out := make([]string, 0, len(z.nodes))
	for name := range z.nodes {
		out = append(out, name)
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(canonical(a), canonical(b)) })
	return out
}

// types lists the types of a node in ascending order, as bitmaps want them.
func (n node) types() []uint16 {
	out := make([]uint16, 0, len(n)+2)
	for t := range n {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}

func copied(in rrset) []dns.RR {
	out := make([]dns.RR, len(in))
	for i, rr := range in {
		out[i] = dns.Copy(rr)
	}
	return out
}
