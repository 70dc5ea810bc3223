package event

import (
	"fmt"
	"strings"
	"time"
)

// ClientHello is a TLS, DTLS or QUIC client's opening offer (RFC 9846 section
// 4.1.2, RFC 5246 section 7.4.1.2, RFC 9147). Device is the TLS client.
type ClientHello struct {
	Transport Transport // TCP, QUIC or DTLS
	// Legacy is legacy_version; Versions is supported_versions in offered order,
	// GREASE left out, empty when the extension is absent.
	Legacy   uint16
	Versions []uint16
	Suites   []uint16 // in offered order, GREASE left out
	// HasSNI tells an absent extension from an empty name.
	HasSNI     bool
	SNI        string
	ALPN       []string
	SigAlgs    []uint16 // signature_algorithms, GREASE left out
	Groups     []uint16 // supported_groups, GREASE left out
	KeyShares  []uint16 // groups of key_share
	Extensions []uint16 // types in offered order, GREASE left out
	EMS        bool     // extended_master_secret, RFC 7627
	Fallback   bool     // TLS_FALLBACK_SCSV, RFC 7507
	PSKOffered bool     // pre_shared_key extension
	// Ticket says that an older session is offered: a non-empty session_ticket, or
	// a session id where TLS 1.3 is not on offer (there it means nothing).
	Ticket     bool
	EarlyData  bool
	Compressed bool // offers compression other than null
	ECH        bool // encrypted_client_hello of the outer kind, RFC 9849
	JA4        string
	// SSL2 says that the hello has the format of SSL 2.0 (RFC 5246 appendix E.2);
	// SSL2Suites are the cipher kinds in it that only SSL 2.0 has, 24 bits each.
	SSL2       bool
	SSL2Suites []uint32
	// PSKOnlyKE says that psk_key_exchange_modes names only psk_ke, which has no
	// forward secrecy (RFC 9846 section 4.3.7).
	PSKOnlyKE bool
	// Time is the first four bytes of random: the client's clock in seconds of Unix where
	// it follows RFC 5246 section 7.4.1.2 to the letter, and else chance.
	Time uint32
}

// MaxVersion is the highest TLS version on offer, as on the wire (0x0304 for
// TLS 1.3). DTLS versions are mapped to their TLS equals.
func (b ClientHello) MaxVersion() uint16 {
	best := uint16(0)
	for _, v := range b.Versions {
		best = max(best, TLSVersion(v))
	}
	if len(b.Versions) == 0 {
		best = TLSVersion(b.Legacy)
	}
	return best
}

// TLSVersion maps a version on the wire to its TLS equal: DTLS 1.0 to 0x0302,
// DTLS 1.2 to 0x0303, DTLS 1.3 to 0x0304. TLS versions stay as they are.
func TLSVersion(v uint16) uint16 {
	switch v {
	case 0xfeff:
		return 0x0302
	case 0xfefd:
		return 0x0303
	case 0xfefc:
		return 0x0304
	default:
		return v
	}
}

// ServerHello is the server's choice. Device is still the TLS client.
type ServerHello struct {
	Transport Transport
	Version   uint16 // negotiated: supported_versions where present, else legacy_version
	Suite     uint16
	Group     uint16 // of key_share or ServerKeyExchange, 0 when unknown
	ALPN      string
	EMS       bool
	Retry     bool // it was a HelloRetryRequest (RFC 9846 section 4.1.4)
	PSK       bool // a pre-shared key was selected
	Resumed   bool // the session id was echoed (TLS 1.2 and older)
}

// ServerKeyExchange tells the (EC)DHE group of a TLS 1.2 or older handshake.
type ServerKeyExchange struct {
	Group     uint16 // named curve, 0 for finite-field DHE
	DHBits    int    // size of the finite-field prime, 0 for ECDHE
	SigAlg    uint16 // 0 before TLS 1.2
	PSKHinted bool
}

// Certificates is a chain sent in clear (TLS 1.2 and older).
type Certificates struct {
	From  Side
	Chain []Certificate // leaf first, at most 8
	Bytes int           // size of the Certificate message, in bytes
}

// Certificate is what a report needs of one X.509 certificate (RFC 5280).
type Certificate struct {
	SHA256    string // of the DER, lower-case hexadecimal
	SPKI      string // SHA-256 of SubjectPublicKeyInfo, lower-case hexadecimal
	Subject   string
	Issuer    string
	Names     []string // dNSName and iPAddress of subjectAltName, at most 32
	Serial    string   // hexadecimal
	NotBefore time.Time
	NotAfter  time.Time
	KeyType   string // "RSA", "EC", "Ed25519", ... or "" when unreadable
	KeyBits   int
	SigAlg    string
	Bad       string // why it could not be parsed, else ""
}

// CertificateRequested says that the server asked the client for a certificate.
type CertificateRequested struct{}

// PSKIdentity is the identity in a TLS 1.2 PSK ClientKeyExchange (RFC 4279).
type PSKIdentity struct {
	Identity string
	Hint     string
}

