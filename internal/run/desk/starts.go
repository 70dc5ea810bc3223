package desk

import (
	"context"
	"encoding/binary"
	"time"

	"assay/internal/gateway/capture"
)

// Starts counts what shows that a device started afresh.
type Starts struct {
	Cable int // its first frame after the cable was out
	// IPv4 and IPv6 count questions for a network that a device asks when it comes to
	// one, shortly after a silence: DHCPDISCOVER, Router Solicitation and the like. Who
	// gets no answer asks again and again, so each counts only where it is answered.
	IPv4, IPv6 int
}

// starts gathers them for one device.
type starts struct {
	Starts
	heard, woke  time.Time // its last frame, and its first one after a silence
	out, plugged bool
}

// A device without power is silent for a while, and asks for a network soon after.
const (
	asleep = 2 * time.Second
	waking = 30 * time.Second
)

// link follows the cable.
func (s *starts) link(change capture.LinkChange) {
	switch change {
	case capture.LinkDown:
		s.out, s.plugged = true, false
	case capture.LinkUp:
		s.plugged, s.out = s.plugged || s.out, false
	case capture.LinkSame:
	}
}

// frame takes what the device sent.
func (s *starts) frame(at time.Time, data []byte) {
	if at.Sub(s.heard) >= asleep {
		s.woke = at
	}
	s.heard = at
	if s.plugged {
		s.plugged = false
		s.Cable++
	}
	if at.Sub(s.woke) > waking || len(data) < 14 {
		return
	}
	switch packet := data[14:]; binary.BigEndian.Uint16(data[12:]) {
	case 0x0800:
		if asksIPv4(packet) {
			s.IPv4++
		}
	case 0x86dd:
		if asksIPv6(packet) {
			s.IPv6++
		}
	}
}

const (
	protoUDP    = 17
	protoICMPv6 = 58
)

// asksIPv4 knows a DHCPDISCOVER, and a DHCPREQUEST of a client that has no address in
// use (RFC 2131 section 4.3.2).
func asksIPv4(p []byte) bool {
	const (
		fixed  = 8 + 240 // UDP, BOOTP and the magic cookie
		server = 67
	)
	if len(p) < 20 || p[9] != protoUDP {
		return false
	}
	head := int(p[0]&0x0f) * 4
	if len(p) < head+fixed || binary.BigEndian.Uint16(p[head+2:]) != server {
		return false
	}
	bootp := p[head+8:]
	if bootp[0] != 1 || binary.BigEndian.Uint32(bootp[12:]) != 0 { // a reply, or ciaddr is in use
		return false
	}
	kind := kindOfDHCP(bootp[240:])
	return kind == 1 || kind == 3
}

// kindOfDHCP finds option 53 (RFC 2132 section 9.6), 0 where there is none.
func kindOfDHCP(o []byte) byte {
	const (
		padding = 0
		ofType  = 53
		end     = 255
	)
	for len(o) >= 3 && o[0] != end {
		switch o[0] {
		case padding:
			o = o[1:]
		case ofType:
			return o[2]
		default:
			o = o[min(2+int(o[1]), len(o)):]
		}
	}
	return 0
}

// asksIPv6 knows a Router Solicitation (RFC 4861 section 4.1), and the Solicit and
// Confirm of DHCPv6 (RFC 8415 section 7.3).
func asksIPv6(p []byte) bool {
	const (
		head         = 40
		solicitation = 133
		server       = 547
	)
	if len(p) < head+9 {
		return false
	}
	switch p[6] {
	case protoICMPv6:
		return p[head] == solicitation
	case protoUDP:
		kind := p[head+8]
		return binary.BigEndian.Uint16(p[head+2:]) == server && (kind == 1 || kind == 4)
	}
	return false
}

// Starts tells what shows so far that a device started afresh.
func (d *Desk) Starts(ctx context.Context, mac [6]byte) (out Starts, err error) {
	err = d.order(ctx, func() error {
		s := d.seats[mac]
		if s == nil {
			return errNoRun
		}
		out = s.starts.Starts
		return nil
	})
	return out, err
}
