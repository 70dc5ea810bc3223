package resolver

import (
	"errors"
	"fmt"
	"io"

	"github.com/miekg/dns"
)

// anchorLimit bounds a file of trust anchors, in bytes.
const anchorLimit = 1 << 20

// ReadAnchors reads trust anchors written as in a zone file: DS or DNSKEY records,
// one or more. name is what errors call the file.
func ReadAnchors(r io.Reader, name string) ([]dns.RR, error) {
	z := dns.NewZoneParser(io.LimitReader(r, anchorLimit), ".", name)
	z.SetDefaultTTL(0)
	var out []dns.RR
	for rr, more := z.Next(); more; rr, more = z.Next() {
		switch rr.Header().Rrtype {
		case dns.TypeDS, dns.TypeDNSKEY:
			out = append(out, rr)
		default:
			return nil, fmt.Errorf("cannot take %s of %s as a trust anchor: there must be DS or DNSKEY records only", dns.TypeToString[rr.Header().Rrtype], name)
		}
	}
	if err := z.Err(); err != nil {
		return nil, fmt.Errorf("cannot read trust anchors: %w", err)
	}
	if len(out) == 0 {
		return nil, errors.New("cannot find a trust anchor in " + name + ": write DS or DNSKEY records, as in root.key of unbound")
	}
	return out, nil
}
