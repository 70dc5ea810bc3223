package fact

import (
	"strings"
	"testing"

	"assay/internal/assess/event"
)

// TestRankSuite holds the rating against the lists of the guidelines.
func TestRankSuite(t *testing.T) {
	want := map[suiteRank][]uint16{
		suiteGood:       {0x1302, 0x1303},
		suiteSufficient: {0x1301, 0x1304, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0xc0ac, 0xc0ad, 0xccac, 0xd001},
		suitePhaseOut: {0x1305, 0xc023, 0xc024, 0xc027, 0xc028, 0xc009, 0xc00a, 0xc013, 0xc014, 0xc0ae, 0x009e, 0x009f, 0x0067, 0x006b,
			0xccaa, 0xc09e, 0xc086, 0xc05c, 0x0033, 0x0039, 0x00a2, 0x00aa, 0xccad, 0xc035, 0xc0aa},
		suiteSharedKey: {0x00a8, 0x00ae, 0xc0a8, 0x008c, 0xccab},
		suiteStatic:    {0x002f, 0x0035, 0x003c, 0x009c, 0x009d, 0xc09c, 0x0030, 0xc02d, 0xc031, 0xc004, 0x00ac, 0x0096, 0x0041},
		suiteBroken: {0x0000, 0x0001, 0x003b, 0x0004, 0x0005, 0x0003, 0x0006, 0x0009, 0x000a, 0x0016, 0xc012, 0xc007, 0x0018, 0x00a6,
			0xc018, 0xc010, 0xc0b4, 0xc0b5, 0x00b0, 0x008b, 0xc03a, 0xfeff},
		suiteUnrated: {0x00c6, 0x1306, 0xc01d, 0xc0ff, 0xc0b0, 0xc100, 0xcc13, 0x4a4b, 0xeeee, 0x009a},
	}
	for rank, suites := range want {
		for _, v := range suites {
			if got := rankSuite(v); got != rank {
				t.Errorf("%s: %d, want %d", event.SuiteName(v), got, rank)
			}
		}
	}
}

// TestEverySuiteIsRated: what is rated well names a key exchange with forward
// secrecy and an authenticated cipher, for every number there is.
func TestEverySuiteIsRated(t *testing.T) {
	counts := map[suiteRank]int{}
	for v := range 1 << 16 {
		r := rankSuite(uint16(v))
		counts[r]++
		if r <= suiteSufficient && !isStrongByName(uint16(v)) {
			t.Errorf("%s is rated %d", event.SuiteName(uint16(v)), r)
		}
	}
	if counts[suiteGood] != 2 || counts[suiteBroken] < 80 || counts[suiteStatic] < 50 {
		t.Errorf("ranks: %v", counts)
	}
}

func isStrongByName(v uint16) bool {
	name, kx := event.SuiteName(v), event.SuiteKeyExchange(v)
	aead := strings.Contains(name, "GCM") || strings.Contains(name, "CCM") || strings.Contains(name, "CHACHA20")
	return aead && (kx == "" || strings.HasPrefix(kx, "ECDHE"))
}

func TestRankGroup(t *testing.T) {
	for g, want := range map[uint16]groupRank{
		23: groupGood, 24: groupGood, 25: groupGood, 29: groupGood, 30: groupGood, 26: groupGood, 31: groupGood, 0x11ec: groupGood,
		21: groupWeak, 19: groupWeak, 1: groupWeak, 0x0100: groupWeak, 0x0104: groupWeak, 22: groupUnrated, 0x6399: groupUnrated, 0xfe00: groupUnrated,
	} {
		if got := rankGroup(g); got != want {
			t.Errorf("group %#x: %d, want %d", g, got, want)
		}
	}
}

func TestNamesMAC(t *testing.T) {
	mac := [6]byte{0x02, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e}
	for text, want := range map[string]bool{
		"021a2b3c4d5e": true, "dev-02:1A:2B:3C:4D:5E": true, "02-1a-2b-3c-4d-5e@x": true, "\x02\x1a\x2b\x3c\x4d\x5e": true,
		"021a2b3c4d5f": false, "1a2b3c": false, "": false,
	} {
		if namesMAC(text, mac) != want {
			t.Errorf("%q: not %t", text, want)
		}
	}
}
