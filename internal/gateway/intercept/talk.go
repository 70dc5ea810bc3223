package intercept

import "encoding/binary"

// talk listens to the records of a client and tells whether it sent application data: a
// finished handshake alone is no conversation that works, and in TLS 1.3 a refusal looks
// like data from outside (RFC 8446 section 5.2).
type talk struct {
	head      [recordHeader]byte // of the present record
	got, skip int                // bytes of head; bytes of the record that are still to come
	changed   bool               // ChangeCipherSpec was sent
	old       bool               // and a handshake record after it: TLS 1.2 or older
	protected int                // records of application data that are no alert
	lost      bool               // this is no TLS
}

const (
	recordChange = 20
	recordData   = 23
	// alertMost is the longest protected alert in TLS 1.3: two bytes, the type, and the
	// 16 bytes of the longest tag, with some for padding.
	alertMost = 24
	// recordLimit is beyond any record (RFC 8446 section 5.2).
	recordLimit = 1<<14 + 2048
)

// data says that the client sent application data. In TLS 1.3 its first protected record
// is its Finished; one that shows a certificate of its own sends more before that, which
// cannot be told from data.
func (t *talk) data() bool {
	return t.old && t.protected > 0 || t.protected > 1
}

// enough says that there is nothing more to find out.
func (t *talk) enough() bool { return t.lost || t.data() }

func (t *talk) see(p []byte) {
	for len(p) > 0 && !t.enough() {
		if t.skip > 0 {
			n := min(t.skip, len(p))
			t.skip, p = t.skip-n, p[n:]
			continue
		}
		t.head[t.got] = p[0]
		t.got, p = t.got+1, p[1:]
		if t.got == len(t.head) {
			t.record(t.head[0], int(binary.BigEndian.Uint16(t.head[3:])))
			t.got = 0
		}
	}
}

// record takes the header of one.
func (t *talk) record(kind byte, length int) {
	t.skip = length
	switch {
	case t.head[1] != 3 || length > recordLimit:
		t.lost = true
	case kind == recordChange:
		t.changed = true
	case kind == recordHandshake && t.changed:
		t.old = true
	case kind == recordData && (t.old || length > alertMost):
		t.protected++
	}
}