// TLSAlert is an alert record. Level and Description are 0 when it was encrypted.
type TLSAlert struct {
	From               Side
	Encrypted          bool
	Level, Description uint8
}

// TLSKeysChanged is a ChangeCipherSpec record (TLS 1.2 and older, or a
// compatibility record of TLS 1.3).
type TLSKeysChanged struct{ From Side }

// TLSAppData is the first application_data record of one side. In TLS 1.3 such a
// record may carry handshake messages or an alert. It comes again, at most twice
// for each side, when the first was not enough to know the handshake complete: in
// TLS 1.2 and older the first with AfterBoth, in TLS 1.3 the first after the
// ServerHello of FinishedLimit bytes or more. For QUIC it is the first packet with
// a short header (1-RTT).
type TLSAppData struct {
	From Side
	// AfterBoth says that both sides had sent ChangeCipherSpec before: in TLS 1.2
	// and older this is application data proper.
	AfterBoth bool
	Length    int // of the record, in bytes
}

// FinishedLimit is a length, in bytes, between those of a TLS 1.3 alert and of a
// Finished message when protected: shorter records may be nothing but an alert.
const FinishedLimit = 40

// QUICSeen is a QUIC Initial or Version Negotiation that was recognised.
type QUICSeen struct {
	Version uint32
	From    Side
	// Readable says that the Initial was decrypted (versions 1 and 2).
	Readable bool
}

func (ClientHello) body()          {}
func (ServerHello) body()          {}
func (ServerKeyExchange) body()    {}
func (Certificates) body()         {}
func (CertificateRequested) body() {}
func (PSKIdentity) body()          {}
func (TLSAlert) body()             {}
func (TLSKeysChanged) body()       {}
func (TLSAppData) body()           {}
func (QUICSeen) body()             {}

var versionNames = map[uint16]string{
	0x0002: "SSL 2.0", 0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2",
	0x0304: "TLS 1.3", 0xfeff: "DTLS 1.0", 0xfefd: "DTLS 1.2", 0xfefc: "DTLS 1.3",
}

// VersionName is the usual name of a TLS or DTLS version.
func VersionName(v uint16) string {
	if name, ok := versionNames[v]; ok {
		return name
	}
	return fmt.Sprintf("version 0x%04x", v)
}

// Describe is one line for a report.
func (b ClientHello) Describe() string {
	sni := "no server name"
	if b.HasSNI {
		sni = "server name " + Clean(b.SNI)
	}
	return fmt.Sprintf("TLS ClientHello over %s: %s, best version %s, %d cipher suites, JA4 %s",
		b.Transport, sni, VersionName(b.MaxVersion()), len(b.Suites), b.JA4)
}

// Describe is one line for a report.
func (b ServerHello) Describe() string {
	kind := "ServerHello"
	if b.Retry {
		kind = "HelloRetryRequest"
	}
	return fmt.Sprintf("TLS %s: %s, cipher suite 0x%04x", kind, VersionName(b.Version), b.Suite)
}

// Describe is one line for a report.
func (b ServerKeyExchange) Describe() string {
	if b.DHBits > 0 {
		return fmt.Sprintf("TLS ServerKeyExchange: finite-field DH of %d bits", b.DHBits)
	}
	return fmt.Sprintf("TLS ServerKeyExchange: group 0x%04x, signature algorithm 0x%04x", b.Group, b.SigAlg)
}

// Describe is one line for a report.
func (b Certificates) Describe() string {
	var names []string
	for _, c := range b.Chain {
		names = append(names, fmt.Sprintf("%s (%s %d, until %s)", Clean(c.Subject), c.KeyType, c.KeyBits, c.NotAfter.Format("2006-01-02")))
	}
	return fmt.Sprintf("TLS certificates of the %s: %s", b.From, strings.Join(names, "; "))
}

// Describe is one line for a report.
func (CertificateRequested) Describe() string { return "TLS CertificateRequest" }

// Describe is one line for a report.
func (b PSKIdentity) Describe() string {
	return fmt.Sprintf("TLS pre-shared key identity of %d bytes", len(b.Identity))
}

// Describe is one line for a report.
func (b TLSAlert) Describe() string {
	if b.Encrypted {
		return fmt.Sprintf("encrypted TLS alert from the %s", b.From)
	}
	return fmt.Sprintf("TLS alert from the %s: level %d, description %d", b.From, b.Level, b.Description)
}

// Describe is one line for a report.
func (b TLSKeysChanged) Describe() string { return "TLS ChangeCipherSpec from the " + b.From.String() }

// Describe is one line for a report.
func (b TLSAppData) Describe() string {
	return fmt.Sprintf("first TLS application data record from the %s, %d bytes", b.From, b.Length)
}

// Describe is one line for a report.
func (b QUICSeen) Describe() string { return fmt.Sprintf("QUIC version 0x%08x", b.Version) }
