package zone

import (
	"encoding/base64"
	"time"

	"github.com/miekg/dns"
)

const (
	day = 24 * time.Hour
	// Signatures begin a day back, so that a device with a clock that is
	// somewhat slow can be told from one that refuses forgeries.
	validBefore = day
	validAfter  = 14 * day
	renewAfter  = 7 * day
	wrongBy     = 2 * day // how far off the periods of broken zones are
)

// sigKey says which record set a kept signature is over.
type sigKey struct {
	owner  string
	rrtype uint16
}

type keptSig struct {
	sig  *dns.RRSIG
	made time.Time
}

// sign gives the signature over a record set as it stands in the zone (for a
// wildcard: with the asterisk), or nil where there is none.
func (z *Zone) sign(set rrset) (*dns.RRSIG, error) {
	if !z.signed() || len(set) == 0 || z.fault == noSignatures {
		return nil, nil
	}
	now := z.u.clock().UTC().Truncate(day)
	at := sigKey{set[0].Header().Name, set[0].Header().Rrtype}
	z.u.mu.Lock()
	defer z.u.mu.Unlock()
	kept, ok := z.u.sigs[z.name][at]
	if ok && !now.Before(kept.made) && now.Sub(kept.made) < renewAfter {
		return dns.Copy(kept.sig).(*dns.RRSIG), nil
	}
	sig, err := z.freshSig(set, now)
	if err != nil {
		return nil, err
	}
	if z.u.sigs[z.name] == nil {
		z.u.sigs[z.name] = map[sigKey]keptSig{}
	}
	// Bounded by the record sets of the zone: wildcards are kept under their own name.
	z.u.sigs[z.name][at] = keptSig{sig: sig, made: now}
	return dns.Copy(sig).(*dns.RRSIG), nil
}

func (z *Zone) freshSig(set rrset, now time.Time) (*dns.RRSIG, error) {
	k, by := z.signing, z.by
	rrtype := set[0].Header().Rrtype
	if rrtype == dns.TypeDNSKEY {
		k, by = z.entry, z.name
	}
	from, until := z.period(now)
	sig := &dns.RRSIG{
		Hdr:       dns.RR_Header{Ttl: set[0].Header().Ttl},
		Algorithm: k.public.Algorithm, KeyTag: k.public.KeyTag(), SignerName: by,
		Inception: uint32(from.Unix()), Expiration: uint32(until.Unix()),
	}
	if err := sig.Sign(k.signer, set); err != nil {
		return nil, err
	}
	if z.flips(rrtype) {
		flip(sig)
	}
	return sig, nil
}

// period is when the zone's signatures are valid.
func (z *Zone) period(now time.Time) (from, until time.Time) {
	switch z.fault {
	case expired:
		return now.Add(-30 * day), now.Add(-wrongBy)
	case notYetValid:
		return now.Add(renewAfter + wrongBy), now.Add(30 * day)
	default:
		return now.Add(-validBefore), now.Add(validAfter)
	}
}

func (z *Zone) flips(rrtype uint16) bool {
	denies := rrtype == dns.TypeNSEC || rrtype == dns.TypeNSEC3
	return z.fault == flippedBit && rrtype != dns.TypeDNSKEY || z.fault == flippedDenial && denies
}

// flip inverts the lowest bit in the middle of a signature.
func flip(sig *dns.RRSIG) {
	raw, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil || len(raw) == 0 {
		return
	}
	raw[len(raw)/2] ^= 1
	sig.Signature = base64.StdEncoding.EncodeToString(raw)
}

// withSig returns a copy of a record set with its signature behind it.
func (z *Zone) withSig(set rrset, do bool) ([]dns.RR, error) {
	out := copied(set)
	if !do {
		return out, nil
	}
	sig, err := z.sign(set)
	if err != nil {
		return nil, err
	}
	if sig != nil {
		out = append(out, sig)
	}
	return out, nil
}
