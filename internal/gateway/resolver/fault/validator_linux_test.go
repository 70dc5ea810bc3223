package fault_test

import (
	"slices"
	"testing"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/gateway/resolver/fault"
)

// addressIn is the first IPv4 address of an answer, "" without one.
func addressIn(m *dns.Msg) string {
	if m == nil || m.Rcode != dns.RcodeSuccess {
		return ""
	}
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			return a.A.String()
		}
	}
	return ""
}

// TestUnboundRefusesWhatAStubTakes: for each arm a validator gets no address in the
// same round in which a client that does not validate gets the genuine one; in the
// control round both get it.
func TestUnboundRefusesWhatAStubTakes(t *testing.T) {
	w := newWorld(t)
	inSignatures := []string{event.ArmFlipped, event.ArmStripped, event.ArmWrongKey, event.ArmExpired}
	for name, arms := range map[string][]string{
		"www.cam.example.":        inSignatures,
		"www.hub.example.":        {event.ArmFlipped, event.ArmWrongKey}, // RSA
		"www.lock.example.":       {event.ArmFlipped, event.ArmWrongKey}, // Ed25519
		"alias4.sensor.example.":  inSignatures,                          // a chain of CNAMEs
		"to-secure.cam.example.":  {event.ArmFlipped, event.ArmStripped}, // into another zone
		"host7.dev.cam.example.":  {event.ArmFlipped, event.ArmWrongKey}, // out of a wildcard
		"www.plug.example.":       {event.ArmDSDenial},                   // NSEC
		"www.kettle.things.":      {event.ArmDSDenial},                   // NSEC3 with opt-out
		"to-unsigned.cam.example": {event.ArmDSDenial},                   // an alias into an unsigned zone
	} {
		name = dns.Fqdn(name)
		genuine := ""
		w.in(event.ArmControl, name, "", func() {
			w.fresh(func() { genuine = addressIn(w.ask(stub, name, dns.TypeA, true)) })
		})
		if genuine == "" {
			t.Errorf("%s: the control gives no address", name)
			continue
		}
		w.told()
		for _, arm := range arms {
			w.refused(arm, name, genuine)
		}
	}
}

// refused does one round with a validator and with a client that is none.
func (w *world) refused(arm, name, genuine string) {
	w.t.Helper()
	var validator, other *dns.Msg
	plain := ""
	out := w.in(arm, name, "", func() {
		w.fresh(func() {
			validator = w.ask(stub, name, dns.TypeA, true)
			other = w.ask(stub, "www.update.example.com.", dns.TypeA, true)
		})
		plain = addressIn(w.ask(ours, name, dns.TypeA, true))
	})
	if validator == nil || validator.Rcode != dns.RcodeServerFailure {
		w.t.Errorf("%s, %s: a validator gets %v", name, arm, validator)
	}
	if plain != genuine {
		w.t.Errorf("%s, %s: a client that does not validate gets %q, want %s", name, arm, plain, genuine)
	}
	if other == nil || other.Rcode == dns.RcodeServerFailure {
		w.t.Errorf("%s, %s: another name is not served: %v", name, arm, other)
	}
	w.noted(arm, name, out)
}

func (w *world) noted(arm, name string, out fault.Outcome) {
	w.t.Helper()
	told := w.told()
	changed := slices.ContainsFunc(told, func(n event.FaultedNote) bool { return n.Arm == arm && !n.Unchanged && n.DO })
	if !out.Asked || out.Changed == 0 || !changed {
		w.t.Errorf("%s, %s: %+v, notes %+v", name, arm, out, told)
	}
}

// TestAPathWithoutSignatures: behind a resolver that seems to know no DNSSEC a
// validator says so, down from the root, and a client that does not validate is served.
func TestAPathWithoutSignatures(t *testing.T) {
	w := newWorld(t)
	const name = "www.cam.example."
	var validator, keys, other *dns.Msg
	var plain string
	out := w.in(event.ArmStripped, name, fault.StrippedPath, func() {
		w.fresh(func() { validator = w.ask(stub, name, dns.TypeA, true) })
		plain = addressIn(w.ask(ours, name, dns.TypeA, true))
		keys = w.ask(ours, "example.", dns.TypeDNSKEY, true)
		other = w.ask(ours, "www.hub.example.", dns.TypeA, true)
	})
	if validator == nil || validator.Rcode != dns.RcodeServerFailure || plain == "" {
		t.Errorf("a validator gets %v, another client %q", validator, plain)
	}
	if keys == nil || len(keys.Answer) == 0 || signatures(keys) > 0 {
		t.Errorf("the keys above the name: %v", keys)
	}
	if other == nil || signatures(other) == 0 {
		t.Errorf("the address of another name: %v", other)
	}
	w.notedOnThePath(out, name+" A", ". DNSKEY", "example. DNSKEY")
}

func (w *world) notedOnThePath(out fault.Outcome, want ...string) {
	w.t.Helper()
	noted := map[string]bool{}
	for _, n := range w.told() {
		if n.Arm == event.ArmStripped && !n.Unchanged && n.Made != "" {
			noted[n.Name+" "+dns.TypeToString[n.Type]] = true
		}
	}
	for _, one := range want {
		if !noted[one] {
			w.t.Errorf("no note on %s: %v", one, noted)
		}
	}
	if !out.Asked || out.Changed == 0 {
		w.t.Errorf("%+v", out)
	}
}

func signatures(m *dns.Msg) int {
	n := 0
	for _, rr := range append(slices.Clip(m.Answer), m.Ns...) {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			n++
		}
	}
	return n
}

func TestDelvRefuses(t *testing.T) {
	w := newWorld(t)
	anchor := w.file("delv.anchor", w.net.AnchorStatement())
	delv := func(name string) string {
		out, _ := w.run("delv", "@"+ours, "-a", anchor, "+root=.", "-q", name, "-t", "A") // failures are told in words
		return out
	}
	for name, arm := range map[string]string{"www.cam.example.": event.ArmFlipped, "www.lock.example.": event.ArmStripped, "www.plug.example.": event.ArmDSDenial} {
		var good, bad string
		w.in(event.ArmControl, name, "", func() { good = delv(name) })
		w.in(arm, name, "", func() { bad = delv(name) })
		if !contains(good, "; fully validated", "; unsigned answer") || !contains(bad, "resolution failed") {
			t.Errorf("%s, %s:\n%s\n%s", name, arm, good, bad)
		}
	}
}
