package local

// The BER tags that SNMP uses (ITU-T X.690, RFC 1157, RFC 3416).
const (
	berInteger  = 0x02
	berOctets   = 0x04
	berOID      = 0x06
	berSequence = 0x30
	berIPAddr   = 0x40
	berTicks    = 0x43
)

// ber walks through one level of BER elements of definite length. It never looks
// deeper than it is told to, so nesting costs nothing. Once something does not
// fit, bad stays set and every further read returns nothing.
type ber struct {
	rest []byte
	bad  bool
}

// next returns tag and content of the next element. Tags of more than one byte
// and lengths of more than four do not occur in SNMP and are bad.
func (r *ber) next() (tag byte, content []byte) {
	if r.bad || len(r.rest) < 2 || r.rest[0]&0x1f == 0x1f {
		r.bad = true
		return 0, nil
	}
	tag = r.rest[0]
	length, used := berLength(r.rest[1:])
	body := r.rest[1+used:]
	if used == 0 || length > len(body) {
		r.bad = true
		return 0, nil
	}
	r.rest = body[length:]
	return tag, body[:length]
}

// berLength reads a length; used is 0 when there is none to read.
func berLength(b []byte) (length, used int) {
	if b[0] < 0x80 {
		return int(b[0]), 1
	}
	n := int(b[0] & 0x7f)
	if n == 0 || n > 4 || len(b) < 1+n {
		return 0, 0
	}
	for _, c := range b[1 : 1+n] {
		length = length<<8 | int(c)
	}
	if length > 1<<16 {
		return 0, 0 // longer than any datagram
	}
	return length, 1 + n
}

// want returns the content of the next element, which must have that tag.
func (r *ber) want(tag byte) []byte {
	got, content := r.next()
	if got != tag {
		r.bad = true
		return nil
	}
	return content
}

// integer reads an INTEGER of at most four bytes.
func (r *ber) integer() int {
	content := r.want(berInteger)
	if len(content) == 0 || len(content) > 4 {
		r.bad = true
		return 0
	}
	n := int(int8(content[0]))
	for _, c := range content[1:] {
		n = n<<8 | int(c)
	}
	return n
}

// done says that everything fitted and nothing is left over.
func (r *ber) done() bool { return !r.bad && len(r.rest) == 0 }
