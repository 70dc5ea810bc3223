package ra

import (
	"context"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"
)

// The constants of RFC 4861 section 10.
const (
	initialCount    = 3 // MAX_INITIAL_RTR_ADVERTISEMENTS, MAX_FINAL_RTR_ADVERTISEMENTS
	initialInterval = 16 * time.Second
	minDelay        = 3 * time.Second        // MIN_DELAY_BETWEEN_RAS, to all nodes
	maxDelay        = 500 * time.Millisecond // MAX_RA_DELAY_TIME
)

// Bounds of the answers to solicitations: a host sends three in twelve seconds
// (RFC 4861 section 10).
const (
	askRate, askBurst = 0.5, 6
	maxAskers         = 512
	maxDirect         = 64 // answers that wait at one time
)

const never = time.Duration(math.MaxInt64)

// schedule says when the next advertisements go out.
type schedule struct {
	next    time.Duration // to all nodes, or never
	last    time.Duration // when one went to all nodes, if spoken
	spoken  bool
	initial int // how many of the quick ones after a change are left
	direct  []direct
}

// direct is an answer to one host.
type direct struct {
	to netip.Addr
	at time.Duration
}

// begin starts over with a few quick advertisements.
func (p *schedule) begin(now time.Duration) {
	p.initial = initialCount
	p.next = p.earliest(now)
}

// earliest is the first moment from at on when all nodes may be told.
func (p *schedule) earliest(at time.Duration) time.Duration {
	if p.spoken {
		return max(at, p.last+minDelay)
	}
	return at
}

// answer plans an answer to a solicitation: to its sender alone, so that sleeping
// hosts stay asleep (RFC 7772), or to all where the sender has no address yet. A
// host whose answer waits already gets that one.
func (p *schedule) answer(now, delay time.Duration, from netip.Addr) bool {
	if from.IsUnspecified() {
		p.next = min(p.next, p.earliest(now+delay))
		return true
	}
	if slices.ContainsFunc(p.direct, func(d direct) bool { return d.to == from }) {
		return true
	}
	if len(p.direct) >= maxDirect {
		return false
	}
	p.direct = append(p.direct, direct{from, now + delay})
	return true
}

// due takes out the answers whose time has come.
func (p *schedule) due(now time.Duration) (out []netip.Addr) {
	p.direct = slices.DeleteFunc(p.direct, func(d direct) bool {
		if d.at <= now {
			out = append(out, d.to)
		}
		return d.at <= now
	})
	return out
}

// soonest is when something is due next.
func (p *schedule) soonest() time.Duration {
	at := p.next
	for _, d := range p.direct {
		at = min(at, d.at)
	}
	return at
}

// speak sends what is due until ctx ends or sending fails.
func (s *Server) speak(ctx context.Context, conn Conn) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.kick:
		case <-timer.C:
		}
		wait, err := s.sayDue(conn)
		if err != nil {
			return err
		}
		timer.Reset(wait)
	}
}

// sayDue sends what is due and returns how long nothing else will be.
func (s *Server) sayDue(conn Conn) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.elapsed()
	for _, to := range s.plan.due(now) {
		s.ledger.Count("sent to one")
		if err := conn.WriteTo(s.message(now), nil, to); err != nil {
			s.ledger.Refuse("the answer could not be sent", to.String())
		}
	}
	if s.plan.next <= now {
		if err := conn.WriteTo(s.message(now), nil, netip.IPv6LinkLocalAllNodes()); err != nil {
			return 0, err
		}
		s.ledger.Count("sent to all")
		s.advance(now)
	}
	return s.plan.soonest() - now, nil
}

// advance plans the advertisement to all nodes after the one that was just sent
// (RFC 4861 section 6.2.4).
func (s *Server) advance(now time.Duration) {
	p := &s.plan
	p.last, p.spoken = now, true
	wait := s.cfg.MinInterval + time.Duration(s.cfg.Random()*float64(s.cfg.MaxInterval-s.cfg.MinInterval))
	if p.initial > 0 {
		p.initial--
		wait = min(wait, initialInterval)
	}
	if p.initial == 0 {
		s.past.told()
	}
	p.next = now + wait
	if s.net.silent() {
		p.next = now + minDelay
		if p.initial == 0 {
			p.next = never
		}
	}
}

// message is the advertisement of this moment: the network, or its end, and what
// is to be taken back.
func (s *Server) message(now time.Duration) *ndp.RouterAdvertisement {
	m := s.net.message(s.cfg.MAC, 3*s.cfg.MaxInterval)
	m.Options = append(m.Options, s.past.options(now)...)
	return m
}

// takeBack says that the box is no router any more, and nothing that it told is
// true: with the server, its resolver and addresses go too. It is sent twice,
// because nobody will repeat it.
func (s *Server) takeBack(conn Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.net.silent() && s.plan.initial == 0 {
		return
	}
	gone := s.past
	gone.prefixes, gone.rdnss = slices.Clone(gone.prefixes), slices.Clone(gone.rdnss)
	gone.replace(s.net, Network{}, s.elapsed())
	m := Network{}.message(s.cfg.MAC, 0)
	m.Options = append(m.Options, gone.options(s.elapsed())...)
	for range 2 {
		if conn.WriteTo(m, nil, netip.IPv6LinkLocalAllNodes()) != nil {
			return
		}
	}
	s.ledger.Count("taken back")
}
