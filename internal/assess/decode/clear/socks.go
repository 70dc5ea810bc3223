package clear

import (
	"bytes"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// socks reads SOCKS 5 (RFC 1928) with user name and password (RFC 1929).
type socks struct {
	listener
	phase   socksPhase
	pending login
}

type socksPhase uint8

const (
	socksOffer  socksPhase = iota // the client offers methods
	socksChoice                   // the server chooses one
	socksLogin                    // the client sends user and password
	socksResult                   // the server says whether they are right
	socksAsk                      // the client asks for a connection
	socksAnswer                   // the server opened it
	socksOff                      // it is not SOCKS, or a method that is not read
)

func newSOCKS(p *scan.Patterns) wire.Stream {
	return &socks{listener: listener{talk: newTalk(p, scan.Budget)}}
}

// speaker tells whose turn it is.
func (p socksPhase) speaker() event.Side {
	if p == socksChoice || p == socksResult || p == socksAnswer {
		return event.FromServer
	}
	return event.FromClient
}

// Data implements wire.Stream.
func (s *socks) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if s.phase == socksOff {
		return s.listener.Data(c, from, data)
	}
	at := 0
	for at < len(data) && s.phase != socksOff && s.phase.speaker() == from {
		used, next := s.step(c, at, data[at:])
		at += used
		if next != wire.More || used == 0 {
			return wire.Step{Consumed: at, Next: next}
		}
	}
	return wire.Step{Consumed: at}
}

func (s *socks) step(c wire.Context, off int, data []byte) (int, wire.Next) {
	switch s.phase {
	case socksOffer:
		return s.advance(data, 2+int(data[min(1, len(data)-1)]), socksChoice), wire.More
	case socksChoice:
		return s.choice(c, data), wire.More
	case socksLogin:
		return s.credentials(c, off, data), wire.More
	case socksResult:
		return s.result(c, off, data), wire.More
	case socksAsk:
		return s.advance(data, addressLen(data), socksAnswer), wire.More
	default:
		return s.answer(data)
	}
}

// advance consumes n bytes once they are there, and goes on to the next phase.
func (s *socks) advance(data []byte, n int, next socksPhase) int {
	if len(data) < 2 || len(data) < n {
		return 0
	}
	s.phase = next
	return n
}

func (s *socks) choice(c wire.Context, data []byte) int {
	if len(data) < 2 {
		return 0
	}
	s.phase = map[byte]socksPhase{0: socksAsk, 2: socksLogin}[data[1]]
	if data[0] != 5 || s.phase == socksOffer {
		s.phase = socksOff
		c.Name("") // it only began like SOCKS
		return 0
	}
	c.Name("socks")
	return 2
}

// credentials: version 1, length and user, length and password.
func (s *socks) credentials(c wire.Context, off int, data []byte) int {
	user, rest, ok := counted(data[1:])
	secret, rest, whole := counted(rest)
	if !ok || !whole {
		return 0
	}
	s.pending = s.login(c, off, "socks", "", auth.Credential{User: auth.Name(user), Secret: auth.Secret(secret)})
	s.phase = socksResult
	return len(data) - len(rest)
}

func counted(b []byte) (text string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}

func (s *socks) result(c wire.Context, off int, data []byte) int {
	if len(data) < 2 {
		return 0
	}
	s.phase = socksAsk
	if data[1] == 0 {
		s.pending.answer(c, off, event.OutcomeAccepted)
	} else {
		s.pending.answer(c, off, event.OutcomeRefused)
	}
	return 2
}

func (s *socks) answer(data []byte) (int, wire.Next) {
	n := addressLen(data)
	if len(data) < 2 || len(data) < n {
		return 0, wire.More
	}
	if data[1] != 0 {
		s.phase = socksOff
		return n, wire.More
	}
	return n, wire.Restart
}

// addressLen is the length of a request or reply: four bytes, an address of the
// type in the fourth, and a port. It is too large while the type is not there.
func addressLen(data []byte) int {
	if len(data) < 5 {
		return len(data) + 1
	}
	switch data[3] {
	case 1:
		return 10
	case 4:
		return 22
	default:
		return 7 + int(data[4])
	}
}

// Gap implements wire.Stream.
func (s *socks) Gap(c wire.Context, from event.Side, n int) {
	s.phase = socksOff
	s.listener.Gap(c, from, n)
}

// recogniseSOCKS wants an offer of known methods and nothing after it. What the
// server chooses confirms it.
func recogniseSOCKS(_ wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromServer || first[0] != 5 {
		return wire.No
	}
	switch {
	case len(first) < 2:
		return wire.Maybe
	case first[1] == 0 || first[1] > 9 || len(first) > 2+int(first[1]):
		return wire.No
	case bytes.IndexFunc(first[2:], func(r rune) bool { return r > 9 }) >= 0:
		return wire.No
	case len(first) < 2+int(first[1]):
		return wire.Maybe
	}
	return wire.Yes
}
