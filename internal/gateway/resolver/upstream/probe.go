package upstream

import (
	"context"
	"sync"

	"github.com/miekg/dns"
)

// Probe asks every upstream for the keys of the root and so finds out which of
// them answer and which hand on signatures. Without those nothing can be
// validated.
func (p *Pool) Probe(ctx context.Context) []State {
	var all sync.WaitGroup
	for _, s := range p.snapshot() {
		all.Go(func() { p.probe(ctx, s) })
	}
	all.Wait()
	return p.Servers()
}

func (p *Pool) probe(ctx context.Context, s *server) {
	for range rounds {
		m, err := p.exchange(ctx, s, ".", dns.TypeDNSKEY, form{mixCase: p.cfg.MixCase && s.Name == "", padded: s.Name != ""})
		if err != nil {
			continue
		}
		switch {
		case signed(m):
			s.learn(Yes)
		case m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented:
			s.learn(No)
		}
		return
	}
}

// signed says whether the answer holds keys and a signature over them.
func signed(m *dns.Msg) bool {
	keys, sigs := false, false
	for _, rr := range m.Answer {
		keys = keys || rr.Header().Rrtype == dns.TypeDNSKEY
		sigs = sigs || covers(rr, dns.TypeDNSKEY)
	}
	return keys && sigs
}
