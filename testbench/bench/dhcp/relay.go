//go:build linux

package main

import (
	"encoding/binary"

	"assay/internal/gateway/dhcp/v4"
)

// relayed is the LAN port as it looks from beyond a relay. perfdhcp can only pose
// as a relay, and the server refuses relays, rightly: so its messages lose the
// relay's address on their way in, and the answers get it back on their way out
// (RFC 1542 section 4.1). The cost is the measured server's alone.
type relayed struct {
	v4.Link
	mac v4.MAC // of the relay
}

// Where things are in a message (RFC 2131 section 2) and in a frame without IP
// options.
const (
	hopsAt, giaddrAt, messageMin = 3, 24, 240
	ipAt, ipSumAt, ipDstAt       = 14, 14 + 10, 14 + 16
	udpDstAt, udpSumAt           = 34 + 2, 34 + 6
	messageAt                    = 42
	relayPort                    = 67
)

// Receive takes the relay's marks out of a message.
func (r relayed) Receive(buf []byte) (int, error) {
	n, err := r.Link.Receive(buf)
	if err == nil && n >= messageMin {
		buf[hopsAt] = 0
		clear(buf[giaddrAt : giaddrAt+4])
	}
	return n, err
}

// Send directs an answer to the relay.
func (r relayed) Send(frame []byte) error {
	if len(frame) >= messageAt+messageMin {
		redirect(frame, r.mac)
	}
	return r.Link.Send(frame)
}

func redirect(frame []byte, mac v4.MAC) {
	to := relay.As4()
	copy(frame, mac[:])
	copy(frame[ipDstAt:], to[:])
	binary.BigEndian.PutUint16(frame[udpDstAt:], relayPort)
	binary.BigEndian.PutUint16(frame[udpSumAt:], 0) // none: RFC 768 allows it
	copy(frame[messageAt+giaddrAt:], to[:])
	binary.BigEndian.PutUint16(frame[ipSumAt:], 0)
	var sum uint32
	for i := ipAt; i < ipAt+20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(frame[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(frame[ipSumAt:], ^uint16(sum))
}
