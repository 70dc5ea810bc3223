package event

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The signalling values that stand in a list of cipher suites without being one.
const (
	SuiteRenegotiationInfo uint16 = 0x00ff // TLS_EMPTY_RENEGOTIATION_INFO_SCSV, RFC 5746
	SuiteFallback          uint16 = 0x5600 // TLS_FALLBACK_SCSV, RFC 7507
)

// IsGREASE reports whether v is one of the values that clients send so that
// servers learn to ignore what they do not know (RFC 8701).
func IsGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// IsSuiteSignal reports whether v is a signalling value.
func IsSuiteSignal(v uint16) bool { return v == SuiteRenegotiationInfo || v == SuiteFallback }

// KnownSuite is the registered name of a TLS cipher suite and whether there is one.
func KnownSuite(v uint16) (string, bool) {
	if name, ok := suitesLow[v]; ok {
		return name, true
	}
	name, ok := suitesHigh[v]
	return name, ok
}

// KnownSuites lists the numbers of all registered cipher suites, in order.
func KnownSuites() []uint16 {
	all := slices.AppendSeq(slices.Collect(maps.Keys(suitesLow)), maps.Keys(suitesHigh))
	slices.Sort(all)
	return all
}

// SuiteName is the registered name of a TLS cipher suite, or its number.
func SuiteName(v uint16) string {
	if name, ok := KnownSuite(v); ok {
		return name
	}
	switch v {
	case SuiteRenegotiationInfo:
		return "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"
	case SuiteFallback:
		return "TLS_FALLBACK_SCSV"
	default:
		return fmt.Sprintf("0x%04x", v)
	}
}

// SuiteKeyExchange is the key exchange in a suite's name ("ECDHE_RSA", "RSA",
// "DH_anon", "PSK", ...), or "" for TLS 1.3 suites, which have none, and for
// unknown ones.
func SuiteKeyExchange(v uint16) string {
	name, _ := KnownSuite(v)
	before, _, found := strings.Cut(name, "_WITH_")
	if !found {
		return ""
	}
	before = strings.TrimPrefix(strings.TrimPrefix(before, "TLS_"), "SSL_")
	if before == "PSK_DHE" { // RFC 6655 turns the two words round
		return "DHE_PSK"
	}
	return before
}
