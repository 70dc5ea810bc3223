package fault_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/gateway/resolver/fault"
	"assay/testbench/internet/zone"
)

func contains(text string, any ...string) bool {
	for _, s := range any {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// TestGlibc: what the C library of most systems makes of each fault.
func TestGlibc(t *testing.T) {
	w := newWorld(t)
	if out, err := w.run("sh", "-c", "printf 'nameserver "+ours+"\noptions timeout:1 attempts:1\n' >/etc/resolv.conf"); err != nil {
		t.Fatal(out, err)
	}
	const signed, unsigned = "www.cam.example", "www.plug.example"
	for _, tc := range []struct {
		arm, name, variant string
		want               string // "": no address
	}{
		{event.ArmControl, signed, "", zone.CamHost.V4.String()},
		{event.ArmServfail, signed, "", ""},
		{event.ArmDrop, signed, "", ""},
		{event.ArmTruncate, signed, "", zone.CamHost.V4.String()},
		{event.ArmLarge, signed, "", zone.CamHost.V4.String()},
		{event.ArmChain, signed, "", zone.CamHost.V4.String()},
		{event.ArmChain, unsigned, "", zone.PlugHost.V4.String()},
		{event.ArmStray, signed, fault.WrongID, zone.CamHost.V4.String()},
		{event.ArmStray, signed, fault.WrongName, zone.CamHost.V4.String()},
		{event.ArmStray, signed, fault.WrongPort, zone.CamHost.V4.String()},
		{event.ArmFlipped, signed, "", zone.CamHost.V4.String()}, // it asks for no signatures: unchanged
	} {
		var got string
		out := w.in(tc.arm, tc.name, tc.variant, func() { got, _ = w.run("getent", "ahostsv4", tc.name) })
		got, _, _ = strings.Cut(got, " ")
		if got != tc.want || !out.Asked {
			t.Errorf("%s of %s %s: %q, want %q (%+v)", tc.arm, tc.name, tc.variant, got, tc.want, out)
		}
		if plain := tc.arm == event.ArmControl || tc.arm == event.ArmFlipped; plain != (out.Changed == 0) {
			t.Errorf("%s: %+v", tc.arm, out)
		}
		if n := w.c.Counts().Failed; n > 0 {
			t.Fatalf("%d stray messages could not be sent", n)
		}
	}
}

// TestDig looks at the answers themselves, as a program that the box knows nothing of
// reads them.
func TestDig(t *testing.T) {
	w := newWorld(t)
	dig := func(args ...string) string {
		out, _ := w.run("dig", append([]string{"@" + ours, "+tries=1", "+time=2"}, args...)...)
		return out
	}
	for _, tc := range []struct {
		arm  string
		args []string
		want []string
	}{
		{event.ArmServfail, []string{"www.cam.example"}, []string{"status: SERVFAIL", "EDE: 6"}},
		{event.ArmServfail, []string{"+noedns", "www.cam.example", "AAAA"}, []string{"status: SERVFAIL"}},
		{event.ArmNXDomain, []string{"+dnssec", "www.cam.example"}, []string{"status: NXDOMAIN", "AUTHORITY: 0"}},
		{event.ArmTruncate, []string{"+ignore", "www.cam.example"}, []string{" tc ", "ANSWER: 0"}},
		{event.ArmTruncate, []string{"www.cam.example"}, []string{"Truncated, retrying in TCP mode", zone.CamHost.V4.String()}},
		{event.ArmLarge, []string{"www.cam.example"}, []string{"TYPE65280", zone.CamHost.V4.String()}},
		{event.ArmDrop, []string{"+tcp", "www.cam.example"}, []string{"timed out"}},
		{event.ArmChain, []string{"www.cam.example", "AAAA"}, []string{"alias-4.www.cam.example.", zone.CamHost.V6.String()}},
		{event.ArmStray, []string{"www.cam.example"}, []string{"expected ID", zone.CamHost.V4.String()}},
		{event.ArmFlipped, []string{"+dnssec", "www.cam.example"}, []string{"ra ad;", "RRSIG", "30\tIN\tA", zone.CamHost.V4.String()}},
	} {
		variant := ""
		if tc.arm == event.ArmStray {
			variant = fault.WrongID
		}
		var got string
		w.in(tc.arm, "www.cam.example.", variant, func() { got = dig(tc.args...) })
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s %v: there is no %q in\n%s", tc.arm, tc.args, want, got)
			}
		}
	}
}

// TestRunWithADevice: Run waits for the question and then for the window.
func TestRunWithADevice(t *testing.T) {
	w := newWorld(t)
	w.ask(ours, "www.cam.example.", dns.TypeA, true)
	w.ask(ours, "www.plug.example.", dns.TypeA, true)
	rounds, skipped := w.c.Plan(t.Context(), fault.Wish{Experiment: "dnssec", Arms: []string{event.ArmFlipped, event.ArmDSDenial}, Pairs: 1, Names: 2, Seed: 1})
	if len(rounds) != 4 {
		t.Fatalf("%d rounds, skipped %v", len(rounds), skipped)
	}
	for _, r := range rounds {
		asked := make(chan struct{})
		out, err := w.c.Run(t.Context(), r, func(context.Context) error {
			go func() {
				defer close(asked)
				w.ask(ours, r.Name, dns.TypeA, true)
			}()
			return nil
		}, 50*time.Millisecond)
		<-asked
		if err != nil || !out.Asked {
			t.Errorf("%+v: %+v, %v", r, out, err)
		}
	}
}
