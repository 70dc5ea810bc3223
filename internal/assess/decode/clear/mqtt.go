package clear

import (
	"encoding/binary"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	// mqttHead is how much of a packet is read before its payload is only passed
	// over: every CONNECT that is not made to annoy fits.
	mqttHead = 4 << 10
	// topicsLimit is how many different topics of one conversation are reported.
	topicsLimit = 64
)

// Packet types of MQTT (MQTT 3.1.1 section 2.2.1).
const (
	mqttConnect   = 1
	mqttConnAck   = 2
	mqttPublish   = 3
	mqttSubscribe = 8
	mqttAuth      = 15
)

// mqtt reads MQTT 3.1, 3.1.1 and 5.
type mqtt struct {
	talk
	named   bool
	version uint8
	pending login
	sides   [2]mqttSide
	topics  map[event.MQTTTopic]bool
}

type mqttSide struct {
	left   int64 // of a packet, beyond what was read
	astray bool
}

func newMQTT(p *scan.Patterns) wire.Stream {
	return &mqtt{talk: newTalk(p, scanLimit), topics: map[event.MQTTTopic]bool{}}
}

// Data implements wire.Stream.
func (s *mqtt) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if !s.named {
		s.named = true
		c.Name("mqtt")
	}
	at := 0
	for at < len(data) {
		used := s.step(c, from, at, data[at:])
		at += used
		if used == 0 {
			break
		}
	}
	return wire.Step{Consumed: at}
}

func (s *mqtt) step(c wire.Context, from event.Side, off int, data []byte) int {
	side := &s.sides[from]
	if side.astray {
		s.look(c, from, off, data, scan.Full)
		return len(data)
	}
	if side.left > 0 {
		n := int(min(side.left, int64(len(data))))
		side.left -= int64(n)
		s.look(c, from, off, data[:n], scan.Full)
		s.ended(c, from, off)
		return n
	}
	length, n, ok := varint(data[1:])
	switch {
	case !ok || data[0]>>4 == 0:
		side.astray = true
		return s.step(c, from, off, data)
	case n == 0:
		return 0
	}
	begin := 1 + n
	end := begin + min(length, mqttHead)
	if len(data) < end {
		return 0
	}
	side.left = int64(length - (end - begin))
	s.packet(c, from, off, data[0], data[begin:end])
	s.look(c, from, off, data[:end], scan.Full)
	s.ended(c, from, off)
	return end
}

// ended tells the scanner where a packet ends.
func (s *mqtt) ended(c wire.Context, from event.Side, off int) {
	if s.sides[from].left == 0 {
		s.endMessage(c, from, off)
	}
}

// varint reads a length of up to four bytes (MQTT 3.1.1 section 2.2.3). n is 0
// when more bytes are needed; ok is false when it is too long.
func varint(b []byte) (value, n int, ok bool) {
	for i := range min(len(b), 4) {
		value |= int(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return value, i + 1, true
		}
	}
	return 0, 0, len(b) < 4
}

func (s *mqtt) packet(c wire.Context, from event.Side, off int, first byte, body []byte) {
	r := fields{rest: body}
	switch kind := first >> 4; {
	case kind == mqttConnect && from == event.FromClient:
		s.connect(c, off, &r)
	case kind == mqttConnAck && from == event.FromServer:
		s.connack(c, off, &r)
	case kind == mqttPublish && first&0x06 != 0x06:
		s.topic(c, off, r.text(), false)
	case kind == mqttSubscribe && from == event.FromClient:
		s.subscribe(c, off, &r)
	}
}

