package validate_test

import (
	"context"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
	"assay/testbench/internet/zone"
)

// noon is the clock of these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is the small internet with a validator that asks it directly.
type world struct {
	t testing.TB
	u *zone.Universe
	v *validate.Validator
	// twist, when set, changes what the source answers.
	twist func(name string, qtype uint16, m *dns.Msg) (*dns.Msg, error)
}

func newWorld(t testing.TB, o validate.Options) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	if w.u, err = zone.NewUniverse(7, func() time.Time { return noon }); err != nil {
		t.Fatal(err)
	}
	if o.Anchors == nil {
		o.Anchors = []dns.RR{w.u.RootDS()}
	}
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	o.Source = w
	if w.v, err = validate.New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask is what a resolver upstream answers with DO and CD.
func (w *world) ask(name string, qtype uint16) *dns.Msg {
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	q.SetEdns0(4096, true)
	q.CheckingDisabled = true
	return w.u.Answer(q)
}

func (w *world) Query(_ context.Context, name string, qtype uint16) (*dns.Msg, error) {
	m := w.ask(name, qtype)
	if w.twist != nil {
		return w.twist(name, qtype, m)
	}
	return m, nil
}

func (w *world) validate(name string, qtype uint16) (validate.Verdict, *dns.Msg) {
	m := w.ask(name, qtype)
	return w.judge(name, qtype, m), m
}

func (w *world) judge(name string, qtype uint16, m *dns.Msg) validate.Verdict {
	return w.v.Validate(context.Background(), question(name, qtype), m)
}

func question(name string, qtype uint16) dns.Question {
	return dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET}
}
