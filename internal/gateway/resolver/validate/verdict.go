package validate

// Status is the outcome of a validation (RFC 4033 section 5, RFC 4035 section
// 4.3).
type Status uint8

const (
	// Indeterminate says that it could not be decided, because a DS or DNSKEY RRset could
	// not be fetched or because the answer itself is a failure of the upstream.
	// A client gets SERVFAIL, or the upstream's own failure.
	Indeterminate Status = iota
	// Secure says that every record that the answer rests on is signed by a chain from a
	// trust anchor.
	Secure
	// Insecure says that it is proven that no chain of trust reaches the answer.
	Insecure
	// Bogus says that a chain of trust should reach the answer and does not.
	Bogus
)

// String names the status in lower case, as in logs and notes.
func (s Status) String() string {
	switch s {
	case Secure:
		return "secure"
	case Insecure:
		return "insecure"
	case Bogus:
		return "bogus"
	default:
		return "indeterminate"
	}
}

// worse says whether s outweighs t when one answer has parts of both.
func (s Status) worse(t Status) bool { return rank(s) > rank(t) }

func rank(s Status) int {
	switch s {
	case Secure:
		return 0
	case Insecure:
		return 1
	case Indeterminate:
		return 2
	default:
		return 3
	}
}

// Verdict is what was found about one answer.
type Verdict struct {
	Status Status
	// EDE is the extended error to send with the answer (RFC 8914 section 4), 0
	// for none. Insecure answers carry one too where the zone is signed in a way
	// that cannot be followed (1, 2, 27).
	EDE uint16
	// Why tells the reason in one sentence. It holds names from the message in
	// presentation format, escaped by the DNS library.
	Why string
	// TTL caps the time, in seconds, for which the answer and this verdict may
	// be kept: for Secure the least of the records' TTLs, their original TTLs
	// and what is left of their signatures (RFC 4035 section 5.3.3); for Bogus
	// and Indeterminate a short time (RFC 9520).
	TTL uint32
	// Answer and Authority run parallel to the sections of the message: true
	// for each record, signatures included, that is part of what was validated.
	// A CNAME that follows from a validated DNAME counts as validated. With
	// Secure, AD may be set when every record that is sent in these two sections
	// is true (RFC 4035 section 3.2.3, RFC 6840 section 5.8); leave the others
	// out. With any other status they are all false.
	Answer, Authority []bool
	// Work is what the verdict cost.
	Work Work
}

// Work counts what one validation did.
type Work struct {
	Queries       int // questions to the Source
	Verifications int // signatures checked cryptographically
	Failures      int // of these, the ones that failed
	HashBlocks    int // SHA-1 blocks for NSEC3
	Digests       int // DS digests computed
}
