package secure

import (
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Streams lists the protocols over TCP that this package reads.
func Streams() []wire.StreamKind {
	known := shelf{}
	return []wire.StreamKind{{
		Name: "tls", Recognise: recogniseTLS,
		New: func() wire.Stream { return newStream(known) },
	}}
}

// Datagrams lists the protocols over UDP that this package reads.
func Datagrams() []wire.DatagramKind {
	l := &lot{}
	return []wire.DatagramKind{
		{Name: "dtls", Recognise: recogniseDTLS, New: func() wire.Datagram { return newDTLS(l) }},
		{Name: "quic", Recognise: recogniseQUIC, New: func() wire.Datagram { return newQUIC(l) }},
	}
}

// recogniseTLS wants a handshake record that begins with a hello, or an SSL
// 2.0-compatible ClientHello. A conversation that was joined midway is also
// known by one whole record of any kind with another right behind it.
func recogniseTLS(c wire.Conn, from event.Side, first []byte) wire.Match {
	if m := recogniseRecord(c, from, first); m != wire.No {
		return m
	}
	if from == event.FromClient {
		return recogniseSSL2(first)
	}
	return wire.No
}

func recogniseRecord(c wire.Conn, from event.Side, first []byte) wire.Match {
	if first[0] < recordCCS || first[0] > recordHeartbeat {
		return wire.No
	}
	if len(first) < recordHeaderLen {
		if len(first) > 1 && first[1] != 3 {
			return wire.No
		}
		return wire.Maybe
	}
	h, ok := readRecordHeader(first)
	if !ok {
		return wire.No
	}
	if h.kind != recordHandshake {
		return recogniseMidway(c, h, first)
	}
	body := first[recordHeaderLen:]
	if c.Guessed && isOtherSides(from, body) {
		return wire.No
	}
	return recogniseHello(body, c.Midway)
}

// isOtherSides says that a handshake message is the hello of the other side.
func isOtherSides(from event.Side, body []byte) bool {
	hello := byte(typeServerHello)
	if from == event.FromServer {
		hello = typeClientHello
	}
	return len(body) > 0 && body[0] == hello
}

// recogniseHello looks at what a first handshake record holds.
func recogniseHello(body []byte, midway bool) wire.Match {
	if len(body) == 0 {
		return wire.Maybe
	}
	if body[0] != typeClientHello && body[0] != typeServerHello && !midway {
		return wire.No
	}
	if !isHandshakeType(body[0]) {
		return wire.No
	}
	if len(body) < 4 {
		return wire.Maybe
	}
	if uint24(body[1:]) > messageLimit {
		return wire.No
	}
	return wire.Yes
}

func recogniseMidway(c wire.Conn, h recordHeader, first []byte) wire.Match {
	if h.kind == recordAlert && h.length == alertLen {
		return wire.Yes // what a server answers that likes no part of the hello
	}
	if !c.Midway {
		return wire.No
	}
	rest := first[recordHeaderLen:]
	if len(rest) < h.length {
		return wire.Maybe
	}
	rest = rest[h.length:]
	if len(rest) < recordHeaderLen {
		return wire.Maybe
	}
	if _, ok := readRecordHeader(rest); ok {
		return wire.Yes
	}
	return wire.No
}
