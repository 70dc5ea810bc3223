package resolver

import (
	"fmt"
	"net/netip"
	"slices"
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

func internet(t *testing.T) *zone.Universe {
	t.Helper()
	u, err := zone.NewUniverse(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// becomes changes what the upstream of the test answers.
func (w *world) becomes(answer func(*dns.Msg) *dns.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

func mustBe(t *testing.T, h Health, state string) {
	t.Helper()
	if h.State != state || h.Validating != (state == StateWell) {
		t.Errorf("health %+v, want %s", h, state)
	}
}

func TestUpstreamWithoutDNSSEC(t *testing.T) {
	u := internet(t)
	q := question{name: "cam.example.", qtype: dns.TypeA, do: true}
	for pass, rcode := range map[bool]int{false: dns.RcodeServerFailure, true: dns.RcodeSuccess} {
		w, r := newWorld(t, stripped(u), Config{Anchors: []dns.RR{u.RootDS()}, Unvalidated: pass})
		mustBe(t, r.Check(t.Context()), StateNoDNSSEC)
		notes := w.noted("resolver")
		if len(notes) != 1 || notes[0]["state"] != "upstream gives no DNSSEC data" {
			t.Errorf("notes %v", notes)
		}
		if m := over(t, r, q.msg()); m.Rcode != rcode || (len(m.Answer) > 0) != pass || m.AuthenticatedData {
			t.Errorf("allowed %v: %v", pass, m)
		}
		w.becomes(u.Answer)
		mustBe(t, r.Check(t.Context()), StateWell)
		if m := over(t, r, q.msg()); !m.AuthenticatedData {
			t.Errorf("after the upstream got better: %v", m)
		}
	}
}

func TestRootOfSomebodyElse(t *testing.T) {
	_, r := onInternet(t, Config{})
	_, wrong := newWorld(t, internet(t).Answer, Config{}) // the anchors of the public root
	h := wrong.Check(t.Context())
	mustBe(t, h, StateUntrusted)
	if h.Why == "" {
		t.Error("nothing tells why")
	}
	mustBe(t, r.Check(t.Context()), StateWell)
}

func TestUpstreamsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := internet(t)
		w, r := newWorld(t, u.Answer, Config{Anchors: []dns.RR{u.RootDS()}, Upstreams: []Server{}})
		mustBe(t, r.Check(t.Context()), StateNone)
		if m := over(t, r, question{name: "cam.example.", qtype: dns.TypeA, do: true}.msg()); m.Rcode != dns.RcodeServerFailure || ede(m) != int(dns.ExtendedErrorCodeNoReachableAuthority) {
			t.Errorf("without upstream: %v", m)
		}
		r.SetUpstreams([]Server{{Addr: netip.MustParseAddrPort("192.0.2.1:53")}})
		mustBe(t, r.Check(t.Context()), StateWell)
		w.becomes(func(*dns.Msg) *dns.Msg { return nil })
		h := r.Check(t.Context())
		mustBe(t, h, StateSilent)
		if h.Upstreams[0].Error == "" {
			t.Error("nothing tells why")
		}
		var states []string
		for _, n := range w.noted("resolver") {
			states = append(states, fmt.Sprint(n["state"]))
		}
		if want := []string{StateNone, StateWell, StateSilent}; !slices.Equal(states, want) {
			t.Errorf("notes %v, want %v", states, want)
		}
	})
}
