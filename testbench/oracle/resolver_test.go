//go:build linux

package oracle_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver"
	"assay/testbench/internet/zone"
	"assay/testbench/oracle"
)

// gatewayResolver is the whole of the gateway's resolver, cache and upstream
// included, with the provider's resolver behind it.
func (w *world) gatewayResolver() *resolver.Resolver {
	w.t.Helper()
	r, err := resolver.New(resolver.Config{
		Upstreams: []resolver.Server{{Addr: netip.AddrPortFrom(w.net.ResolverAddrs()[0], 53)}},
		Dial:      w.lab.Gateway.Dial, Anchors: []dns.RR{w.net.RootDS()},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(r.Close)
	r.Check(w.t.Context())
	return r
}

func asked(r *resolver.Resolver, q dns.Question, cd bool) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(q.Name, q.Qtype)
	m.SetEdns0(4096, true)
	m.CheckingDisabled = cd
	return r.Ask(context.Background(), m)
}

// clientSees is the status of an answer as a device can tell it.
func clientSees(r *resolver.Resolver, q dns.Question) string {
	m := asked(r, q, false)
	switch {
	case m.AuthenticatedData:
		return zone.Secure
	case m.Rcode != dns.RcodeServerFailure:
		return zone.Insecure
	case asked(r, q, true).Rcode != dns.RcodeServerFailure:
		return zone.Bogus
	}
	return "indeterminate"
}

// elsewhere says what the gateway's resolver answers on the spot, by the standards
// that its documentation names, and unbound does not.
func elsewhere(q dns.Question) bool { return q.Qtype == dns.TypeANY || q.Qtype == dns.TypeRRSIG }

// TestResolverAgreesWithUnbound compares what a device is told, not only what the
// validator thinks: the same questions to the whole resolver, twice, so that the
// second answer comes out of its cache.
func TestResolverAgreesWithUnbound(t *testing.T) {
	w := newWorld(t)
	unbound, ours := w.unbound(), w.gatewayResolver()
	compared := 0
	for _, q := range oracle.Matrix(w.net.Universe) {
		if elsewhere(q) {
			continue
		}
		theirs := unbound(q)
		first, again := clientSees(ours, q), clientSees(ours, q)
		if first != theirs || again != theirs {
			t.Errorf("%s %s: unbound says %s, a device hears %s and then %s", q.Name, dns.Type(q.Qtype), theirs, first, again)
		}
		compared++
	}
	if compared < 500 {
		t.Errorf("only %d questions were compared, at least 500 are wanted", compared)
	}
	t.Logf("%d questions", compared)
}
