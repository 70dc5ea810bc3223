package fact

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// note is called for each trait that something shows, with a word of detail.
type note func(t tlsTrait, detail string)

// bestVersion is the best TLS version of an offer that a server can choose; what
// is unknown does not count, and legacy_version cannot say more than TLS 1.2.
func bestVersion(h event.ClientHello) uint16 {
	if len(h.Versions) == 0 {
		return min(event.TLSVersion(h.Legacy), 0x0303)
	}
	best := uint16(0)
	for _, v := range h.Versions {
		if v = event.TLSVersion(v); v >= 0x0300 && v <= 0x0304 {
			best = max(best, v)
		}
	}
	return best
}

// noteOffer says what one hello offers.
func noteOffer(h event.ClientHello, tell note) {
	if !h.HasSNI || h.SNI == "" {
		tell(traitNoName, "")
	}
	noteSuites(h, tell)
	noteSignatures(h, tell)
	noteGroups(h, tell)
}

func noteSuites(h event.ClientHello, tell note) {
	ranks := map[suiteRank]uint16{} // the first suite of each rank
	kinds := map[suiteRank]int{}
	forward, shared := false, 0
	all := 0
	for _, v := range h.Suites {
		if event.IsSuiteSignal(v) {
			continue
		}
		all++
		r := rankSuite(v)
		if kinds[r]++; kinds[r] == 1 {
			ranks[r] = v
		}
		forward = forward || r <= suitePhaseOut || r == suiteUnrated
		if strings.HasSuffix(event.SuiteKeyExchange(v), "PSK") {
			shared++
		}
	}
	if kinds[suiteBroken] > 0 {
		tell(traitBroken, event.SuiteName(ranks[suiteBroken]))
	}
	if len(h.SSL2Suites) > 0 || h.SSL2 && h.Legacy == 2 {
		tell(traitBroken, "SSL 2.0")
	}
	noteStatic(kinds, ranks, forward, tell)
	if kinds[suitePhaseOut] > 0 {
		tell(traitPhaseOut, event.SuiteName(ranks[suitePhaseOut]))
	}
	if kinds[suiteUnrated] > 0 {
		tell(traitUnrated, event.SuiteName(ranks[suiteUnrated]))
	}
	if all > 0 && shared == all {
		tell(traitSharedKeyOnly, "")
	}
}

// noteStatic tells an offer that has nothing but static key exchange from one
// that has it besides better ones.
func noteStatic(kinds map[suiteRank]int, first map[suiteRank]uint16, forward bool, tell note) {
	switch {
	case kinds[suiteStatic] > 0 && !forward && kinds[suiteSharedKey] == 0:
		tell(traitOnlyStatic, event.SuiteName(first[suiteStatic]))
	case kinds[suiteStatic] > 0:
		tell(traitStatic, event.SuiteName(first[suiteStatic]))
	case kinds[suiteSharedKey] > 0:
		tell(traitStatic, event.SuiteName(first[suiteSharedKey]))
	}
}

func noteSignatures(h event.ClientHello, tell note) {
	if !slices.ContainsFunc(h.Suites, usesCertificate) {
		return
	}
	if len(h.SigAlgs) == 0 {
		// RFC 5246 section 7.4.1.4.1: who names none means SHA-1; before TLS 1.2
		// there is nothing else.
		if bestVersion(h) <= 0x0303 {
			tell(traitSHA1Only, "names no signature algorithm")
		}
		return
	}
	weak, strong := uint16(0), false
	for _, s := range h.SigAlgs {
		if signatureHash(s) == "" {
			strong = true
		} else if weak == 0 {
			weak = s
		}
	}
	switch {
	case weak != 0 && !strong:
		tell(traitSHA1Only, signatureHash(weak))
	case weak != 0:
		tell(traitSHA1, signatureHash(weak))
	}
}

func noteGroups(h event.ClientHello, tell note) {
	if len(h.Groups) == 1 && h.Groups[0] == groupFFDHE2048 {
		tell(traitGroupsBad, "ffdhe2048")
		return
	}
	for _, g := range h.Groups {
		switch rankGroup(g) {
		case groupWeak:
			tell(traitGroupsWeak, fmt.Sprintf("group %d", g))
		case groupUnrated:
			tell(traitGroupsUnrated, fmt.Sprintf("group %d", g))
		default:
			if isHybridGroup(g) {
				tell(traitHybrid, "")
			}
		}
	}
}

// stackKey tells TLS clients apart by what does not change from one connection to
// the next: resumption, server name and ALPN do.
func stackKey(h event.ClientHello) string {
	return fmt.Sprint(h.Transport, h.Legacy, sorted(h.Versions), sorted(h.Suites), sorted(h.SigAlgs), sorted(h.Groups))
}

func sorted(list []uint16) []uint16 { return slices.Sorted(slices.Values(list)) }

// offersStrong says that a server could have chosen well.
func offersStrong(h event.ClientHello) bool {
	return bestVersion(h) >= 0x0303 && slices.ContainsFunc(h.Suites, func(v uint16) bool { return rankSuite(v) <= suiteSufficient })
}
