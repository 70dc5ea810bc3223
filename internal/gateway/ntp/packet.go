package ntp

import (
	"encoding/binary"
	"time"
)

const (
	packetLen  = 48 // of a header without extensions (RFC 5905 section 7.3)
	modeClient = 3
	modeServer = 4
	maxVersion = 4

	defaultPrecision = -20
	kissPoll         = 6 // log2 seconds; told with RATE, the least a client should keep
)

// question is what an answer needs of a client's packet.
type question struct {
	version  uint8
	poll     uint8
	transmit [8]byte // the client's transmit timestamp, or a random number
}

// parse reads a client's packet, or says why it is refused. The words are
// constants: they name counters.
func parse(p []byte) (question, string) {
	if len(p) < packetLen {
		return question{}, "malformed"
	}
	version, mode := p[0]>>3&7, p[0]&7
	switch {
	case version == 0 || version > maxVersion:
		return question{}, "unknown version"
	case mode == 6 || mode == 7:
		return question{}, "control or private message"
	case mode != modeClient:
		return question{}, "not a client's question"
	}
	return question{version: version, poll: p[2], transmit: [8]byte(p[40:48])}, ""
}

// usable reports whether the clock may be told as right.
func (c Clock) usable() bool {
	return c.Synchronised && c.Stratum >= 1 && c.Stratum <= 15 && c.Leap != LeapUnknown
}

// timeAnswer is a server's packet with the time.
func timeAnswer(q question, c Clock, received, now time.Time) [packetLen]byte {
	p := header(q, c.Leap, c.Stratum, q.poll)
	p[3] = byte(defaultPrecision & 0xff)
	if c.PrecisionLog2 != 0 {
		p[3] = byte(c.PrecisionLog2)
	}
	binary.BigEndian.PutUint32(p[4:], short(c.RootDelay))
	binary.BigEndian.PutUint32(p[8:], short(c.RootDispersion))
	copy(p[12:16], c.Reference[:])
	binary.BigEndian.PutUint64(p[16:], stamp(c.Updated.Add(c.Offset)))
	binary.BigEndian.PutUint64(p[32:], stamp(received))
	binary.BigEndian.PutUint64(p[40:], stamp(now))
	return p
}

// kiss is a packet that carries no time but a reason (RFC 5905 section 7.4).
func kiss(q question, code string) [packetLen]byte {
	p := header(q, LeapUnknown, 0, max(q.poll, kissPoll))
	copy(p[12:16], code)
	copy(p[32:40], q.transmit[:])
	copy(p[40:48], q.transmit[:])
	return p
}

func header(q question, l Leap, stratum, poll uint8) (p [packetLen]byte) {
	p[0] = byte(l&3)<<6 | q.version<<3 | modeServer
	p[1], p[2] = stratum, poll
	copy(p[24:32], q.transmit[:])
	return p
}

// eraStart is the first second of NTP's era 0; later eras wrap (RFC 5905 section
// 6).
const eraStart = -2208988800

// stamp is a time in NTP's timestamp format.
func stamp(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	seconds := uint64(t.Unix()-eraStart) << 32
	return seconds | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// short is a length of time in NTP's short format, at most 65536 seconds.
func short(d time.Duration) uint32 {
	d = min(max(d, 0), 65535*time.Second)
	return uint32(uint64(d) << 16 / uint64(time.Second))
}
