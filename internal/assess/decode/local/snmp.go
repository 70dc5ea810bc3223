package local

import (
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// The PDU tags of SNMP (RFC 1157 section 4.1, RFC 3416 section 3).
const (
	pduGet      = 0xa0
	pduGetNext  = 0xa1
	pduResponse = 0xa2
	pduSet      = 0xa3
	pduTrapV1   = 0xa4
	pduGetBulk  = 0xa5
	pduInform   = 0xa6
	pduTrapV2   = 0xa7
	pduReport   = 0xa8
)

// authorizationError is the error-status of a request that the community (or
// user) may not make (RFC 3416 section 3).
const authorizationError = 16

// pendingLimit is how many SNMP requests of one conversation await an answer.
const pendingLimit = 16

// snmp reads SNMP v1, v2c and v3 on any port: the whole message must be
// well-formed, which nothing else is by chance.
func snmp() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "snmp",
		Recognise: func(_ wire.Conn, _ event.Side, data []byte) wire.Match {
			_, ok := parseSNMP(data)
			return yesIf(ok)
		},
		New: func() wire.Datagram { return &snmpReader{} },
	}
}

// snmpReader tells each community once, and once what came of it.
type snmpReader struct {
	kinds       heard[event.SNMPSeen]
	communities heard[string]
	pending     []snmpPending
	answered    heard[event.Ref]
	// readable and private say whether requests were seen in clear, and encrypted.
	readable, private bool
}

// snmpPending is a request that showed a community, until its answer comes.
type snmpPending struct {
	request   int
	community string
	login     event.Ref
}

// Packet reads one message.
func (r *snmpReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	m, ok := parseSNMP(data)
	if !ok {
		return false
	}
	c.Name(r.protocol(m))
	seen := event.SNMPSeen{Version: m.version, PDU: m.pdu}
	if r.kinds.first(seen) {
		c.Emit(0, seen)
	}
	switch {
	case m.version == 3:
	case from == event.FromClient && m.pdu != pduResponse:
		r.login(c, m)
	case from == event.FromServer && m.pdu == pduResponse:
		r.answer(c, m)
	}
	return true
}

// protocol names the conversation by what an onlooker can read of it: "snmp" once
// he could read a request, "snmpv3" while all of it was encrypted (RFC 3414 section
// 8), and "snmpv3-discovery" while the two only got to know each other: an empty
// request and its report (section 4) say nothing of the device.
func (r *snmpReader) protocol(m snmpMessage) string {
	switch {
	case m.version == 3 && m.pdu == 0:
		r.private = true
	case m.version != 3 || m.pdu != pduReport && !m.empty:
		r.readable = true
	}
	switch {
	case r.readable:
		return "snmp"
	case r.private:
		return "snmpv3"
	default:
		return "snmpv3-discovery"
	}
}

// login tells the community: in v1 and v2c it is the whole of the
// authentication and travels in clear (RFC 1157 section 3.2.5).
func (r *snmpReader) login(c wire.Context, m snmpMessage) {
	if !r.communities.first(m.community) {
		return
	}
	c.Emit(0, event.Login{
		Service: "snmp",
		Scheme:  event.LoginPlain,
		Secret:  event.NewSecret(m.community),
		Where:   "SNMP " + pduName(m.pdu),
	})
	if m.pdu != pduTrapV1 && m.pdu != pduTrapV2 && len(r.pending) < pendingLimit {
		r.pending = append(r.pending, snmpPending{m.request, m.community, c.Ref()})
	}
}

// answer matches a response to the request that showed the community first: an
// agent does not answer a community that it does not know.
func (r *snmpReader) answer(c wire.Context, m snmpMessage) {
	for _, p := range r.pending {
		if p.request != m.request || p.community != m.community || !r.answered.first(p.login) {
			continue
		}
		outcome := event.OutcomeAccepted
		if m.status == authorizationError {
			outcome = event.OutcomeRefused
		}
		c.Emit(0, event.LoginAnswered{Service: "snmp", Outcome: outcome, Login: p.login})
	}
}

func pduName(pdu uint8) string {
	switch pdu {
	case pduGet, pduGetNext, pduGetBulk:
		return "read request"
	case pduSet:
		return "write request"
	case pduInform, pduTrapV1, pduTrapV2:
		return "notification"
	default:
		return "message"
	}
}

type snmpMessage struct {
	version   uint8
	community string // v1 and v2c only
	pdu       uint8  // 0 when it is encrypted
	request   int
	status    int
	empty     bool // it names no variable
}

// parseSNMP checks a whole message of version 1, 2c (RFC 1157, RFC 1901) or 3
// (RFC 3412 section 6).
func parseSNMP(data []byte) (snmpMessage, bool) {
	outer := ber{rest: data}
	in := ber{rest: outer.want(berSequence)}
	if !outer.done() {
		return snmpMessage{}, false
	}
	switch version := in.integer(); {
	case in.bad:
		return snmpMessage{}, false
	case version == 0 || version == 1:
		return parseCommunityMessage(uint8(version), in)
	case version == 3:
		return parseSNMPv3(in)
	default:
		return snmpMessage{}, false
	}
}

func parseCommunityMessage(version uint8, in ber) (snmpMessage, bool) {
	m := snmpMessage{version: version, community: string(in.want(berOctets))}
	tag, pdu := in.next()
	m.pdu = tag
	return m, in.done() && m.readPDU(pdu)
}

// readPDU checks the shape of a PDU.
func (m *snmpMessage) readPDU(content []byte) bool {
	in := ber{rest: content}
	switch m.pdu {
	case pduGet, pduGetNext, pduResponse, pduSet, pduGetBulk, pduInform, pduTrapV2, pduReport:
		m.request = in.integer()
		m.status = in.integer()
		in.integer()
	case pduTrapV1:
		in.want(berOID)
		in.want(berIPAddr)
		in.integer()
		in.integer()
		in.want(berTicks)
	default:
		return false
	}
	m.empty = len(in.want(berSequence)) == 0
	return in.done()
}

// parseSNMPv3 checks the header; the scoped PDU is read when it is not encrypted.
func parseSNMPv3(in ber) (snmpMessage, bool) {
	m := snmpMessage{version: 3}
	header := ber{rest: in.want(berSequence)}
	header.integer() // msgID
	size := header.integer()
	flags := header.want(berOctets)
	model := header.integer()
	in.want(berOctets) // security parameters
	if !header.done() || len(flags) != 1 || size < 484 || model < 0 {
		return snmpMessage{}, false
	}
	if flags[0]&2 != 0 {
		in.want(berOctets)
		return m, in.done()
	}
	scoped := ber{rest: in.want(berSequence)}
	scoped.want(berOctets)
	scoped.want(berOctets)
	tag, pdu := scoped.next()
	m.pdu = tag
	return m, in.done() && scoped.done() && m.readPDU(pdu)
}
