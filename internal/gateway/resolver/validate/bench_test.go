package validate_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
)

// BenchmarkValidate measures answers whose chain of trust is known, as most are.
func BenchmarkValidate(b *testing.B) {
	for _, c := range []struct {
		what, name string
		qtype      uint16
	}{
		{"ECDSA", "www.cam.example.", dns.TypeA}, {"RSA", "www.hub.example.", dns.TypeA}, {"Ed25519", "www.lock.example.", dns.TypeA},
		{"unsigned", "www.plug.example.", dns.TypeA}, {"NSEC-absent", "absent.cam.example.", dns.TypeA},
		{"NSEC3-absent", "absent.sensor.example.", dns.TypeA}, {"aliases", "alias4.cam.example.", dns.TypeA},
	} {
		w := newWorld(b, validate.Options{})
		m := w.ask(c.name, c.qtype)
		b.Run(c.what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.judge(c.name, c.qtype, m)
			}
		})
	}
}

// BenchmarkColdChain begins at the root each time. The source makes its answers
// from zones in memory, which is part of the time.
func BenchmarkColdChain(b *testing.B) {
	w := newWorld(b, validate.Options{})
	m := w.ask("www.cam.example.", dns.TypeA)
	for b.Loop() {
		v, err := validate.New(validate.Options{Anchors: []dns.RR{w.u.RootDS()}, Source: w, Now: func() time.Time { return noon }})
		if err != nil {
			b.Fatal(err)
		}
		v.Validate(b.Context(), question("www.cam.example.", dns.TypeA), m)
	}
}
