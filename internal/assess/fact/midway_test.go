package fact

import (
	"net/netip"
	"testing"

	"assay/internal/assess/event"
)

// guessed is a conversation joined midway between the device and an internet
// host; the device is taken for the client or for the server.
func guessed(s *netScene, from, to string, asClient bool) *netScene {
	half := event.Half{Packets: 4, Bytes: 400}
	device, peer := cam, routerMAC
	if !asClient {
		device, peer, from, to = routerMAC, cam, to, from
	}
	for _, body := range []event.Body{
		event.FlowStarted{Transport: event.TCP, Midway: true, Guessed: true},
		event.FlowEstablished{Transport: event.TCP, Guessed: true},
		event.FlowEnded{Transport: event.TCP, Established: true, Guessed: true, Client: half, Server: half},
	} {
		s.ref++
		s.watch.Add(event.Event{
			At: s.at, Ref: s.ref, First: s.ref, Flow: 99, Device: device, Peer: peer,
			Client: netip.MustParseAddrPort(from), Server: netip.MustParseAddrPort(to), Body: body,
		})
	}
	return s
}

// TestNothingRestsOnAGuess: facts that a rule takes for proof must not depend on
// which end of a conversation joined midway is taken for the client.
func TestNothingRestsOnAGuess(t *testing.T) {
	for _, asClient := range []bool{true, false} {
		s := newNetScene().advertises(255).joins().forms(opaqueGUA)
		guessed(s, "["+opaqueGUA+"]:40000", "["+farV6+"]:41000", asClient)
		want(t, s.sheet(), map[string]any{
			// Who opened it is not known: no proof of a conversation that the device
			// opened, and no proof that it opened none.
			"ipv6.internet_flows": int64(0), "ipv6.internet_answered": int64(0), "ipv6.opaque_internet": int64(0),
			"flows.internet": int64(1), "flows.midway": int64(1),
			// That data went over IPv6 is no guess.
			"ipv6.internet_data": int64(1), "ipv6.byte_share": 1.0,
			"traffic.far_scan": int64(0), "tls.hellos": int64(0),
		})
		s = newNetScene().joins().forms(eui64GUA)
		guessed(s, "["+eui64GUA+"]:40000", "["+farV6+"]:41000", asClient)
		want(t, s.sheet(), map[string]any{"ipv6.reveal_internet": int64(0)})
	}
}

// TestGuessedConversationBeforeJoining: a device that may have been talking to the
// internet before it joined had a life before the log.
func TestGuessedConversationBeforeJoining(t *testing.T) {
	for _, asClient := range []bool{true, false} {
		s := newNetScene().tell(cam, event.AddressUsed{Addr: netip.MustParseAddr("192.168.1.9")})
		guessed(s, "192.168.1.9:40000", farV4+":41000", asClient).joins()
		s.talks("192.168.1.9:40001", "198.51.100.77:443")
		want(t, s.sheet(), map[string]any{"dns.start_seen": false})
	}
}
