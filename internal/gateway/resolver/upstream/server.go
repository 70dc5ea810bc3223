package upstream

import (
	"context"
	"crypto/tls"
	"net/netip"
	"sync"
	"time"
)

// Server is one upstream resolver.
type Server struct {
	Addr netip.AddrPort
	// Name, when set, is the name the server proves by its certificate: it is
	// asked over TLS only, usually on port 853. Empty is UDP and TCP in clear.
	Name string
}

// String is the address, and the name for a server that is asked over TLS.
func (s Server) String() string {
	if s.Name == "" {
		return s.Addr.String()
	}
	return "tls://" + s.Name + "@" + s.Addr.String()
}

// Support says whether an upstream hands on the records of DNSSEC.
type Support uint8

// The zero value is that it was not found out yet.
const (
	Unknown Support = iota
	Yes
	No
)

func (s Support) String() string { return [...]string{"unknown", "yes", "no"}[min(int(s), 2)] }

// State is what is known of one upstream.
type State struct {
	Server  Server
	RTT     time.Duration // smoothed; 0 before the first answer
	Answers bool          // its last question was answered
	DNSSEC  Support
	Error   string // of its last question
}

// Round-trip times and what is made of them (RFC 6298 section 2).
const (
	firstTimeout = 750 * time.Millisecond
	minTimeout   = 250 * time.Millisecond
	maxTimeout   = 2 * time.Second
	maxRTT       = 8 * time.Second
	unknownRTT   = 50 * time.Millisecond // a server never asked is tried soon
)

// server is one upstream and what was learnt of it.
type server struct {
	Server
	mu      sync.Mutex
	srtt    time.Duration
	rttvar  time.Duration
	answers bool
	dnssec  Support
	noEDNS  bool
	lastErr error

	dialling chan struct{} // holds one token: one dial at a time
	current  *stream
}

func newServer(s Server) *server {
	return &server{Server: s, dialling: make(chan struct{}, 1)}
}

func (s *server) state() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := State{Server: s.Server, RTT: s.srtt, Answers: s.answers, DNSSEC: s.dnssec}
	if s.lastErr != nil {
		st.Error = s.lastErr.Error()
	}
	return st
}

// answered takes a measured round trip in.
func (s *server) answered(rtt time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.lastErr = true, nil
	if s.srtt == 0 {
		s.srtt, s.rttvar = rtt, rtt/2
		return
	}
	s.rttvar += ((s.srtt - rtt).Abs() - s.rttvar) / 4
	s.srtt += (rtt - s.srtt) / 8
}

// failed makes the server a later choice.
func (s *server) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.lastErr = false, err
	s.srtt = min(maxRTT, 2*max(s.srtt, unknownRTT))
}

// forgive brings a server that was not chosen slowly back into play, so that
// one that has recovered is found out.
func (s *server) forgive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.srtt -= s.srtt / 50
}

// rank orders servers: those known to give no DNSSEC data last.
func (s *server) rank() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.srtt
	if r == 0 {
		r = unknownRTT
	}
	if s.dnssec == No {
		r += maxRTT
	}
	return r
}

func (s *server) timeout() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srtt == 0 {
		return firstTimeout
	}
	return min(maxTimeout, max(minTimeout, s.srtt+4*s.rttvar))
}

func (s *server) form(mixCase bool) form {
	s.mu.Lock()
	defer s.mu.Unlock()
	return form{mixCase: mixCase && s.Name == "", noEDNS: s.noEDNS, padded: s.Name != ""}
}

func (s *server) learn(support Support) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dnssec = support
	if support == Yes {
		s.noEDNS = false
	}
}

func (s *server) withoutEDNS() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noEDNS, s.dnssec = true, No
}

// stream gives the connection to the server, a new one when there is none;
// reused says that it was there before.
func (s *server) stream(ctx context.Context, p *Pool) (st *stream, reused bool, err error) {
	select {
	case s.dialling <- struct{}{}:
		defer func() { <-s.dialling }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	if s.current != nil && s.current.alive() {
		return s.current, true, nil
	}
	conn, err := p.dial(ctx, "tcp", s.Addr.String())
	if err != nil {
		return nil, false, err
	}
	if s.Name != "" {
		secured := tls.Client(conn, p.tls(s.Name))
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, false, err
		}
		conn = secured
	}
	s.current = newStream(conn, randomID())
	return s.current, false, p.own(s.current)
}
