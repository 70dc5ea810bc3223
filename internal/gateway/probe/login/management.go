package login

import (
	"bytes"
	"context"
	"net/netip"
	"time"
)

// management is SNMP v2c (RFC 1901, RFC 3416), whose password is the community.
type management struct{}

// systemDescription is the object that every agent has: sysDescr.0 (RFC 3418).
var systemDescription = []byte{0x2b, 6, 1, 2, 1, 1, 1, 0}

// node is one value of BER (ITU-T X.690, section 8.1) with a short length.
func node(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append([]byte{tag, byte(len(body))}, body...)
}

// question asks for the description (RFC 3416, section 3); communities are cut to keep
// every length short.
func question(community string) []byte {
	const most = 64
	community = community[:min(len(community), most)]
	binding := node(0x30, node(0x06, systemDescription), node(0x05))
	pdu := node(0xa0, node(0x02, []byte{0x2a}), node(0x02, []byte{0}), node(0x02, []byte{0}), node(0x30, binding))
	return node(0x30, node(0x02, []byte{1}), node(0x04, []byte(community)), pdu)
}

// Ask says what is known: agents answer nobody without a community.
func (management) Ask(context.Context, Dial, netip.AddrPort) (string, Answer) {
	return "protocol", Answer{Outcome: Unclear, Why: "SNMP asks for a community by its design"}
}

// Try asks with a community. Agents refuse by silence, which may also be anything else.
func (management) Try(ctx context.Context, dial Dial, to netip.AddrPort, _, secret string) Answer {
	began := time.Now()
	t, err := open(ctx, dial, "udp", to, false, nil)
	if err != nil {
		return broken(err, began)
	}
	defer func() { _ = t.Close() }() // it was only asked
	began = time.Now()
	if err := t.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return broken(err, began)
	}
	if _, err := t.Write(question(secret)); err != nil {
		return broken(err, began)
	}
	reply := make([]byte, lineMost)
	n, err := t.Read(reply)
	if err != nil {
		return broken(err, began)
	}
	return managed(reply[:n], began)
}

// managed reads an answer: a response (tag 0xa2) that brings the object asked for.
func managed(reply []byte, began time.Time) Answer {
	switch {
	case len(reply) < 8 || reply[0] != 0x30:
		return answer(Unclear, "its answer is no SNMP", began)
	case bytes.IndexByte(reply, 0xa2) > 0 && bytes.Contains(reply, append(node(0x06, systemDescription), 0x04)):
		return answer(Accepted, "it tells its description", began)
	}
	return answer(Unclear, "it answers with something else than its description", began)
}
