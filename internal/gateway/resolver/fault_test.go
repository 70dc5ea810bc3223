package resolver

import (
	"context"
	"testing"

	"github.com/miekg/dns"
)

// flip damages the last bit of every signature.
func flip(_ context.Context, _ Asked, m *dns.Msg) *dns.Msg {
	for _, rr := range m.Answer {
		if sig, ok := rr.(*dns.RRSIG); ok {
			sig.Signature = "AAAA" + sig.Signature[4:]
		}
	}
	return m
}

func signatureOf(m *dns.Msg) string {
	for _, rr := range m.Answer {
		if sig, ok := rr.(*dns.RRSIG); ok {
			return sig.Signature
		}
	}
	return ""
}

// TestFaultsStayOutOfTheCache: a fault changes what it was set for while it is
// set, and nothing else.
func TestFaultsStayOutOfTheCache(t *testing.T) {
	_, r := onInternet(t, Config{})
	q := question{name: "Cam.example.", qtype: dns.TypeSOA, do: true}
	var seen []Asked
	fault := &Fault{
		Applies: func(name string, qtype uint16) bool { return name == "cam.example." && qtype == dns.TypeSOA },
		Change: func(ctx context.Context, a Asked, m *dns.Msg) *dns.Msg {
			seen = append(seen, a)
			return flip(ctx, a, m)
		},
	}
	r.SetFault(fault) // before the first question: the answer must not be kept changed
	wrong := over(t, r, q.msg())
	other := over(t, r, question{name: "cam.example.", qtype: dns.TypeNS, do: true}.msg())
	r.SetFault(nil)
	right := over(t, r, q.msg())
	r.SetFault(fault)
	again := over(t, r, q.msg())
	if n := r.Counts().Faults; n != 2 {
		t.Errorf("%d faults counted", n)
	}
	if a := r.Lookup(t.Context(), "cam.example.", dns.TypeSOA); a.Status != Secure || signatureOf(a.Msg) != signatureOf(right) {
		t.Errorf("the box itself sees the fault: %+v", a)
	}
	showsOnlyThere(t, wrong, again, right, other)
	if len(seen) != 2 || seen[0] != (Asked{Client: seen[0].Client, Name: "cam.example.", Type: dns.TypeSOA, Status: Secure, DO: true}) || !seen[0].Client.IsValid() {
		t.Errorf("the fault was told %+v", seen)
	}
}

func showsOnlyThere(t *testing.T, wrong, again, right, other *dns.Msg) {
	t.Helper()
	if signatureOf(wrong)[:4] != "AAAA" || signatureOf(again) != signatureOf(wrong) {
		t.Error("the fault did not show")
	}
	if signatureOf(right) == signatureOf(wrong) || !right.AuthenticatedData || signatureOf(other)[:4] == "AAAA" {
		t.Error("the fault shows where it should not")
	}
}

func TestFaultsOfOtherKinds(t *testing.T) {
	q := question{name: "cam.example.", qtype: dns.TypeA, size: 1232}
	for what, tc := range map[string]struct {
		change func(context.Context, Asked, *dns.Msg) *dns.Msg
		holds  func(*dns.Msg) bool
	}{
		"silence":  {func(context.Context, Asked, *dns.Msg) *dns.Msg { return nil }, func(m *dns.Msg) bool { return m == nil }},
		"SERVFAIL": {func(_ context.Context, _ Asked, m *dns.Msg) *dns.Msg { m.Rcode, m.Answer = 2, nil; return m }, func(m *dns.Msg) bool { return m.Rcode == 2 }},
		"cut short": {func(_ context.Context, _ Asked, m *dns.Msg) *dns.Msg { m.Truncated, m.Answer = true, nil; return m },
			func(m *dns.Msg) bool { return m.Truncated && len(m.Answer) == 0 }},
		"too long": {func(_ context.Context, a Asked, m *dns.Msg) *dns.Msg {
			for range 100 {
				m.Answer = append(m.Answer, &dns.A{Hdr: header(a.Name, 1, 1), A: []byte{192, 0, 2, 1}})
			}
			return m
		}, func(m *dns.Msg) bool { return m.Truncated && len(m.Answer) == 0 && m.IsEdns0() != nil }},
		"cannot be packed": {func(_ context.Context, _ Asked, m *dns.Msg) *dns.Msg {
			m.Answer = []dns.RR{&dns.A{Hdr: header("a..b.", 1, 1)}}
			return m
		}, func(m *dns.Msg) bool { return m.Rcode == dns.RcodeServerFailure }},
	} {
		_, r := onInternet(t, Config{})
		r.SetFault(&Fault{Applies: func(string, uint16) bool { return true }, Change: tc.change})
		if m := over(t, r, q.msg()); !tc.holds(m) {
			t.Errorf("%s: %v", what, m)
		}
	}
}
