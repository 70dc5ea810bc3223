package local

import (
	"bytes"
	"encoding/binary"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// named makes a kind that is recognised datagram by datagram and only labels its
// conversation.
func named(name string, is func(c wire.Conn, data []byte) bool) wire.DatagramKind {
	return wire.DatagramKind{
		Name: name,
		Recognise: func(c wire.Conn, _ event.Side, data []byte) wire.Match {
			return yesIf(is(c, data))
		},
		New: func() wire.Datagram {
			return stateless(func(c wire.Context, _ event.Side, data []byte) bool {
				if !is(c.Conn(), data) {
					return false
				}
				c.Name(name)
				return true
			})
		},
	}
}

// tftp names requests to read or write a file (RFC 1350 section 5). The transfer
// itself runs from another port and is not followed.
func tftp() wire.DatagramKind {
	const port = 69
	return named("tftp", func(c wire.Conn, data []byte) bool {
		return c.ServerPort == port && isTFTPRequest(data)
	})
}

func isTFTPRequest(data []byte) bool {
	if len(data) < 6 || data[0] != 0 || data[1] != 1 && data[1] != 2 {
		return false
	}
	parts := bytes.Split(data[2:], []byte{0})
	if len(parts) < 3 || len(parts[0]) == 0 || !isText(parts[0]) {
		return false
	}
	switch string(bytes.ToLower(parts[1])) {
	case "netascii", "octet", "mail":
		return true
	default:
		return false
	}
}

// syslogUDP names syslog (RFC 3164, RFC 5424, RFC 5426): a priority in angle
// brackets and text.
func syslogUDP() wire.DatagramKind {
	const port = 514
	return named("syslog", func(c wire.Conn, data []byte) bool {
		if c.ServerPort != port || len(data) < 4 || data[0] != '<' {
			return false
		}
		end := bytes.IndexByte(data[:min(len(data), 5)], '>')
		if end < 2 {
			return false
		}
		priority := 0
		for _, d := range data[1:end] {
			if d < '0' || d > '9' {
				return false
			}
			priority = 10*priority + int(d-'0')
		}
		return priority <= 191
	})
}

// stun names STUN and TURN control messages (RFC 8489 section 5) by their magic
// cookie.
func stun() wire.DatagramKind {
	const header, cookie = 20, 0x2112a442
	return named("stun", func(_ wire.Conn, data []byte) bool {
		if len(data) < header || data[0]>>6 != 0 || binary.BigEndian.Uint32(data[4:]) != cookie {
			return false
		}
		length := int(binary.BigEndian.Uint16(data[2:]))
		return length%4 == 0 && header+length == len(data)
	})
}

// bacnet names BACnet/IP (ASHRAE 135 annex J): type, function and length of the
// virtual link control, at one of its ports.
func bacnet() wire.DatagramKind {
	const firstPort, lastPort = 47808, 47823
	atPort := func(p uint16) bool { return p >= firstPort && p <= lastPort }
	return named("bacnet", func(c wire.Conn, data []byte) bool {
		return (atPort(c.ClientPort) || atPort(c.ServerPort)) && len(data) >= 4 &&
			data[0] == 0x81 && data[1] <= 0x0b && int(binary.BigEndian.Uint16(data[2:])) == len(data)
	})
}

// tuya names the announcements of devices on the Tuya platform, by the marks at
// the beginning and the end of their frames.
func tuya() wire.DatagramKind {
	const shortest = 24
	return named("tuya", func(c wire.Conn, data []byte) bool {
		if !usesPort(c, 6666, 6667, 7000) || len(data) < shortest {
			return false
		}
		first := binary.BigEndian.Uint32(data)
		last := binary.BigEndian.Uint32(data[len(data)-4:])
		return first == 0x000055aa && last == 0x0000aa55 || first == 0x00006699 && last == 0x00009966
	})
}
