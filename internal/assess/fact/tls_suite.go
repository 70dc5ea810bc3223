package fact

import (
	"strings"

	"assay/internal/assess/event"
)

// suiteRank sorts cipher suites by what they protect: after the TLS guidelines of
// NCSC-NL (2025-05), whose words are used, with PSK suites, which these do not
// rate, after RFC 9325. The order is from good to bad; suiteUnrated stands apart.
type suiteRank uint8

const (
	suiteGood       suiteRank = iota // TLS 1.3 with 256-bit keys
	suiteSufficient                  // forward secrecy and authenticated encryption
	suitePhaseOut                    // CBC, finite-field DHE, 8-byte tags, Camellia, ARIA
	suiteSharedKey                   // static pre-shared key: no forward secrecy, no certificate
	suiteStatic                      // static RSA or Diffie-Hellman: no forward secrecy
	suiteBroken                      // NULL, anonymous, EXPORT, RC4, RC2, DES, 3DES
	suiteUnrated                     // not registered, or not rated by anybody used here
)

// rankSuite rates one cipher suite.
func rankSuite(v uint16) suiteRank { return traitsOfSuite(v).rank }

// suiteTraits is what a suite's number says of it.
type suiteTraits struct {
	rank        suiteRank
	sharedKey   bool // it needs a pre-shared key
	certificate bool // it proves the server by a certificate, or may
}

// knownSuites holds the traits of all registered suites: a hello offers dozens.
var knownSuites = makeKnownSuites()

func makeKnownSuites() map[uint16]suiteTraits {
	known := map[uint16]suiteTraits{}
	for _, v := range event.KnownSuites() {
		known[v] = rateSuite(v)
	}
	return known
}

func traitsOfSuite(v uint16) suiteTraits {
	if t, known := knownSuites[v]; known {
		return t
	}
	return rateSuite(v)
}

func rateSuite(v uint16) suiteTraits {
	kx := event.SuiteKeyExchange(v)
	shared := strings.HasSuffix(kx, "PSK")
	return suiteTraits{rank: rankByName(v), sharedKey: shared, certificate: !shared && !strings.HasSuffix(kx, "anon")}
}

func rankByName(v uint16) suiteRank {
	name, known := event.KnownSuite(v)
	switch {
	case !known || isDraftChaCha(v):
		return suiteUnrated
	case isBrokenSuite(name):
		return suiteBroken
	}
	kx, cipher := event.SuiteKeyExchange(v), name[strings.Index(name, "_WITH_")+1:]
	switch {
	case kx == "":
		return rank13(name)
	case strings.HasPrefix(kx, "ECDHE_"):
		return rankForward(cipher)
	case strings.HasPrefix(kx, "DHE_"):
		return max(rankForward(cipher), suitePhaseOut)
	case kx == "PSK":
		return suiteSharedKey
	case isStaticExchange(kx):
		return suiteStatic
	default: // SRP, J-PAKE, GOST and their like
		return suiteUnrated
	}
}

// isDraftChaCha knows the numbers that a draft gave ChaCha20 before RFC 7905.
func isDraftChaCha(v uint16) bool { return v >= 0xcc13 && v <= 0xcc15 }

// isNullSuite says that a suite protects against changes alone: what it carries is
// readable (those with NULL, and RFC 9150 for TLS 1.3).
func isNullSuite(v uint16) bool {
	name, known := event.KnownSuite(v)
	return known && (strings.Contains(name, "_NULL_") || strings.HasPrefix(name, "TLS_SHA"))
}

func isBrokenSuite(name string) bool {
	for _, mark := range []string{"NULL", "_anon_", "EXPORT", "RC4", "RC2", "_DES_", "DES40", "3DES", "TLS_SHA256_", "TLS_SHA384_", "FORTEZZA"} {
		if strings.Contains(name, mark) {
			return true
		}
	}
	return false
}

func rank13(name string) suiteRank {
	switch name {
	case "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256":
		return suiteGood
	case "TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256":
		return suiteSufficient
	case "TLS_AES_128_CCM_8_SHA256":
		return suitePhaseOut
	default:
		return suiteUnrated
	}
}

// rankForward rates the cipher of a suite with forward secrecy.
func rankForward(cipher string) suiteRank {
	has := func(s string) bool { return strings.Contains(cipher, s) }
	switch {
	case has("_CCM_8"), has("CAMELLIA"), has("ARIA"), has("_CBC_") && has("AES"):
		return suitePhaseOut
	case has("AES") && (has("_GCM_") || has("_CCM")), has("CHACHA20"):
		return suiteSufficient
	default: // SEED, IDEA, SM4, Salsa20
		return suiteUnrated
	}
}

func isStaticExchange(kx string) bool {
	switch kx {
	case "RSA", "RSA_PSK", "RSA_FIPS", "DH_DSS", "DH_RSA", "ECDH_ECDSA", "ECDH_RSA", "KRB5":
		return true
	default:
		return false
	}
}

// usesCertificate says that the suite proves the server by a certificate, or may.
func usesCertificate(v uint16) bool { return traitsOfSuite(v).certificate }

// groupRank sorts key exchange groups as suiteRank does cipher suites.
type groupRank uint8

const (
	groupGood groupRank = iota
	groupWeak           // phase out or insufficient
	groupUnrated
)

// rankGroup rates a value of supported_groups (IANA "TLS Supported Groups").
func rankGroup(g uint16) groupRank {
	switch {
	case g >= 23 && g <= 33, isHybridGroup(g): // P-256 to P-521, Brainpool, X25519, X448
		return groupGood
	case g >= 1 && g <= 21, g >= groupFFDHE2048 && g <= 0x104:
		return groupWeak
	case g == 0xff01 || g == 0xff02: // explicit curves, deprecated
		return groupWeak
	default:
		return groupUnrated
	}
}

const groupFFDHE2048 = 0x0100

// isHybridGroup knows the groups that a quantum computer does not break.
func isHybridGroup(g uint16) bool {
	switch g {
	case 0x0200, 0x0201, 0x0202, 0x11eb, 0x11ec, 0x11ed: // ML-KEM, alone and with P-256, X25519, P-384
		return true
	default:
		return false
	}
}

// hashSHA224 is the one outdated hash that is not broken, only to be phased out.
const hashSHA224 = "SHA-224"

// signatureHash is the outdated hash of a signature scheme: "MD5", "SHA-1",
// "SHA-224", or "" for a better one.
func signatureHash(s uint16) string {
	switch s >> 8 {
	case 1:
		return "MD5"
	case 2:
		return "SHA-1"
	case 3:
		return hashSHA224
	default:
		return ""
	}
}
