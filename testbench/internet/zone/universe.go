package zone

import (
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Universe is all zones from the root down.
type Universe struct {
	seed  uint64
	clock func() time.Time
	zones map[string]*Zone
	order []string // as in the table: parents before children
	rsa   *rsa.PrivateKey

	mu   sync.Mutex
	sigs map[string]map[sigKey]keptSig
}

// NewUniverse makes all zones. The same seed and the same day of the clock give
// the same bytes. A nil clock means time.Now.
func NewUniverse(seed uint64, clock func() time.Time) (*Universe, error) {
	return newUniverse(seed, clock, table())
}

func newUniverse(seed uint64, clock func() time.Time, specs []spec) (*Universe, error) {
	if clock == nil {
		clock = time.Now
	}
	u := &Universe{seed: seed, clock: clock, zones: map[string]*Zone{}, sigs: map[string]map[sigKey]keptSig{}}
	for i, s := range specs {
		z, err := u.newZone(s, i)
		if err != nil {
			return nil, err
		}
		if err := u.giveKeys(z); err != nil {
			return nil, err
		}
		u.zones[s.name], u.order = z, append(u.order, s.name)
	}
	for _, name := range u.order {
		if err := u.delegate(u.zones[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range u.order {
		z := u.zones[name]
		if z.fault == foreignSigner {
			z.by, z.signing = z.signer, u.zones[z.signer].signing
		}
		z.buildChain()
	}
	return u, nil
}

// giveKeys gives a signed zone a key that signs its keys and one that signs its
// data. RSA zones have one key for both.
func (u *Universe) giveKeys(z *Zone) error {
	if !z.signed() {
		return nil
	}
	var err error
	if z.entry, err = u.newKey(z.name, "ksk", z.algorithm, entryKey); err != nil {
		return err
	}
	z.add(dns.Copy(z.entry.public))
	z.signing = z.entry
	if z.algorithm == dns.RSASHA256 {
		return nil
	}
	if z.signing, err = u.newKey(z.name, "zsk", z.algorithm, zoneKey); err != nil {
		return err
	}
	z.add(dns.Copy(z.signing.public))
	return nil
}

// delegate tells the parent zone about a zone: name servers, glue, DS.
func (u *Universe) delegate(z *Zone) error {
	if z.name == "." {
		return nil
	}
	parent := u.enclosing(parentOf(z.name))
	for _, rr := range copied(z.nodes[z.name][dns.TypeNS]) {
		parent.add(rr)
	}
	server := z.nodes[z.server.Name]
	parent.glue[z.server.Name] = append(copied(server[dns.TypeA]), copied(server[dns.TypeAAAA])...)
	all, err := u.linkOf(z)
	for _, ds := range all {
		ds.Hdr.Ttl = dataTTL
		parent.add(ds)
	}
	return err
}

// linkOf makes the DS records that the parent has for a zone.
func (u *Universe) linkOf(z *Zone) ([]*dns.DS, error) {
	if z.link == dsAbsent || z.link == dsProofStripped {
		return nil, nil
	}
	other, err := u.newKey(z.name, "nobody", dns.ECDSAP256SHA256, entryKey)
	if err != nil {
		return nil, err
	}
	right, wrong := z.entry.public.ToDS(dns.SHA256), other.public.ToDS(dns.SHA256)
	wrong.KeyTag, wrong.Algorithm = right.KeyTag, right.Algorithm
	switch z.link {
	case dsOtherKey:
		return []*dns.DS{wrong}, nil
	case dsUnknownAlgorithm:
		right.Algorithm = unassignedAlgorithm
	case dsUnknownDigest:
		right.DigestType = unassignedDigest
	case dsDowngrade:
		return []*dns.DS{z.entry.public.ToDS(dns.SHA1), wrong}, nil
	default:
	}
	return []*dns.DS{right}, nil
}

// Numbers that IANA has assigned to nothing.
const (
	unassignedAlgorithm = 100
	unassignedDigest    = 100
)

// enclosing is the zone with the longest name that a name lies in.
func (u *Universe) enclosing(name string) *Zone {
	for name = dns.CanonicalName(name); ; name = parentOf(name) {
		if z, ok := u.zones[name]; ok {
			return z
		}
	}
}

// holder is the zone that a resolver asks: DS is kept by the parent.
func (u *Universe) holder(name string, rrtype uint16) *Zone {
	z := u.enclosing(name)
	if rrtype == dns.TypeDS && z.name != "." && z.name == dns.CanonicalName(name) {
		return u.enclosing(parentOf(z.name))
	}
	return z
}

// Zone returns the zone with exactly this name, or nil.
func (u *Universe) Zone(name string) *Zone { return u.zones[dns.CanonicalName(name)] }

// Zones says what each zone was made for, parents before children.
func (u *Universe) Zones() []Info {
	var out []Info
	for _, name := range u.order {
		z := u.zones[name]
		denied := z.wantDenied
		if denied == "" {
			denied = z.want
		}
		out = append(out, Info{Name: name, Want: z.want, WantDenied: denied, Why: z.why})
	}
	return out
}

// Servers lists the name servers of all zones, parents before children.
func (u *Universe) Servers() []Server {
	var out []Server
	for _, name := range u.order {
		out = append(out, u.zones[name].server)
	}
	return out
}

// Question is an owner name and a type that has data there.
type Question struct {
	Name string
	Type uint16
	Zone string
}

// Names lists all names that zones have data for, with the types, in a steady
// order. Wildcards appear with the asterisk; what a delegation has in the
// parent zone is listed as the child zone's, except its DS.
func (u *Universe) Names() []Question {
	var out []Question
	for _, zone := range u.order {
		z := u.zones[zone]
		for _, name := range z.names() {
			for _, t := range z.nodes[name].types() {
				if !z.cutAt(name) || t == dns.TypeDS {
					out = append(out, Question{Name: name, Type: t, Zone: zone})
				}
			}
		}
	}
	return out
}

// Owner is the owner name of what a name has: the name itself, or the wildcard
// that stands for it. ok is false where the name does not exist.
func (u *Universe) Owner(name string) (owner string, ok bool) {
	name = dns.CanonicalName(name)
	if _, valid := dns.IsDomainName(name); !valid {
		return "", false
	}
	z := u.enclosing(name)
	encloser := name
	for z.nodes[encloser] == nil {
		encloser = parentOf(encloser)
	}
	if encloser == name {
		return name, true
	}
	owner = "*" + under(encloser)
	_, ok = z.nodes[owner]
	return owner, ok
}

// RootKeys is the DNSKEY record set of the root zone.
func (u *Universe) RootKeys() []dns.RR { return copied(u.zones["."].nodes["."][dns.TypeDNSKEY]) }

// RootDS is the trust anchor: the SHA-256 digest of the root's entry key.
func (u *Universe) RootDS() dns.RR { return u.zones["."].entry.public.ToDS(dns.SHA256) }

// TrustAnchorFile is the trust anchor as DS and DNSKEY in zone-file form, for
// unbound's trust-anchor-file.
func (u *Universe) TrustAnchorFile() string {
	ds := u.RootDS()
	ds.Header().Ttl = keyTTL
	return ds.String() + "\n" + u.zones["."].entry.public.String() + "\n"
}

// AnchorStatement is the trust anchor as delv's -a and BIND's named.conf want it.
func (u *Universe) AnchorStatement() string {
	k := u.zones["."].entry.public
	return fmt.Sprintf("trust-anchors { . static-key %d %d %d \"%s\"; };\n", k.Flags, k.Protocol, k.Algorithm, k.PublicKey)
}

// RootHints is the root zone's servers in zone-file form, for unbound's root-hints.
func (u *Universe) RootHints() string {
	root := u.zones["."]
	sets := slices.Concat(root.nodes["."][dns.TypeNS],
		root.nodes[root.server.Name][dns.TypeA], root.nodes[root.server.Name][dns.TypeAAAA])
	var b strings.Builder
	for _, rr := range sets {
		b.WriteString(rr.String() + "\n")
	}
	return b.String()
}
