//go:build linux

package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/resolver"
	"assay/internal/gateway/resolver/fault"
)

var device = netip.MustParseAddrPort("192.168.7.2:4000")

// bench is a Conductor without a resolver around it.
type bench struct {
	c     *fault.Conductor
	f     *resolver.Fault
	notes []evidence.Note
}

func newBench(cfg fault.Config) *bench {
	b := &bench{}
	cfg.Note = func(n evidence.Note) { b.notes = append(b.notes, n) }
	if cfg.Serves == nil {
		cfg.Serves = func(a netip.Addr) bool { return a == device.Addr() }
	}
	b.c = fault.New(cfg)
	b.f = b.c.Fault()
	return b
}

// words is the notes in short.
func (b *bench) words(t *testing.T) string {
	t.Helper()
	var out []string
	for _, n := range b.notes {
		switch n.Kind {
		case event.NoteArm:
			var a event.ArmNote
			check(t, json.Unmarshal(n.Body, &a))
			out = append(out, strings.TrimSpace(a.Arm+" "+string(a.Phase)+" "+a.Why))
		case event.NoteFaulted:
			var f event.FaultedNote
			check(t, json.Unmarshal(n.Body, &f))
			out = append(out, strings.TrimSpace(f.Arm+" "+f.Name+" "+f.Made))
		}
	}
	return strings.Join(out, "; ")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask is one question of the device, or of somebody else, and its answer.
func (b *bench) ask(from netip.AddrPort, name string, status resolver.Status) *dns.Msg {
	q := new(dns.Msg)
	q.SetQuestion(name, dns.TypeA)
	q.SetEdns0(1232, true)
	m := new(dns.Msg)
	m.SetReply(q)
	m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: 1, Ttl: 300}, A: []byte{192, 0, 2, 9}}}
	if !b.f.Applies(name, dns.TypeA) {
		return m
	}
	return b.f.Change(context.Background(), resolver.Asked{Client: from, Name: name, Type: dns.TypeA, Status: status, DO: true}, m)
}

func TestRunWaitsForTheQuestionAndThenForTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(fault.Config{})
		r := fault.Round{Experiment: "dns", Pair: 1, Arm: event.ArmServfail, Name: "Cam.example"}
		began := time.Now()
		out, err := b.c.Run(t.Context(), r, func(context.Context) error {
			time.AfterFunc(7*time.Second, func() { b.ask(device, "cam.example.", resolver.Insecure) })
			return nil
		}, 20*time.Second)
		check(t, err)
		if took := time.Since(began); took != 27*time.Second || out != (fault.Outcome{Asked: true, Changed: 1}) {
			t.Errorf("%+v after %s", out, took)
		}
		if got, want := b.words(t), "servfail begun; servfail cam.example.; servfail ended"; got != want {
			t.Errorf("notes %q, want %q", got, want)
		}
	})
}

func TestRunEndsEarly(t *testing.T) {
	r := fault.Round{Experiment: "dns", Pair: 1, Arm: event.ArmControl, Name: "cam.example."}
	for _, tc := range []struct {
		name    string
		freshen func(context.Context, context.CancelCauseFunc) error
		want    string
	}{
		{"nobody asks", func(context.Context, context.CancelCauseFunc) error { return nil }, "the device did not ask for the name within 3m0s"},
		{"no fresh start", func(context.Context, context.CancelCauseFunc) error { return errors.New("no relay") },
			"cannot make the device start afresh: no relay"},
		{"ended from outside", func(_ context.Context, end context.CancelCauseFunc) error {
			end(errors.New("the operator skipped it"))
			return nil
		}, "the operator skipped it"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(fault.Config{})
			ctx, end := context.WithCancelCause(t.Context())
			defer end(nil)
			out, err := b.c.Run(ctx, r, func(ctx context.Context) error { return tc.freshen(ctx, end) }, time.Minute)
			if err == nil || err.Error() != tc.want || out.Asked {
				t.Errorf("%s: %+v, %v", tc.name, out, err)
			}
			if got, want := b.words(t), "control begun; control aborted "+tc.want; got != want {
				t.Errorf("%s: notes %q, want %q", tc.name, got, want)
			}
			if fault.IsUnasked(err) != (tc.name == "nobody asks") {
				t.Errorf("%s: IsUnasked of %v", tc.name, err)
			}
		})
	}
}

