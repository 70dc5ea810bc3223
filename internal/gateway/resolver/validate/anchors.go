package validate

import (
	"fmt"

	"github.com/miekg/dns"
)

// DefaultAnchors are the DS records of the key signing keys of the public root,
// as IANA publishes them: KSK-2017 (tag 20326) and KSK-2024 (tag 38696).
func DefaultAnchors() []dns.RR {
	return []dns.RR{
		rootDS(20326, "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"),
		rootDS(38696, "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"),
	}
}

func rootDS(tag uint16, digest string) *dns.DS {
	hdr := dns.RR_Header{Name: ".", Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: 86400}
	return &dns.DS{Hdr: hdr, KeyTag: tag, Algorithm: dns.RSASHA256, DigestType: dns.SHA256, Digest: digest}
}

// anchorSet is the trust anchors by canonical name, every one as DS.
type anchorSet map[string][]*dns.DS

func newAnchors(rrs []dns.RR) (anchorSet, error) {
	if len(rrs) == 0 {
		rrs = DefaultAnchors()
	}
	set := anchorSet{}
	for _, rr := range rrs {
		ds, err := anchorDS(rr)
		if err != nil {
			return nil, err
		}
		name := dns.CanonicalName(rr.Header().Name)
		set[name] = append(set[name], ds)
	}
	return set, nil
}

// anchorDS gives a DNSKEY anchor the form of a DS, so that one way of matching
// keys serves both.
func anchorDS(rr dns.RR) (*dns.DS, error) {
	switch a := rr.(type) {
	case *dns.DS:
		return a, nil
	case *dns.DNSKEY:
		if a.Flags&dns.ZONE == 0 || a.Flags&dns.REVOKE != 0 || a.Protocol != 3 {
			return nil, fmt.Errorf("cannot use the DNSKEY %d of %q as trust anchor: it is revoked or no zone key; give a key with flags 257", a.KeyTag(), a.Hdr.Name)
		}
		if ds := a.ToDS(dns.SHA256); ds != nil {
			return ds, nil
		}
	}
	return nil, fmt.Errorf("cannot use %q as trust anchor: give DS or DNSKEY records", rr.String())
}
