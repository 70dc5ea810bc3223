package clear

import (
	"bytes"
	"encoding/binary"
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// ssh reads the server's identification (RFC 4253 section 4.2); the rest is
// encrypted.
type ssh struct{}

func newSSH(*scan.Patterns) wire.Stream { return &ssh{} }

// Data implements wire.Stream.
func (s *ssh) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	c.Name("ssh")
	if from == event.FromClient {
		return wire.Step{Consumed: len(data)}
	}
	line, _, whole := bytes.Cut(data, []byte("\n"))
	switch {
	case !whole && len(data) < 512:
		return wire.Step{}
	case whole && !bytes.HasPrefix(line, []byte("SSH-")):
		return wire.Step{Consumed: len(line) + 1} // lines before it are allowed
	}
	text := strings.TrimRight(string(line), "\r")
	c.Emit(0, event.ServiceBanner{Service: "ssh", Text: auth.Cut(text, bannerLimit)})
	return wire.Step{Consumed: len(data), Next: wire.Done}
}

// Gap implements wire.Stream.
func (s *ssh) Gap(wire.Context, event.Side, int) {}

// Close implements wire.Stream.
func (s *ssh) Close(wire.Context, event.Side) {}

func recogniseSSH(_ wire.Conn, _ event.Side, first []byte) wire.Match {
	return max(matchPrefix(first, "SSH-2.0-"), matchPrefix(first, "SSH-1."))
}

// rtmpHandshake is the length of C0 and C1, and of S0 and S1 (Adobe RTMP 1.0
// section 5.2).
const rtmpHandshake = 1 + 1536

// rtmp names a media stream; its messages are looked through only.
type rtmp struct {
	listener
	told bool
}

func newRTMP(p *scan.Patterns) wire.Stream {
	return &rtmp{listener: listener{talk: newTalk(p, scan.Budget), name: "rtmp"}}
}

// Data implements wire.Stream.
func (s *rtmp) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if from == event.FromServer && !s.told && data[0] == 3 {
		s.told = true
		c.Emit(0, event.MediaSeen{Protocol: "rtmp"})
	}
	return s.listener.Data(c, from, data)
}

// recogniseRTMP: version 3, any time, four zero bytes, then 1528 random bytes.
func recogniseRTMP(c wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromServer || first[0] != 3 {
		return wire.No
	}
	if len(first) >= 9 && binary.BigEndian.Uint32(first[5:9]) != 0 {
		return wire.No
	}
	if len(first) < rtmpHandshake {
		return wire.Maybe
	}
	var seen [256]bool
	distinct := 0
	for _, b := range first[9:rtmpHandshake] {
		if !seen[b] {
			seen[b] = true
			distinct++
		}
	}
	if distinct < 128 && c.ServerPort != 1935 {
		return wire.No
	}
	return wire.Yes
}

// modbusLimit is the largest length field: unit and a protocol data unit of 253.
const modbusLimit = 254

// recogniseModbus checks the header of Modbus/TCP (Modbus Messaging on TCP/IP
// 1.0b section 3.1.3): protocol 0, a length that fits exactly, and a request of
// the size that its function has.
func recogniseModbus(_ wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromServer || !bytes.HasPrefix([]byte{0, 0}, first[min(2, len(first)):min(4, len(first))]) {
		return wire.No
	}
	if len(first) < 8 {
		return wire.Maybe
	}
	length := int(binary.BigEndian.Uint16(first[4:6]))
	switch {
	case length > modbusLimit || len(first) > 6+length:
		return wire.No
	case len(first) < 6+length:
		return wire.Maybe
	case isModbusRequest(first[7:]):
		return wire.Yes
	}
	return wire.No
}

// isModbusRequest checks a protocol data unit against the size that its function
// has (Modbus Application Protocol 1.1b3 section 6).
func isModbusRequest(pdu []byte) bool {
	switch function := pdu[0]; {
	case function >= 1 && function <= 6:
		return len(pdu) == 5
	case function == 15 || function == 16:
		return len(pdu) > 6 && int(pdu[5]) == len(pdu)-6
	case function == 43:
		return len(pdu) == 4 && pdu[1] == 14
	}
	return false
}

func newModbus(p *scan.Patterns) wire.Stream { return newListener(p, "modbus") }