func TestOnlyTheDeviceAndOnlyInARound(t *testing.T) {
	b := newBench(fault.Config{})
	other := netip.MustParseAddrPort("192.168.7.3:4000")
	expect := func(what string, m *dns.Msg, rcode int, ttl uint32) {
		t.Helper()
		if m.Rcode != rcode || len(m.Answer) > 0 && m.Answer[0].Header().Ttl != ttl {
			t.Errorf("%s: %v", what, m)
		}
	}
	expect("before the first round", b.ask(device, "cam.example.", resolver.Insecure), 0, 300)
	check(t, b.c.Begin(fault.Round{Pair: 1, Arm: event.ArmServfail, Name: "cam.example."}))
	if err := b.c.Begin(fault.Round{Pair: 2, Arm: event.ArmControl, Name: "cam.example."}); !errors.Is(err, fault.ErrBusy) {
		t.Errorf("a second round: %v", err)
	}
	expect("another device", b.ask(other, "cam.example.", resolver.Insecure), 0, 300)
	expect("another name", b.ask(device, "hub.example.", resolver.Insecure), 0, 30)
	expect("a name that is bogus already", b.ask(device, "cam.example.", resolver.Bogus), 0, 30)
	expect("the attacked name", b.ask(device, "cam.example.", resolver.Insecure), dns.RcodeServerFailure, 0)
	if out := b.c.End(""); out != (fault.Outcome{Asked: true, Changed: 1, Kept: 1, Control: 1}) {
		t.Errorf("%+v", out)
	}
	expect("between rounds", b.ask(device, "cam.example.", resolver.Insecure), 0, 30)
	b.c.Finish()
	expect("at the end", b.ask(device, "cam.example.", resolver.Insecure), 0, 300)
	const want = "servfail begun; control hub.example.; servfail cam.example. the genuine answer does not hold; servfail cam.example.; servfail ended"
	if got := b.words(t); got != want {
		t.Errorf("notes %q, want %q", got, want)
	}
}

func TestRoundsThatCannotBe(t *testing.T) {
	b := newBench(fault.Config{})
	for _, r := range []fault.Round{
		{Arm: "explode", Name: "cam.example."}, {Arm: event.ArmDrop, Name: "."}, {Arm: event.ArmDrop, Name: "a..b"},
		{Arm: event.ArmStray, Name: "cam.example.", Variant: fault.WrongID}, {Arm: event.ArmFlipped, Name: "cam.example.", Variant: fault.StrippedPath},
	} {
		if err := b.c.Begin(r); err == nil || !strings.Contains(err.Error(), "cannot begin") {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if len(b.notes) > 0 || b.c.Asked() != nil || b.c.End("") != (fault.Outcome{}) {
		t.Error("a round that never began left something")
	}
}

// TestAFloodIsNotNotedWithoutEnd: the fault goes on, the notes do not.
func TestAFloodIsNotNotedWithoutEnd(t *testing.T) {
	b := newBench(fault.Config{})
	check(t, b.c.Begin(fault.Round{Pair: 1, Arm: event.ArmServfail, Name: "cam.example."}))
	for range 3000 {
		if m := b.ask(device, "cam.example.", resolver.Insecure); m.Rcode != dns.RcodeServerFailure {
			t.Fatalf("%v", m)
		}
	}
	if n := b.c.Counts(); len(b.notes) != 2049 || n.Unnoted != 952 || n.Changed != 3000 {
		t.Errorf("%d notes, %+v", len(b.notes), n)
	}
}
