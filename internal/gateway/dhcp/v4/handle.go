package v4

import (
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// handle answers one message to UDP port 67.
func (s *Server) handle(payload []byte) {
	s.ledger.Count("received")
	m, reason := parse(payload)
	if reason != "" {
		s.ledger.Refuse(reason, sender(m))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.net.Silent() {
		s.ledger.Count("unanswered: nothing is offered")
		return
	}
	now := s.elapsed()
	s.expire(now)
	if !s.allow(m.mac) {
		s.ledger.Refuse("too many messages", sender(m))
		return
	}
	s.dispatch(now, m)
}

func (s *Server) dispatch(now time.Duration, m message) {
	switch m.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		s.discover(now, m)
	case dhcpv4.MessageTypeRequest:
		s.request(now, m)
	case dhcpv4.MessageTypeRelease:
		s.release(m)
	case dhcpv4.MessageTypeDecline:
		s.decline(now, m)
	case dhcpv4.MessageTypeInform:
		s.inform(m)
	default:
		s.ledger.Refuse("a message that clients do not send", sender(m))
	}
}

// sender names a client for a note, as far as it could be read.
func sender(m message) string {
	if m.mac == (MAC{}) {
		return ""
	}
	return macText(m.mac)
}

// allow limits what a client can ask for. Devices that are known have limits of
// their own, so that a flood of unknown ones cannot use theirs up.
func (s *Server) allow(mac MAC) bool {
	now := s.cfg.Now()
	if own := s.table.byMAC[mac]; s.table.marked[mac] || own != nil && own.state == leased {
		return s.known.Allow(now, mac)
	}
	return s.fresh.Take(now)
}

// discover offers an address (RFC 2131 section 4.3.1), after having asked by ARP
// whether somebody uses it.
func (s *Server) discover(now time.Duration, m message) {
	s.ledger.Count("discover")
	if p := s.waiting(m.mac); p != nil {
		p.message = m // a repetition: the offer will carry its transaction number
		return
	}
	s.find(now, m, 0)
}

// find looks for an address for a client, after some were found taken.
func (s *Server) find(now time.Duration, m message, taken int) {
	chosen := s.table.choose(m.mac, m.requested)
	if chosen == nil {
		s.ledger.Refuse("no address is left", sender(m))
		return
	}
	if s.mustAsk(now, chosen, m.mac) && s.ask(now, chosen, m, taken) {
		return
	}
	s.offer(now, chosen, m)
}

// offer sends what discover chose: an OFFER, or an ACK at once where both sides
// want that (RFC 4039).
func (s *Server) offer(now time.Duration, to *slot, m message) {
	if s.net.RapidCommit && m.Options.Has(dhcpv4.OptionRapidCommit) {
		s.confirm(now, to, m)
		return
	}
	s.table.offer(to, m.mac, now)
	s.ledger.Count("offer")
	s.reply(m, s.answer(m, dhcpv4.MessageTypeOffer, to.addr))
}

// request tells the four kinds of REQUEST apart (RFC 2131 section 4.3.2).
func (s *Server) request(now time.Duration, m message) {
	s.ledger.Count("request")
	switch {
	case m.server.IsValid() && m.server != s.net.Server:
		s.chosenOther(m)
	case m.server.IsValid():
		s.grant(now, m, m.requested, "the address is not on offer to you")
	case m.requested.IsValid():
		s.grant(now, m, m.requested, "the address is not yours here")
	case m.client.IsValid():
		s.grant(now, m, m.client, "the lease is not known here")
	default:
		s.ledger.Refuse("a request for no address", sender(m))
	}
}

// chosenOther frees what was offered to a client that took another server's
// offer. There should be no other server on this cable.
func (s *Server) chosenOther(m message) {
	if own := s.table.byMAC[m.mac]; own != nil && own.state == offered {
		s.table.release(own)
	}
	s.ledger.Refuse("the client chose another server", sender(m))
}

// grant confirms an address that the client may have, else answers NAK. The box
// is the only server of its cable, so it also confirms a free address that it
// has no record of: the client may know it from before the record was lost (RFC
// 2131 section 4.3.2 has servers that share a cable keep silent there).
func (s *Server) grant(now time.Duration, m message, wanted netip.Addr, why string) {
	if to := s.table.at(wanted); s.table.may(to, m.mac) {
		s.confirm(now, to, m)
		return
	}
	if !s.net.Prefix.Contains(wanted) {
		why = "the address is of another network"
	}
	s.refuseLease(m, wanted, why)
}

func (s *Server) confirm(now time.Duration, to *slot, m message) {
	news := to.state != leased || to.mac != m.mac
	s.drop(m.mac)
	s.table.lease(to, m.mac, now+s.net.Lease, client{host: m.text(dhcpv4.OptionHostName)})
	s.store.dirty = true
	s.saveIfDue(now)
	s.ledger.Count("ack")
	if news {
		s.noteLease("leased", to.addr, m, "")
	}
	s.reply(m, s.answer(m, dhcpv4.MessageTypeAck, to.addr))
}

func (s *Server) refuseLease(m message, wanted netip.Addr, why string) {
	s.ledger.Count("nak")
	s.noteLease("refused", wanted, m, why)
	s.reply(m, s.nak(m, why))
}

// release ends a lease early (RFC 2131 section 4.3.4); the address waits for its
// client.
func (s *Server) release(m message) {
	s.ledger.Count("release")
	own := s.table.byMAC[m.mac]
	if own == nil || own.addr != m.client || own.state != leased {
		s.ledger.Refuse("a release of somebody else's address", sender(m))
		return
	}
	s.table.release(own)
	s.store.dirty = true
	s.noteLease("released", own.addr, m, "")
}

// decline takes an address out of use that the client found taken (RFC 2131
// section 4.3.3). A client can do so only a few times, or it could empty the
// pool alone.
func (s *Server) decline(now time.Duration, m message) {
	s.ledger.Count("decline")
	own := s.table.byMAC[m.mac]
	if own == nil || own.addr != m.requested || m.server != s.net.Server {
		s.ledger.Refuse("a decline of somebody else's address", sender(m))
		return
	}
	if !s.declines.Allow(s.cfg.Now(), m.mac) {
		s.ledger.Refuse("too many declines", sender(m))
		return
	}
	s.table.quarantine(own, now)
	s.store.dirty = true
	s.noteLease("declined", own.addr, m, "")
}

// inform tells a client with an address of its own everything but that address
// (RFC 2131 section 4.3.5).
func (s *Server) inform(m message) {
	s.ledger.Count("inform")
	if !s.net.Prefix.Contains(m.client) {
		s.ledger.Refuse("an inform from another network", sender(m))
		return
	}
	s.ledger.Count("ack")
	s.noteLease("informed", m.client, m, "")
	s.reply(m, s.answer(m, dhcpv4.MessageTypeAck, netip.Addr{}))
}

// expire ends the leases that are over.
func (s *Server) expire(now time.Duration) {
	for _, over := range s.table.expire(now) {
		s.store.dirty = true
		s.ledger.Count("expired")
		s.ledger.Note("lease", leaseNote{
			Service: "dhcp4", Event: "expired", MAC: macText(over.mac), Address: over.addr.String(), Host: over.info.host,
		})
	}
}