// connect reads CONNECT (MQTT 3.1.1 section 3.1, MQTT 5.0 section 3.1).
func (s *mqtt) connect(c wire.Context, off int, r *fields) {
	r.text() // protocol name
	s.version = r.byte()
	flags := r.byte()
	r.take(2) // keep alive
	s.properties(r)
	e := event.MQTTConnected{Version: s.version, ClientID: auth.Name(r.text())}
	if flags&0x04 != 0 {
		s.properties(r)
		e.WillTopic = auth.Cut(r.text(), textLimit)
		r.text() // the will itself
	}
	var cred auth.Credential
	if e.HasUser = flags&0x80 != 0; e.HasUser {
		e.User = auth.Name(r.text())
		cred.User = e.User
	}
	if e.HasSecret = flags&0x40 != 0; e.HasSecret {
		cred.Secret = auth.Secret(r.text())
	}
	if r.short {
		return // cut or malformed: nothing in it can be believed
	}
	c.Emit(off, e)
	if e.HasSecret {
		s.pending = s.login(c, off, "mqtt", e.ClientID, cred)
	}
}

// properties passes over the properties of MQTT 5.
func (s *mqtt) properties(r *fields) {
	if s.version < 5 {
		return
	}
	length, n, ok := varint(r.rest)
	r.short = r.short || !ok || n == 0
	r.take(n)
	r.take(length)
}

// connack reads the return code (MQTT 3.1.1 section 3.2.2.3) or reason code
// (MQTT 5.0 section 3.2.2.2).
func (s *mqtt) connack(c wire.Context, off int, r *fields) {
	r.byte()
	switch code := r.byte(); {
	case r.short:
	case code == 0:
		s.pending.answer(c, off, event.OutcomeAccepted)
	case s.version < 5 && (code == 4 || code == 5), code == 0x86, code == 0x87, code == 0x8a, code == 0x8c:
		s.pending.answer(c, off, event.OutcomeRefused)
	}
}

func (s *mqtt) subscribe(c wire.Context, off int, r *fields) {
	r.take(2)
	s.properties(r)
	for !r.short && len(r.rest) > 0 {
		name := r.text()
		r.byte()
		if !r.short {
			s.topic(c, off, name, true)
		}
	}
}

// topic reports the first use of a topic.
func (s *mqtt) topic(c wire.Context, off int, name string, subscribe bool) {
	t := event.MQTTTopic{Topic: auth.Cut(name, textLimit), Subscribe: subscribe}
	if name == "" || s.topics[t] || len(s.topics) == topicsLimit {
		return
	}
	s.topics[t] = true
	c.Emit(off, t)
}

// Gap implements wire.Stream. Without the length of a packet the next one cannot
// be found.
func (s *mqtt) Gap(_ wire.Context, from event.Side, n int) {
	side := &s.sides[from]
	s.scanner.Gap(from)
	if side.left > int64(n) {
		side.left -= int64(n)
		return
	}
	*side = mqttSide{astray: true}
}

// Close implements wire.Stream.
func (s *mqtt) Close(c wire.Context, from event.Side) { s.endMessage(c, from, 0) }

// fields reads the fields of one packet in order; short is set once one of them
// is not there.
type fields struct {
	rest  []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n < 0 || n > len(f.rest) {
		f.short, f.rest = true, nil
		return nil
	}
	part := f.rest[:n]
	f.rest = f.rest[n:]
	return part
}

func (f *fields) byte() byte {
	if b := f.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// text reads two bytes of length and a text.
func (f *fields) text() string {
	n := f.take(2)
	if len(n) < 2 {
		return ""
	}
	return string(f.take(int(binary.BigEndian.Uint16(n))))
}

// recogniseMQTT wants a CONNECT with its protocol name.
func recogniseMQTT(_ wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromServer || first[0] != mqttConnect<<4 {
		return wire.No
	}
	length, n, ok := varint(first[1:])
	switch {
	case !ok || n > 0 && length < 10:
		return wire.No
	case n == 0:
		return wire.Maybe
	}
	rest := first[1+n:]
	return max(matchPrefix(rest, "\x00\x04MQTT"), matchPrefix(rest, "\x00\x06MQIsdp"))
}
