package name

import (
	"encoding/binary"
	"time"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Association modes (RFC 5905 figure 10).
const (
	modeActive    = 1
	modePassive   = 2
	modeClient    = 3
	modeServer    = 4
	modeBroadcast = 5
	modePrivate   = 7
)

const (
	ntpLen = 48 // the header without extension fields, in bytes
	// macMax is the longest message authentication code that may end a packet
	// without being an extension field (RFC 7822 section 3).
	macMax = 24
	// fieldLimit bounds how many extension fields are looked at.
	fieldLimit = 32
)

type ntpDatagrams struct{ named bool }

func newNTP() wire.Datagram { return &ntpDatagrams{} }

// recogniseNTP takes any NTP on port 123, and elsewhere only a bare client
// request.
func recogniseNTP(c wire.Conn, from event.Side, data []byte) wire.Match {
	if onPort(c, portNTP) {
		return match(isNTP(data))
	}
	return match(from == event.FromClient && isBareRequest(data))
}

func isNTP(data []byte) bool {
	if len(data) < 12 {
		return false
	}
	version, mode := data[0]>>3&7, data[0]&7
	if mode >= modePrivate-1 { // control messages, RFC 9327
		return version >= 1 && version <= 4
	}
	return version >= 1 && version <= 4 && mode >= modeActive && len(data) >= ntpLen
}

// isBareRequest says that data is a client request of 48 bytes in which nothing
// is filled in but its poll interval and transmit time (RFC 4330 section 5).
func isBareRequest(data []byte) bool {
	if len(data) != ntpLen || data[0]&7 != modeClient {
		return false
	}
	if v := data[0] >> 3 & 7; v != 3 && v != 4 {
		return false
	}
	for i, b := range data[1:40] {
		if b != 0 && i != 1 { // the byte at 2 is poll
			return false
		}
	}
	return data[2] <= 17 && isRecent(timestamp(data[40:]))
}

// isRecent says that a time can be today's or that of a clock which was never
// set: what a device without a clock begins to count from.
func isRecent(at time.Time) bool {
	return at.IsZero() || at.Year() >= 1970 && at.Year() < 2100
}

// Packet reads one datagram.
func (r *ntpDatagrams) Packet(c wire.Context, from event.Side, data []byte) bool {
	if !isNTP(data) {
		return false
	}
	if !r.named {
		r.named = true
		c.Name("ntp")
	}
	if len(data) >= ntpLen {
		r.emit(c, from, data)
	}
	return true
}

// emit reports what is about the conversation's client: its own requests and
// broadcasts, and the answers to it.
func (r *ntpDatagrams) emit(c wire.Context, from event.Side, data []byte) {
	version, mode := data[0]>>3&7, data[0]&7
	nts := version == 4 && hasNTS(data[ntpLen:])
	sent := timestamp(data[40:])
	switch {
	case from == event.FromClient && (mode == modeActive || mode == modeClient):
		c.Emit(0, event.TimeAsked{Version: version, Mode: mode, Poll: int8(data[2]), Transmit: sent, NTS: nts})
	case from == event.FromClient && mode == modeBroadcast,
		from == event.FromServer && (mode == modePassive || mode == modeServer || mode == modeBroadcast):
		c.Emit(0, event.TimeAnswered{Version: version, Mode: mode, Stratum: data[1], Transmit: sent, NTS: nts})
	}
}

// hasNTS looks for the authenticator of Network Time Security: without that
// field nothing in a packet is authenticated, whatever else it carries (RFC 8915
// sections 5.6 and 5.7).
func hasNTS(data []byte) bool {
	const authenticator = 0x0404
	for i := 0; i < fieldLimit && len(data) > macMax; i++ {
		kind, n := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if n < 4 || n%4 != 0 || n > len(data) {
			return false
		}
		if kind == authenticator {
			return true
		}
		data = data[n:]
	}
	return false
}

// timestamp reads an NTP timestamp; zero stays zero. A first bit of 0 means the
// era that begins in 2036 (RFC 5905 section 6, RFC 4330 section 3).
func timestamp(b []byte) time.Time {
	sec, frac := uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))
	if sec == 0 && frac == 0 {
		return time.Time{}
	}
	if sec < 1<<31 {
		sec += 1 << 32
	}
	const toUnix = 2208988800 // seconds from 1900 to 1970
	return time.Unix(int64(sec)-toUnix, int64(frac*1e9>>32)).UTC()
}
