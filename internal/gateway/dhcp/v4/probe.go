package v4

import "time"

// maxPending bounds the offers that wait for ARP at one time. When there are
// more, an address is offered without having been asked for: a flood then costs
// the LAN no more than this many questions per waiting time.
const maxPending = 64

// askedLately is how long the silence about an address is believed.
const askedLately = time.Minute

// pending is an offer that waits: somebody may answer to ARP for the address.
type pending struct {
	slot    *slot
	message message
	until   time.Duration
	taken   int // how many addresses before this one were found in use
}

// maxTaken bounds the addresses that are tried for one DISCOVER: somebody who
// answers to ARP for every address must not keep the server busy.
const maxTaken = 4

// mustAsk reports whether it is unknown if somebody uses the address. The
// client's own lease needs no question: it is the client that would answer.
func (s *Server) mustAsk(now time.Duration, about *slot, mac MAC) bool {
	if s.cfg.Probe < 0 || about.mac == mac && (about.state == leased || about.state == held) {
		return false
	}
	return about.asked == 0 || now-(about.asked-1) > askedLately
}

// ask sends an ARP probe for the address and puts the offer off until the answer
// or the end of the wait. It reports whether it could.
func (s *Server) ask(now time.Duration, about *slot, m message, taken int) bool {
	if len(s.pending) >= maxPending || s.link == nil {
		s.ledger.Count("offers without a probe")
		return false
	}
	if err := s.link.Send(arpProbe(s.link.Address(), about.addr)); err != nil {
		s.ledger.Count("frames not sent")
		return false
	}
	s.ledger.Count("probe")
	s.table.offer(about, m.mac, now)
	s.pending = append(s.pending, &pending{slot: about, message: m, until: now + s.cfg.Probe, taken: taken})
	s.wake()
	return true
}

func (s *Server) waiting(mac MAC) *pending {
	for _, p := range s.pending {
		if p.message.mac == mac {
			return p
		}
	}
	return nil
}

// drop forgets the offer that waits for a client.
func (s *Server) drop(mac MAC) {
	for i, p := range s.pending {
		if p.message.mac == mac {
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			return
		}
	}
}

// ripen sends the offers about whose addresses nobody answered.
func (s *Server) ripen(now time.Duration) {
	for len(s.pending) > 0 && s.pending[0].until <= now {
		p := s.pending[0]
		s.pending = s.pending[1:]
		if p.slot.mac != p.message.mac {
			continue // another client was quicker; this one will ask again
		}
		p.slot.asked = now + 1
		s.offer(now, p.slot, p.message)
	}
}

// heard looks in an ARP packet for somebody who uses an address that is about to
// be offered. ARP about other addresses is left alone: anybody can claim them
// all, and that must not empty the pool.
func (s *Server) heard(frame []byte) {
	mac, addr, ok := arpSays(frame)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pending {
		if p.slot.addr == addr && mac != p.message.mac {
			s.conflict(p, mac)
			return
		}
	}
}

// conflict sets an address aside that somebody uses without a lease, and looks
// for another one for the client.
func (s *Server) conflict(p *pending, user MAC) {
	now := s.elapsed()
	s.drop(p.message.mac)
	s.ledger.Count("conflict")
	s.ledger.Note("lease", leaseNote{
		Service: "dhcp4", Event: "in use", MAC: macText(user), Address: p.slot.addr.String(),
		Reason: "somebody answers to ARP for an address that has no lease",
	})
	if p.slot.mac == p.message.mac {
		s.table.quarantine(p.slot, now)
	}
	if p.taken < maxTaken {
		s.find(now, p.message, p.taken+1)
	}
}
