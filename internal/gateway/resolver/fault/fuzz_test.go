//go:build linux

package fault_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver"
	"assay/internal/gateway/resolver/fault"
	"assay/testbench/internet/zone"
)

// FuzzEveryArm: whatever a genuine answer holds, each arm gives something that can be
// sent, or nothing.
func FuzzEveryArm(f *testing.F) {
	u, err := zone.NewUniverse(1, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"www.cam.example.", "alias4.sensor.example.", "absent.hub.example.", "www.plug.example.", "host.dev.lock.example."} {
		q := new(dns.Msg)
		q.SetQuestion(name, dns.TypeA)
		q.SetEdns0(4096, true)
		b, err := u.Answer(q).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, true, false, uint8(1))
		f.Add(b, false, true, uint8(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, do, tcp bool, status uint8) {
		for i, arm := range fault.Arms() {
			m := new(dns.Msg)
			if m.Unpack(b) != nil || len(m.Question) != 1 {
				return // the resolver makes these messages itself
			}
			name := dns.CanonicalName(m.Question[0].Name)
			c := newBench(fault.Config{
				Send: func(context.Context, fault.Packet) error { return nil },
				Lookup: func(context.Context, string, uint16) resolver.Answer {
					return resolver.Answer{Msg: m.Copy(), Status: resolver.Secure}
				},
				Canaries: []netip.Prefix{netip.MustParsePrefix("198.18.0.0/24"), netip.MustParsePrefix("2001:2::/64")},
			})
			r := fault.Round{Pair: i, Arm: arm, Name: name, Variant: fault.Mismatches()[i%4]}
			if c.c.Begin(r) != nil {
				return
			}
			asked := resolver.Asked{Client: device, Server: device, Name: name, Type: m.Question[0].Qtype, Status: resolver.Status(status), DO: do, TCP: tcp}
			if out := c.f.Change(t.Context(), asked, m); out != nil && len(out.Question) != 1 {
				t.Fatalf("%s: the question is gone: %v", arm, out)
			}
			c.c.End("")
		}
	})
}
