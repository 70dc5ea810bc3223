package local

import (
	"encoding/binary"
	"strings"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Ports of NetBIOS over TCP/IP (RFC 1002 section 4).
const (
	netbiosNamePort     = 137
	netbiosDatagramPort = 138
)

// The name service (RFC 1002 section 4.2).
const (
	nbHeader     = 12
	nbName       = 34 // length byte, 32 letters, end of the name without a scope
	nbTypeNB     = 0x0020
	nbTypeStatus = 0x0021
)

// netbiosNames reads the name service.
func netbiosNames() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "netbios",
		Recognise: func(c wire.Conn, _ event.Side, data []byte) wire.Match {
			_, ok := parseNetBIOSName(data)
			return yesIf(ok && usesPort(c, netbiosNamePort))
		},
		New: func() wire.Datagram { return &netbiosReader{protocol: "netbios", parse: parseNetBIOSName} },
	}
}

// netbiosDatagrams reads the datagram service, whose header names the speaker.
func netbiosDatagrams() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "netbios",
		Recognise: func(c wire.Conn, _ event.Side, data []byte) wire.Match {
			_, ok := parseNetBIOSDatagram(data)
			return yesIf(ok && usesPort(c, netbiosDatagramPort))
		},
		New: func() wire.Datagram { return &netbiosReader{protocol: "netbios", parse: parseNetBIOSDatagram} },
	}
}

// netbiosSaid is a name and whether it was asked for or told as the speaker's own.
type netbiosSaid struct {
	query bool
	name  string
}

type netbiosReader struct {
	protocol string
	parse    func([]byte) (netbiosSaid, bool)
	told     heard[netbiosSaid]
}

// Packet reads one message and tells it of its speaker.
func (r *netbiosReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	said, ok := r.parse(data)
	if !ok {
		return false
	}
	c.Name(r.protocol)
	if said.name != "" && r.told.first(said) {
		speak(c, from, event.Announced{Protocol: "netbios", Query: said.query, Names: []string{said.name}})
	}
	return true
}

// parseNetBIOSName reads the first name of a message. Queries ask; registrations,
// refreshes and answers tell the speaker's own name.
func parseNetBIOSName(data []byte) (netbiosSaid, bool) {
	if len(data) < nbHeader+nbName+4 {
		return netbiosSaid{}, false
	}
	name, ok := netbiosName(data[nbHeader:])
	kind := binary.BigEndian.Uint16(data[nbHeader+nbName:])
	if !ok || kind != nbTypeNB && kind != nbTypeStatus {
		return netbiosSaid{}, false
	}
	flags := binary.BigEndian.Uint16(data[2:])
	questions, answers := binary.BigEndian.Uint16(data[4:]), binary.BigEndian.Uint16(data[6:])
	response := flags&0x8000 != 0
	switch {
	case questions+answers != 1 || response != (answers == 1):
		return netbiosSaid{}, false
	case response:
		return netbiosAnswer(flags, kind, name), true
	default:
		return netbiosRequest(flags>>11&15, name)
	}
}

// netbiosAnswer tells a name only for a positive answer to a query for a name;
// refusals and node status tell no name of the speaker's here.
func netbiosAnswer(flags, kind uint16, name string) netbiosSaid {
	const opcodeAndCode = 0x7800 | 0x000f
	if flags&opcodeAndCode != 0 || kind != nbTypeNB {
		return netbiosSaid{}
	}
	return netbiosSaid{name: name}
}

// netbiosRequest sorts requests by their operation (RFC 1002 section 4.2.1.1):
// query, registration, release, refresh (8 and 9) and multi-homed registration.
func netbiosRequest(opcode uint16, name string) (netbiosSaid, bool) {
	switch opcode {
	case 0:
		return netbiosSaid{query: true, name: name}, true
	case 5, 8, 9, 15:
		return netbiosSaid{name: name}, true
	case 6:
		return netbiosSaid{}, true
	default:
		return netbiosSaid{}, false
	}
}

// netbiosName undoes the first-level encoding of RFC 1001 section 14.1: 32
// letters A to P, two per byte; the sixteenth byte is the kind of service.
func netbiosName(b []byte) (string, bool) {
	if len(b) < nbName || b[0] != 32 || b[33] != 0 {
		return "", false
	}
	var name [16]byte
	for i := range name {
		high, low := b[1+2*i]-'A', b[2+2*i]-'A'
		if high > 15 || low > 15 {
			return "", false
		}
		name[i] = high<<4 | low
	}
	return strings.TrimRight(string(name[:15]), " \x00"), true
}

// nbDatagramHeader is the header before the names (RFC 1002 section 4.4.2).
const nbDatagramHeader = 14

// parseNetBIOSDatagram reads the source name of a datagram to one name, to a
// group or to everybody.
func parseNetBIOSDatagram(data []byte) (netbiosSaid, bool) {
	if len(data) < nbDatagramHeader+2*nbName || data[0] < 0x10 || data[0] > 0x12 {
		return netbiosSaid{}, false
	}
	length := int(binary.BigEndian.Uint16(data[10:]))
	if length != len(data)-nbDatagramHeader {
		return netbiosSaid{}, false
	}
	name, ok := netbiosName(data[nbDatagramHeader:])
	_, toName := netbiosName(data[nbDatagramHeader+nbName:])
	return netbiosSaid{name: name}, ok && toName
}
