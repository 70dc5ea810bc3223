package event

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// DNSKind is which of the protocols that share the DNS message format spoke.
type DNSKind uint8

// The kinds of DNS.
const (
	DNSUnicast DNSKind = iota // port 53, or recognised by content elsewhere
	MDNS                      // RFC 6762
	LLMNR                     // RFC 4795
)

// DNSAsked is one question to a resolver. Device asks; Server is the resolver.
type DNSAsked struct {
	Kind      DNSKind
	Transport Transport // TCP or UDP
	ID        uint16
	Name      string // lower case, absolute, as in "example.com."; escapes as in RFC 1035 section 5.1
	Type      uint16
	Class     uint16
	RD        bool
	AD        bool // RFC 6840 section 5.7
	CD        bool // RFC 4035 section 4.9.2
	EDNS      bool // an OPT record is present, RFC 6891
	DO        bool // RFC 3225
	UDPSize   uint16
	Options   []uint16 // EDNS option codes
	KeyTags   []uint16 // of EDNS option 14, RFC 8145
}

// DNSAnswered is a resolver's reply, matched to its question by conversation
// and ID. Device is the host that had asked.
type DNSAnswered struct {
	Kind      DNSKind
	Transport Transport
	ID        uint16
	Name      string
	Type      uint16
	RCode     uint16 // with the extended bits of EDNS
	AA        bool
	TC        bool
	RA        bool
	AD        bool
	EDE       []uint16 // info codes, RFC 8914
	Records   []Record // answer section, at most 64
	// Question is the frame of the question, zero when it was not seen.
	Question Ref
	After    time.Duration // since the question, 0 when it was not seen
}

// Record is one resource record of an answer.
type Record struct {
	Name   string
	Type   uint16
	TTL    uint32
	Addr   netip.Addr // A, AAAA
	Target string     // CNAME, DNAME, PTR, SRV, MX, HTTPS and SVCB target
}

func (DNSAsked) body()    {}
func (DNSAnswered) body() {}

// Describe is one line for a report.
func (b DNSAsked) Describe() string {
	var marks []string
	for _, m := range []struct {
		on   bool
		name string
	}{{b.RD, "RD"}, {b.AD, "AD"}, {b.CD, "CD"}, {b.EDNS, "EDNS"}, {b.DO, "DO"}} {
		if m.on {
			marks = append(marks, m.name)
		}
	}
	return fmt.Sprintf("%s question over %s: %s %s, id 0x%04x, flags %s",
		b.Kind, b.Transport, Clean(b.Name), TypeName(b.Type), b.ID, strings.Join(marks, " "))
}

// Describe is one line for a report.
func (b DNSAnswered) Describe() string {
	var parts []string
	for _, r := range b.Records {
		switch {
		case r.Addr.IsValid():
			parts = append(parts, r.Addr.String())
		case r.Target != "":
			parts = append(parts, TypeName(r.Type)+" "+Clean(r.Target))
		default:
			parts = append(parts, TypeName(r.Type))
		}
		if len(parts) == 8 {
			parts = append(parts, "…")
			break
		}
	}
	return fmt.Sprintf("%s answer: %s %s, rcode %d: %s", b.Kind, Clean(b.Name), TypeName(b.Type), b.RCode, strings.Join(parts, ", "))
}

// String is the kind's usual name.
func (k DNSKind) String() string {
	return [...]string{"DNS", "mDNS", "LLMNR"}[min(int(k), 2)]
}

var typeNames = map[uint16]string{
	1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 43: "DS",
	46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 64: "SVCB", 65: "HTTPS", 255: "ANY",
}

// TypeName is the mnemonic of a DNS record type, or TYPEn (RFC 3597).
func TypeName(t uint16) string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return fmt.Sprintf("TYPE%d", t)
}
