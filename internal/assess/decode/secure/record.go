package secure

// Record types (RFC 9846 appendix B.1; heartbeat from RFC 6520; the last is for
// DTLS 1.2 with connection ids, RFC 9146).
const (
	recordCCS       = 20
	recordAlert     = 21
	recordHandshake = 22
	recordAppData   = 23
	recordHeartbeat = 24
	recordCID       = 25
)

const (
	recordHeaderLen = 5
	alertLen        = 2
	// recordLimit is the longest record body: 2^14 plus what old versions may add
	// (RFC 5246 section 6.2.3).
	recordLimit = 1<<14 + 2048
)

// Handshake message types (RFC 9846 appendix B.3, RFC 5246, RFC 6347).
const (
	typeHelloRequest       = 0
	typeClientHello        = 1
	typeServerHello        = 2
	typeHelloVerify        = 3
	typeCertificate        = 11
	typeServerKeyExchange  = 12
	typeCertificateRequest = 13
	typeClientKeyExchange  = 16
	typeFinished           = 20
	typeNextProtocol       = 67
)

// messageLimit is the longest handshake message that is put together, in bytes:
// a certificate chain of 64 KiB is far beyond what any device can hold.
const messageLimit = 64 << 10

// isHandshakeType tells the types that exist from garbage.
func isHandshakeType(t byte) bool {
	return t <= 26 || t == typeNextProtocol || t == 254
}

// recordHeader is the header of a TLS record.
type recordHeader struct {
	kind    byte
	version uint16
	length  int
}

// readRecordHeader reads the first five bytes and says whether they can be a
// record of SSL 3.0 to TLS 1.3.
func readRecordHeader(b []byte) (recordHeader, bool) {
	h := recordHeader{
		kind:    b[0],
		version: uint16(b[1])<<8 | uint16(b[2]),
		length:  int(b[3])<<8 | int(b[4]),
	}
	ok := h.kind >= recordCCS && h.kind <= recordHeartbeat && b[1] == 3 && b[2] <= 4 &&
		h.length <= recordLimit && (h.length > 0 || h.kind == recordAppData)
	return h, ok
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }
