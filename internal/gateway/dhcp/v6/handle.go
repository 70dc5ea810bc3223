package v6

import (
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// handle works out the answer to a message, nil when there is none.
func (s *Server) handle(payload []byte, from netip.Addr) []byte {
	s.ledger.Count("received")
	m, reason := parse(payload, from, s.duid)
	if reason != "" {
		s.ledger.Refuse(reason, from.String())
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.net.Mode == Off || s.net.Mode == Stateless && m.MessageType != dhcpv6.MessageTypeInformationRequest {
		s.ledger.Count("unanswered: not offered")
		return nil
	}
	now := s.elapsed()
	s.table.expire(now)
	if !s.allow(from) {
		s.ledger.Refuse("too many messages", from.String())
		return nil
	}
	s.ledger.Count(m.MessageType.String())
	answer := s.dispatch(now, m)
	if answer == nil {
		return nil
	}
	s.ledger.Count("answered")
	return answer.ToBytes()
}

// allow limits what a client can ask for. Clients with a lease have limits of
// their own, so that a flood of unknown ones cannot use theirs up.
func (s *Server) allow(from netip.Addr) bool {
	if s.table.byFrom[from] > 0 {
		return s.known.Allow(s.cfg.Now(), from)
	}
	return s.fresh.Take(s.cfg.Now())
}

func (s *Server) dispatch(now time.Duration, m message) *dhcpv6.Message {
	switch m.MessageType {
	case dhcpv6.MessageTypeSolicit:
		return s.solicit(now, m)
	case dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind:
		return s.confirm(now, m, s.begin(m, dhcpv6.MessageTypeReply))
	case dhcpv6.MessageTypeConfirm:
		return s.onLink(m)
	case dhcpv6.MessageTypeRelease:
		return s.giveUp(m, "released", func(netip.Addr) {})
	case dhcpv6.MessageTypeDecline:
		return s.giveUp(m, "declined", func(a netip.Addr) { s.table.quarantine(a, now) })
	case dhcpv6.MessageTypeInformationRequest:
		return s.inform(m)
	default: // parse lets no other through
		return nil
	}
}

// begin starts an answer: who speaks, to whom, and what the network is.
func (s *Server) begin(m message, kind dhcpv6.MessageType) *dhcpv6.Message {
	r := &dhcpv6.Message{MessageType: kind, TransactionID: m.TransactionID}
	r.AddOption(dhcpv6.OptServerID(s.duid))
	if m.duid != nil {
		r.AddOption(dhcpv6.OptClientID(m.duid))
	}
	s.tell(r, m)
	return r
}

// solicit offers addresses without recording anything (RFC 8415 section 18.3.1),
// or confirms them at once where both sides want that.
func (s *Server) solicit(now time.Duration, m message) *dhcpv6.Message {
	if s.net.RapidCommit && m.GetOneOption(dhcpv6.OptionRapidCommit) != nil {
		r := s.begin(m, dhcpv6.MessageTypeReply)
		r.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionRapidCommit})
		return s.confirm(now, m, r)
	}
	r := s.begin(m, dhcpv6.MessageTypeAdvertise)
	if s.net.Preference > 0 {
		r.AddOption(dhcpv6.OptPreference(s.net.Preference))
	}
	for _, ia := range m.associations() {
		r.AddOption(s.association(ia, s.table.address(m.key(ia.IaId), s.net.Prefix, now)))
	}
	return s.refuseOthers(m, r)
}

// confirm leases each identity association its address (RFC 8415 sections 18.3.2,
// 18.3.4 and 18.3.5). A client that the server does not remember gets its binding
// back, because its address follows from who it is.
func (s *Server) confirm(now time.Duration, m message, r *dhcpv6.Message) *dhcpv6.Message {
	for _, ia := range m.associations() {
		k := m.key(ia.IaId)
		addr := s.table.address(k, s.net.Prefix, now)
		r.AddOption(s.association(ia, addr))
		if !addr.IsValid() {
			s.ledger.Refuse("no address is left for the client", m.from.String())
			continue
		}
		b := binding{key: k, addr: addr, from: m.from, until: now + s.net.Valid, host: m.host()}
		if s.table.lease(b) {
			s.note(m, "leased", ia.IaId, addr)
		}
	}
	return s.refuseOthers(m, r)
}

// association answers one IA_NA: its address, and the end of every other one that
// the client has there, for example of an old prefix.
func (s *Server) association(ia *dhcpv6.OptIANA, addr netip.Addr) *dhcpv6.OptIANA {
	out := &dhcpv6.OptIANA{IaId: ia.IaId}
	if !addr.IsValid() {
		out.Options.Add(status(iana.StatusNoAddrsAvail, "no address is left"))
		return out
	}
	out.T1, out.T2 = s.net.Preferred/2, s.net.Preferred*4/5
	out.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: addr.AsSlice(), PreferredLifetime: s.net.Preferred, ValidLifetime: s.net.Valid})
	for i, old := range ia.Options.Addresses() {
		if a := ipOf(old.IPv6Addr); i < maxIAs && a.IsValid() && a != addr && !a.IsUnspecified() {
			out.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: a.AsSlice()})
		}
	}
	return out
}

// refuseOthers answers what is asked and not offered: temporary addresses and
// prefixes.
func (s *Server) refuseOthers(m message, r *dhcpv6.Message) *dhcpv6.Message {
	for i, ta := range m.Options.IATA() {
		if i < maxIAs {
			o := &dhcpv6.OptIATA{IaId: ta.IaId}
			o.Options.Add(status(iana.StatusNoAddrsAvail, "no temporary addresses are given"))
			r.AddOption(o)
		}
	}
	for i, pd := range m.Options.IAPD() {
		if i < maxIAs {
			o := &dhcpv6.OptIAPD{IaId: pd.IaId}
			o.Options.Add(status(iana.StatusNoPrefixAvail, "no prefixes are delegated"))
			r.AddOption(o)
		}
	}
	return r
}

// onLink answers CONFIRM: whether the client's addresses fit this network (RFC
// 8415 section 18.3.3). Without an address there is nothing to say.
func (s *Server) onLink(m message) *dhcpv6.Message {
	n, answer := 0, status(iana.StatusSuccess, "")
	for _, ia := range m.associations() {
		for _, a := range ia.Options.Addresses() {
			n++
			if !s.net.Prefix.Contains(ipOf(a.IPv6Addr)) {
				answer = status(iana.StatusNotOnLink, "the address is of another network")
			}
		}
	}
	if n == 0 {
		s.ledger.Refuse("a confirm of no address", m.from.String())
		return nil
	}
	r := s.begin(m, dhcpv6.MessageTypeReply)
	r.AddOption(answer)
	return r
}

// giveUp ends leases by RELEASE or DECLINE (RFC 8415 sections 18.3.7 and 18.3.8).
func (s *Server) giveUp(m message, event string, also func(netip.Addr)) *dhcpv6.Message {
	r := s.begin(m, dhcpv6.MessageTypeReply)
	r.AddOption(status(iana.StatusSuccess, ""))
	for _, ia := range m.associations() {
		if s.giveUpOne(m, ia, event, also) {
			continue
		}
		o := &dhcpv6.OptIANA{IaId: ia.IaId}
		o.Options.Add(status(iana.StatusNoBinding, "the lease is not known here"))
		r.AddOption(o)
	}
	return r
}

func (s *Server) giveUpOne(m message, ia *dhcpv6.OptIANA, event string, also func(netip.Addr)) (found bool) {
	for _, a := range ia.Options.Addresses() {
		addr := ipOf(a.IPv6Addr)
		if e := s.table.holds(m.key(ia.IaId), addr); e != nil {
			s.table.forget(e)
			also(addr)
			s.note(m, event, ia.IaId, addr)
			found = true
		}
	}
	return found
}

// inform tells a client without a lease what the network is (RFC 8415 section
// 18.3.6).
func (s *Server) inform(m message) *dhcpv6.Message {
	if len(m.Options.IANA())+len(m.Options.IATA())+len(m.Options.IAPD()) > 0 {
		s.ledger.Refuse("an information request with an address", m.from.String())
		return nil
	}
	s.ledger.Note("lease", m.describe("informed"))
	r := s.begin(m, dhcpv6.MessageTypeReply)
	if m.asks(dhcpv6.OptionInformationRefreshTime) {
		r.AddOption(dhcpv6.OptInformationRefreshTime(s.net.Refresh))
	}
	return r
}

func (s *Server) note(m message, event string, iaid [4]byte, addr netip.Addr) {
	n := m.describe(event)
	n.IAID, n.Address = hex.EncodeToString(iaid[:]), addr.String()
	if event == "leased" {
		n.Seconds = int(s.net.Valid / time.Second)
	}
	s.ledger.Note("lease", n)
}

func status(code iana.StatusCode, words string) dhcpv6.Option {
	return &dhcpv6.OptStatusCode{StatusCode: code, StatusMessage: words}
}
