package local

import (
	"bytes"
	"encoding/binary"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Tunnels are encrypted, and calling something encrypted that is not would hide
// a fault: a tunnel is named only when both sides fit together, or when a run of
// packets does.

// wireGuard names WireGuard by its handshake: an initiation and the response
// that repeats its sender index (WireGuard protocol, section 5.4).
func wireGuard() wire.DatagramKind {
	return wire.DatagramKind{
		Name: unsure,
		Recognise: func(_ wire.Conn, from event.Side, data []byte) wire.Match {
			return yesIf(from == event.FromClient && isWireGuardInit(data))
		},
		New: func() wire.Datagram { return &wireGuardReader{} },
	}
}

// Message types and lengths of WireGuard.
const (
	wgInit, wgInitLen         = 1, 148
	wgResponse, wgResponseLen = 2, 92
	wgCookie, wgCookieLen     = 3, 64
	wgData, wgDataShortest    = 4, 32
)

type wireGuardReader struct {
	index [2]uint32 // sender index of the last initiation of each side
	begun [2]bool
}

// Packet follows the handshake.
func (r *wireGuardReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	kind, ok := wireGuardType(data)
	if !ok {
		return false
	}
	me, other := from&1, 1-from&1
	switch kind {
	case wgInit:
		r.index[me], r.begun[me] = binary.LittleEndian.Uint32(data[4:]), true
	case wgResponse:
		if !r.begun[other] || binary.LittleEndian.Uint32(data[8:]) != r.index[other] {
			return false
		}
		c.Name("wireguard")
	}
	return true
}

func isWireGuardInit(data []byte) bool {
	kind, ok := wireGuardType(data)
	return ok && kind == wgInit
}

// wireGuardType checks type, reserved bytes and length.
func wireGuardType(data []byte) (byte, bool) {
	if len(data) < wgDataShortest || data[1]|data[2]|data[3] != 0 {
		return 0, false
	}
	switch data[0] {
	case wgInit:
		return wgInit, len(data) == wgInitLen
	case wgResponse:
		return wgResponse, len(data) == wgResponseLen
	case wgCookie:
		return wgCookie, len(data) == wgCookieLen
	case wgData:
		return wgData, len(data)%16 == 0
	default:
		return 0, false
	}
}

// natTraversal names IPsec through NAT (RFC 3948): IKE behind four zero bytes, or
// a run of ESP packets in sequence.
func natTraversal() wire.DatagramKind {
	return wire.DatagramKind{
		Name: unsure,
		Recognise: func(c wire.Conn, _ event.Side, data []byte) wire.Match {
			return yesIf(usesPort(c, 4500) && (isIKE(data) || isESP(data)))
		},
		New: func() wire.Datagram { return &espReader{} },
	}
}

// espRun is how many packets in sequence make ESP believable.
const espRun = 4

type espReader struct {
	spi, sequence [2]uint32
	run           [2]int
}

// Packet follows sequence numbers of each side.
func (r *espReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	if len(data) == 1 && data[0] == 0xff {
		return true // keep-alive, RFC 3948 section 2.3
	}
	if isIKE(data) {
		c.Name("ipsec-nat-t")
		return true
	}
	if !isESP(data) {
		return false
	}
	me := from & 1
	spi, sequence := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	if step := sequence - r.sequence[me]; spi == r.spi[me] && step > 0 && step < 64 {
		r.run[me]++
	} else {
		r.run[me] = 1
	}
	r.spi[me], r.sequence[me] = spi, sequence
	if r.run[me] == espRun {
		c.Name("ipsec-nat-t")
	}
	return true
}

// isIKE checks the non-ESP marker and the header of IKE version 1 or 2
// (RFC 7296 section 3.1), whose length must be that of the datagram.
func isIKE(data []byte) bool {
	const marker, header = 4, 28
	if len(data) < marker+header || binary.BigEndian.Uint32(data) != 0 {
		return false
	}
	ike := data[marker:]
	version := ike[17]
	return (version == 0x10 || version == 0x20) && binary.BigEndian.Uint64(ike) != 0 &&
		int(binary.BigEndian.Uint32(ike[24:])) == len(ike)
}

// isESP checks that the SPI is not one of the reserved ones (RFC 4303 section 2.1)
// and that the length is a multiple of four.
func isESP(data []byte) bool {
	const shortest = 20
	return len(data) >= shortest && len(data)%4 == 0 && binary.BigEndian.Uint32(data) > 255 &&
		binary.BigEndian.Uint32(data[4:]) != 0
}

// openVPN names OpenVPN by its first two packets: the hard reset of the client
// and that of the server, which repeats the client's session id.
func openVPN() wire.DatagramKind {
	return wire.DatagramKind{
		Name: unsure,
		Recognise: func(_ wire.Conn, from event.Side, data []byte) wire.Match {
			return yesIf(from == event.FromClient && isOpenVPNReset(data))
		},
		New: func() wire.Datagram { return &openVPNReader{} },
	}
}

// Packet types of OpenVPN: opcode in the upper five bits, key id 0.
const (
	ovpnClientReset  = 7 << 3
	ovpnServerReset  = 8 << 3
	ovpnSessionBytes = 8
)

type openVPNReader struct {
	session [ovpnSessionBytes]byte
	sure    bool
}

// Packet waits for the server's reset; after it everything belongs to the tunnel.
func (r *openVPNReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	switch {
	case r.sure:
		return true
	case from == event.FromClient && isOpenVPNReset(data):
		copy(r.session[:], data[1:])
		return true
	case from == event.FromServer && len(data) >= 26 && data[0] == ovpnServerReset &&
		bytes.Contains(data[1+ovpnSessionBytes:], r.session[:]):
		r.sure = true
		c.Name("openvpn")
		return true
	default:
		return false
	}
}

// isOpenVPNReset accepts P_CONTROL_HARD_RESET_CLIENT_V2, plain (14 bytes, ending
// in no acknowledgements and packet id 0) or with the HMAC of tls-auth.
func isOpenVPNReset(data []byte) bool {
	if len(data) < 14 || data[0] != ovpnClientReset {
		return false
	}
	tail := data[len(data)-5:]
	known := len(data) == 14 || len(data) == 14+20+8 || len(data) == 14+32+8 || len(data) == 14+64+8
	return known && bytes.Equal(tail, make([]byte, 5))
}
