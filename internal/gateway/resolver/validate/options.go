package validate

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// Source answers questions of the chain of trust: DS and DNSKEY of zones. It
// asks the upstream with DO and CD set and keeps answers by their TTL, the
// validator does not do so. The message may be shared: it is only read.
type Source interface {
	Query(ctx context.Context, name string, qtype uint16) (*dns.Msg, error)
}

// Options is what a validator is built from. Source is required.
type Options struct {
	// Anchors are DS or DNSKEY records of the root or of other names; DefaultAnchors
	// when empty. The anchor closest to a name is the one that counts for it.
	Anchors []dns.RR
	// NegativeAnchors are names below which everything is taken as insecure
	// (RFC 7646), unless an anchor is closer.
	NegativeAnchors []string
	Now             func() time.Time // time.Now when nil
	Limits          Limits           // fields that are 0 take their default
	Source          Source
}

// Limits bound the work of one Validate call and the memory of a validator.
// A hostile zone can make a validator check every signature against every key
// (KeyTrap, CVE-2023-50387) or hash without end (CVE-2023-50868). Legitimate
// answers stay far below the defaults.
type Limits struct {
	Verifications  int    // signature checks in one validation; 96
	Failures       int    // failed signature checks in one validation; 16
	Signatures     int    // signatures tried for one RRset; 8
	Collisions     int    // keys tried for one signature, of one tag and algorithm; 4
	Digests        int    // DS digests in one validation; 64
	HashBlocks     int    // SHA-1 blocks for NSEC3 in one validation; 16384
	Iterations     uint16 // NSEC3 iterations that are followed; 100
	Queries        int    // questions to the Source in one validation; 128
	Chain          int    // CNAME and DNAME links in one answer; 16
	Denials        int    // NSEC and NSEC3 RRsets read from one message; 32
	Cuts           int    // names whose place in the chain of trust is kept; 8192
	KeyTTL, BadTTL time.Duration
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Verifications, 96)
	set(&l.Failures, 16)
	set(&l.Signatures, 8)
	set(&l.Collisions, 4)
	set(&l.Digests, 64)
	set(&l.HashBlocks, 16384)
	set(&l.Queries, 128)
	set(&l.Chain, 16)
	set(&l.Denials, 32)
	set(&l.Cuts, 8192)
	if l.Iterations == 0 {
		l.Iterations = 100
	}
	if l.KeyTTL <= 0 {
		l.KeyTTL = time.Hour
	}
	if l.BadTTL <= 0 {
		l.BadTTL = 30 * time.Second
	}
	return l
}
