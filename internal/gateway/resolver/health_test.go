package resolver

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"assay/testbench/internet/zone"
)

// stripped is the small internet behind a forwarder that knows no DNSSEC.
func stripped(u *zone.Universe) func(*dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg {
		bare := q.Copy()
		bare.Extra = nil
		m := u.Answer(bare)
		return m
	}
}

func TestUpstreamWithoutDNSSEC(t *testing.T) {
	u, err := zone.NewUniverse(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, pass := range []bool{false, true} {
		w, r := newWorld(t, stripped(u), Config{Anchors: []dns.RR{u.RootDS()}, Unvalidated: pass})
		h := r.Check(t.Context())
		if h.State != StateNoDNSSEC || h.Validating {
			t.Errorf("health %+v", h)
		}
		notes := w.noted("resolver")
		if len(notes) != 1 || notes[0]["state"] != "upstream gives no DNSSEC data" {
			t.Errorf("notes %v", notes)
		}
		m := over(t, r, question{name: "cam.example.", qtype: dns.TypeA, do: true}.msg())
		if pass && (m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0) || !pass && m.Rcode != dns.RcodeServerFailure || m.AuthenticatedData {
			t.Errorf("allowed %v: %v", pass, m)
		}
		w.mu.Lock()
		w.answer = u.Answer
		w.mu.Unlock()
		if h := r.Check(t.Context()); h.State != StateWell || !h.Validating {
			t.Errorf("after the upstream got better: %+v", h)
		}
		if m := over(t, r, question{name: "cam.example.", qtype: dns.TypeA, do: true}.msg()); !m.AuthenticatedData {
			t.Errorf("after the upstream got better: %v", m)
		}
	}
}

func TestRootOfSomebodyElse(t *testing.T) {
	u, err := zone.NewUniverse(2, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, r := onInternet(t, Config{})
	other, ok := u.RootDS().(*dns.DS)
	if !ok {
		t.Fatal("no DS")
	}
	_, wrong := newWorld(t, u.Answer, Config{})
	if h := wrong.Check(t.Context()); h.State != StateUntrusted || h.Validating || h.Why == "" {
		t.Errorf("a root that is not IANA's (%d): %+v", other.KeyTag, h)
	}
	if h := r.Check(t.Context()); h.State != StateWell {
		t.Errorf("the right root: %+v", h)
	}
}

func TestUpstreamsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, err := zone.NewUniverse(1, nil)
		if err != nil {
			t.Fatal(err)
		}
		w, r := newWorld(t, u.Answer, Config{Anchors: []dns.RR{u.RootDS()}, Upstreams: []Server{}})
		if h := r.Check(t.Context()); h.State != StateNone {
			t.Errorf("without upstream: %+v", h)
		}
		if m := over(t, r, question{name: "cam.example.", qtype: dns.TypeA, do: true}.msg()); m.Rcode != dns.RcodeServerFailure || ede(m) != int(dns.ExtendedErrorCodeNoReachableAuthority) {
			t.Errorf("without upstream: %v", m)
		}
		r.SetUpstreams([]Server{{Addr: netip.MustParseAddrPort("192.0.2.1:53")}})
		if h := r.Check(t.Context()); h.State != StateWell {
			t.Errorf("with one: %+v", h)
		}
		w.mu.Lock()
		w.answer = func(*dns.Msg) *dns.Msg { return nil }
		w.mu.Unlock()
		if h := r.Check(t.Context()); h.State != StateSilent || h.Upstreams[0].Error == "" {
			t.Errorf("with a silent one: %+v", h)
		}
		var states []any
		for _, n := range w.noted("resolver") {
			states = append(states, n["state"])
		}
		if len(states) != 3 || states[0] != StateNone || states[1] != StateWell || states[2] != StateSilent {
			t.Errorf("notes %v", states)
		}
	})
}
