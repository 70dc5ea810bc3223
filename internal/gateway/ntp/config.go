package ntp

import (
	"net/netip"
	"time"

	"assay/internal/assess/evidence"
)

// Conn is a UDP socket that tells and sets the local address of each message;
// *net.UDPConn is one.
type Conn interface {
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error)
	WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error)
	Close() error
}

// Leap is the leap indicator (RFC 5905 section 7.3).
type Leap uint8

// The leap indicators.
const (
	LeapNone Leap = iota
	LeapAdd       // the last minute of the day has 61 seconds
	LeapRemove
	LeapUnknown // the clock is not synchronised
)

// Clock is what the box knows of its own clock.
type Clock struct {
	// Synchronised says that the time is known to be right. When it is not, the
	// answer says so by leap indicator 3, stratum 0 and the kiss code INIT (RFC
	// 5905 sections 7.3 and 7.4), which every client must leave alone. Silence was
	// rejected: it looks the same as a lost packet, in the evidence too.
	Synchronised bool
	Leap         Leap
	Stratum      uint8   // of the box itself: its server's stratum plus one; 1 to 15
	Reference    [4]byte // IPv4 address of its server, or the first bytes of the MD5 of the IPv6 one
	// Updated is when the clock was last set or corrected.
	Updated        time.Time
	RootDelay      time.Duration
	RootDispersion time.Duration
	Offset         time.Duration // added to the time that is told; an experiment, to be noted by who sets it
	PrecisionLog2  int8          // of the clock in log2 seconds, -20 (a microsecond) when zero
}

// Config is what a Server needs.
type Config struct {
	// Open opens UDP port 123 on the LAN port; it is called again when the link was
	// lost. See OpenPort.
	Open func() (Conn, error)
	// Clock is asked for each answer and must be quick. Nil is a clock that is not
	// synchronised.
	Clock func() Clock
	Now   func() time.Time    // time.Now when nil
	Note  func(evidence.Note) // may be nil
}
