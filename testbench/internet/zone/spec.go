package zone

// What a correct validator says about the data of a zone (RFC 4035, section 4.3).
const (
	Secure   = "secure"
	Insecure = "insecure"
	Bogus    = "bogus"
)

// denial is how a zone proves that something does not exist.
type denial uint8

const (
	unsigned    denial = iota // no proof at all: the zone is not signed
	nsec                      // RFC 4034, section 4
	nsec3                     // RFC 5155
	nsec3OptOut               // RFC 5155, section 6: unsigned delegations have no record
)

// fault is the one thing that is wrong with a zone's own signatures.
type fault uint8

const (
	sound            fault = iota
	expired                // every signature ended two days ago
	notYetValid            // every signature begins in two days
	flippedBit             // one bit of every signature but those of the keys is inverted
	noSignatures           // keys and DS exist, signatures do not
	foreignSigner          // signed with the key and in the name of another zone
	noDenial               // NSEC or NSEC3 records are left out of answers
	flippedDenial          // one bit of every signature over NSEC or NSEC3 is inverted
	strippedWildcard       // wildcard answers without the proof that no closer name exists
)

// link is what the parent zone says about a zone's keys.
type link uint8

const (
	dsAbsent           link = iota // no DS, and the parent proves it
	dsGood                         // SHA-256 digest of the zone's key
	dsProofStripped                // no DS, and the parent's proof of that is left out
	dsOtherKey                     // a digest that matches no key of the zone
	dsUnknownAlgorithm             // an algorithm number that nobody has assigned
	dsUnknownDigest                // a digest type that nobody has assigned
	dsDowngrade                    // SHA-256 matches nothing, SHA-1 matches (RFC 4509, section 3)
)

// spec says what one zone is. A signed zone has an algorithm; its parent's word
// about it is in link.
type spec struct {
	name       string
	algorithm  uint8
	denial     denial
	iterations uint16
	salt       string
	fault      fault
	signer     string // for foreignSigner: the zone whose key is used
	link       link
	want       string
	wantDenied string // for answers that say no, where that differs from want
	records    string // zone-file text, names relative to the zone
	why        string
}

// Info says what one zone was made for. Want and WantDenied are Secure,
// Insecure or Bogus: what a correct validator finds for data that exists and
// for a proof that something does not exist. Names that leave the zone by a
// CNAME or DNAME have the weakest state of all zones they touch.
type Info struct {
	Name       string
	Want       string
	WantDenied string
	Why        string
}
