package local

import (
	"encoding/binary"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// portMapPort is where a gateway listens for NAT-PMP (RFC 6886) and PCP (RFC 6887).
const portMapPort = 5351

// natPMP reads requests to open a port by NAT-PMP.
func natPMP() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "nat-pmp",
		Recognise: func(c wire.Conn, _ event.Side, data []byte) wire.Match {
			return yesIf(c.ServerPort == portMapPort && isNATPMP(data))
		},
		New: func() wire.Datagram { return &portMapReader{name: "nat-pmp", is: isNATPMP, read: readNATPMP} },
	}
}

// pcp reads requests to open a port by the Port Control Protocol.
func pcp() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "pcp",
		Recognise: func(c wire.Conn, _ event.Side, data []byte) wire.Match {
			return yesIf(c.ServerPort == portMapPort && isPCP(data))
		},
		New: func() wire.Datagram { return &portMapReader{name: "pcp", is: isPCP, read: readPCP} },
	}
}

type portMapReader struct {
	name string
	is   func([]byte) bool
	read func([]byte) (event.PortMapAsked, bool)
	told heard[event.PortMapAsked]
}

// Packet reads one request; answers are only named.
func (r *portMapReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	if !r.is(data) {
		return false
	}
	c.Name(r.name)
	if from != event.FromClient {
		return true
	}
	if asked, ok := r.read(data); ok && r.told.first(asked) {
		c.Emit(0, asked)
	}
	return true
}

// isNATPMP checks version, operation and length (RFC 6886 sections 3.2 to 3.5).
func isNATPMP(data []byte) bool {
	if len(data) < 2 || data[0] != 0 {
		return false
	}
	switch data[1] {
	case 0:
		return len(data) == 2
	case 1, 2:
		return len(data) == 12 && data[2] == 0 && data[3] == 0
	case 128:
		return len(data) == 12
	case 129, 130:
		return len(data) == 16
	default:
		return false
	}
}

// readNATPMP returns what a request asks for; a mapping of lifetime zero is
// deleted, not opened (section 3.4), and is no event.
func readNATPMP(data []byte) (event.PortMapAsked, bool) {
	switch {
	case data[1] == 0:
		return event.PortMapAsked{Protocol: "nat-pmp"}, true
	case data[1] > 2 || binary.BigEndian.Uint32(data[8:]) == 0:
		return event.PortMapAsked{}, false
	default:
		return event.PortMapAsked{
			Protocol: "nat-pmp", Maps: true,
			InternalPort: binary.BigEndian.Uint16(data[4:]),
			ExternalPort: binary.BigEndian.Uint16(data[6:]),
		}, true
	}
}

// The layout of PCP (RFC 6887 sections 7 and 11.1).
const (
	pcpHeader   = 24
	pcpMap      = 36 // operation data of MAP
	pcpPeer     = 56 // operation data of PEER
	pcpLongest  = 1100
	opAnnounce  = 0
	opMap       = 1
	opPeer      = 2
	pcpVersion  = 2
	pcpResponse = 0x80
)

// isPCP checks version, operation, reserved bytes and length.
func isPCP(data []byte) bool {
	if len(data) < pcpHeader || len(data) > pcpLongest || len(data)%4 != 0 || data[0] != pcpVersion {
		return false
	}
	body := len(data) - pcpHeader
	switch data[1] &^ pcpResponse {
	case opAnnounce:
		return true
	case opMap:
		return body >= pcpMap
	case opPeer:
		return body >= pcpPeer
	default:
		return false
	}
}

// readPCP returns what a request asks for. PEER steers a conversation that the
// client opens itself and opens nothing to the world: it is no event, and nor is
// the deletion of a mapping (lifetime zero, section 15).
func readPCP(data []byte) (event.PortMapAsked, bool) {
	switch {
	case data[1] == opAnnounce:
		return event.PortMapAsked{Protocol: "pcp"}, true
	case data[1] != opMap || binary.BigEndian.Uint32(data[4:]) == 0:
		return event.PortMapAsked{}, false
	default:
		op := data[pcpHeader:]
		return event.PortMapAsked{
			Protocol: "pcp", Maps: true,
			InternalPort: binary.BigEndian.Uint16(op[16:]),
			ExternalPort: binary.BigEndian.Uint16(op[18:]),
		}, true
	}
}
