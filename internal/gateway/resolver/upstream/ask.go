package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/miekg/dns"
)

const (
	// rounds is how often each upstream is asked at most, and maxAttempts how
	// often all of them together.
	rounds      = 2
	maxAttempts = 6
	// maxStray is how many foreign packets a question over UDP puts up with. More
	// look like an attempt to forge: then it is asked over TCP.
	maxStray = 8
	bufSize  = 4096
	// streamTimeout is for a question over TCP or TLS, the handshake included.
	streamTimeout = 3 * time.Second
)

// Extended errors (RFC 8914) of failures to get an answer.
const (
	edeUnreachable = dns.ExtendedErrorCodeNoReachableAuthority
	edeNetwork     = dns.ExtendedErrorCodeNetworkError
	edeInvalid     = dns.ExtendedErrorCodeInvalidData
)

// Error is why there is no answer. EDE is the extended error a client may be
// told.
type Error struct {
	EDE uint16
	Err error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Query asks for a name and type with DO and CD set, one upstream after the
// other. It gives a scrubbed answer with the code NOERROR, NXDOMAIN or YXDOMAIN,
// or an *Error. A chain of CNAMEs that the upstream left open is followed.
func (p *Pool) Query(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	m, final, err := p.once(ctx, name, qtype)
	if err != nil {
		return nil, err
	}
	for range maxChain {
		if !open(m, final, name, qtype) {
			return m, nil
		}
		next, end, err := p.once(ctx, final, qtype)
		if err != nil {
			return nil, err
		}
		if end == final && len(next.Answer) == 0 && len(next.Ns) == 0 {
			return m, nil
		}
		m.Answer = append(m.Answer, next.Answer...)
		m.Ns = append(m.Ns, next.Ns...)
		m.Rcode, final = next.Rcode, end
	}
	return nil, &Error{edeInvalid, ErrLoop}
}

// open says whether the answer ends in a CNAME whose target was not looked up.
func open(m *dns.Msg, final, name string, qtype uint16) bool {
	if m.Rcode != dns.RcodeSuccess || final == dns.CanonicalName(name) {
		return false
	}
	for _, rr := range m.Answer {
		if h := rr.Header(); h.Rrtype == qtype && dns.CanonicalName(h.Name) == final {
			return false
		}
	}
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == dns.TypeSOA {
			return false
		}
	}
	return true
}

// once asks the upstreams in turn until one answers.
func (p *Pool) once(ctx context.Context, name string, qtype uint16) (*dns.Msg, string, error) {
	servers := p.order()
	last := &Error{edeUnreachable, errors.New("no upstream resolver is known")}
	settled := map[*server]bool{} // those that have said no: asking again is no use
	for i := range min(maxAttempts, rounds*len(servers)) {
		s := servers[i%len(servers)]
		if settled[s] {
			continue
		}
		m, final, err := p.try(ctx, s, name, qtype)
		if err == nil {
			return m, final, nil
		}
		last = err
		settled[s] = err.EDE != edeUnreachable
		if ctx.Err() != nil {
			break
		}
	}
	return nil, "", last
}

// try asks one upstream once and judges what it says.
func (p *Pool) try(ctx context.Context, s *server, name string, qtype uint16) (*dns.Msg, string, *Error) {
	f := s.form(p.cfg.MixCase)
	m, err := p.exchange(ctx, s, name, qtype, f)
	if err == nil && !f.noEDNS && knowsNoEDNS(m) {
		s.withoutEDNS() // RFC 6891 section 7
		f.noEDNS = true
		m, err = p.exchange(ctx, s, name, qtype, f)
	}
	if err != nil {
		return nil, "", err
	}
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
	default:
		p.counts.refused.Add(1)
		return nil, "", &Error{errorCode(m), fmt.Errorf("upstream %s answers %s", s, dns.RcodeToString[m.Rcode])}
	}
	final, dropped, bad := Scrub(m)
	p.counts.dropped.Add(uint64(dropped))
	if dropped > 0 {
		p.cfg.Suspicious(s.Server, "records that do not belong to the question")
	}
	if bad != nil {
		p.counts.malformed.Add(1)
		return nil, "", &Error{edeInvalid, fmt.Errorf("upstream %s: %w", s, bad)}
	}
	p.counts.answered.Add(1)
	return m, final, nil
}

// knowsNoEDNS says whether a server has stumbled over the OPT record.
func knowsNoEDNS(m *dns.Msg) bool {
	return m.IsEdns0() == nil && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented)
}

// errorCode passes on the extended error of the upstream; its text is not
// trusted.
func errorCode(m *dns.Msg) uint16 {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				return e.InfoCode
			}
		}
	}
	return dns.ExtendedErrorCodeOther
}

// exchange sends a question and reads the answer, and keeps account of how long
// that took.
func (p *Pool) exchange(ctx context.Context, s *server, name string, qtype uint16, f form) (*dns.Msg, *Error) {
	q, err := newQuestion(name, qtype, f)
	if err != nil {
		return nil, &Error{edeInvalid, err}
	}
	start := time.Now()
	p.counts.sent.Add(1)
	b, err := p.transport(ctx, s, &q)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, &Error{edeUnreachable, ctx.Err()} // given up: no fault of the server
		}
		s.failed(err)
		return nil, &Error{p.classify(err), fmt.Errorf("upstream %s: %w", s, err)}
	}
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		p.counts.malformed.Add(1)
		p.cfg.Suspicious(s.Server, "malformed")
		s.failed(err)
		return nil, &Error{edeInvalid, fmt.Errorf("cannot read the answer of upstream %s: %w", s, err)}
	}
	s.answered(time.Since(start))
	return m, nil
}

func (p *Pool) classify(err error) uint16 {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		p.counts.timedOut.Add(1)
		return edeUnreachable
	}
	if errors.Is(err, errMismatch) {
		p.counts.mismatched.Add(1)
	}
	var op *net.OpError
	if errors.As(err, &op) || errors.Is(err, errClosed) || errors.Is(err, errBusy) {
		return edeUnreachable
	}
	return edeNetwork
}
