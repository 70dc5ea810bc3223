package fact

import (
	"encoding/binary"
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

// suiteCensus counts the suites of an offer by rank.
type suiteCensus struct {
	all, shared int
	count       [suiteUnrated + 1]int
	first       [suiteUnrated + 1]uint16 // the first suite of each rank
}

func takeCensus(suites []uint16) suiteCensus {
	var c suiteCensus
	for _, v := range suites {
		if event.IsSuiteSignal(v) {
			continue
		}
		traits := traitsOfSuite(v)
		r := traits.rank
		if c.count[r] == 0 {
			c.first[r] = v
		}
		c.count[r]++
		c.all++
		if traits.sharedKey {
			c.shared++
		}
	}
	return c
}

// forward says that some suite has, or may have, forward secrecy.
func (c suiteCensus) forward() bool {
	return c.count[suiteGood]+c.count[suiteSufficient]+c.count[suitePhaseOut]+c.count[suiteUnrated] > 0
}

func noteSuites(h event.ClientHello, tell note) {
	c := takeCensus(h.Suites)
	for _, bad := range [...]struct {
		rank  suiteRank
		trait tlsTrait
	}{{suiteBroken, traitBroken}, {suitePhaseOut, traitPhaseOut}, {suiteUnrated, traitUnrated}} {
		if c.count[bad.rank] > 0 {
			tell(bad.trait, event.SuiteName(c.first[bad.rank]))
		}
	}
	if len(h.SSL2Suites) > 0 || h.SSL2 && h.Legacy == 2 {
		tell(traitBroken, "SSL 2.0")
	}
	c.noteStatic(tell)
	if c.all > 0 && c.shared == c.all {
		tell(traitSharedKeyOnly, "")
	}
}

// noteStatic tells an offer that has nothing but static key exchange from one
// that has it besides better ones.
func (c suiteCensus) noteStatic(tell note) {
	switch {
	case c.count[suiteStatic] > 0 && !c.forward() && c.count[suiteSharedKey] == 0:
		tell(traitOnlyStatic, event.SuiteName(c.first[suiteStatic]))
	case c.count[suiteStatic] > 0:
		tell(traitStatic, event.SuiteName(c.first[suiteStatic]))
	case c.count[suiteSharedKey] > 0:
		tell(traitStatic, event.SuiteName(c.first[suiteSharedKey]))
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
	weak, better := weakHashes(h.SigAlgs)
	switch {
	case len(weak) > 0 && !better:
		tell(traitSHA1Only, strings.Join(weak, " and "))
	case len(weak) > 0:
		tell(traitSHA1, strings.Join(weak, " and "))
	}
}

// weakHashes names the weak hash functions among signature algorithms, and says
// whether there is a better one than SHA-1 and MD5.
func weakHashes(algorithms []uint16) (weak []string, better bool) {
	for _, s := range algorithms {
		hash := signatureHash(s)
		better = better || hash == "" || hash == hashSHA224
		if hash != "" && !slices.Contains(weak, hash) {
			weak = append(weak, hash)
		}
	}
	return weak, better
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
	key := make([]byte, 0, 256)
	key = append(key, byte(h.Transport))
	key = binary.BigEndian.AppendUint16(key, h.Legacy)
	for _, list := range [][]uint16{h.Versions, h.Suites, h.SigAlgs, h.Groups} {
		key = binary.BigEndian.AppendUint32(key, uint32(len(list)))
		for _, v := range sorted(list) {
			key = binary.BigEndian.AppendUint16(key, v)
		}
	}
	return string(key)
}

func sorted(list []uint16) []uint16 {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// offersStrong says that a server could have chosen well.
func offersStrong(h event.ClientHello) bool {
	return bestVersion(h) >= 0x0303 && slices.ContainsFunc(h.Suites, func(v uint16) bool { return rankSuite(v) <= suiteSufficient })
}
