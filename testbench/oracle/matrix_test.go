//go:build linux

package oracle_test

import (
	"context"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
	"assay/testbench/internet/zone"
	"assay/testbench/oracle"
)

// ours is the gateway's validator on the same zones.
type ours struct {
	u *zone.Universe
	v *validate.Validator
}

func newOurs(t *testing.T, u *zone.Universe) *ours {
	t.Helper()
	o := &ours{u: u}
	var err error
	if o.v, err = validate.New(validate.Options{Anchors: []dns.RR{u.RootDS()}, Source: o}); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *ours) Query(_ context.Context, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	q.SetEdns0(4096, true)
	q.CheckingDisabled = true
	return o.u.Answer(q), nil
}

func (o *ours) says(t *testing.T, q dns.Question) validate.Verdict {
	m, err := o.Query(t.Context(), q.Name, q.Qtype)
	if err != nil {
		t.Fatal(err)
	}
	return o.v.Validate(t.Context(), q, m)
}

// aliasAskedFor is the one question on which unbound is not followed: the type CNAME
// below a DNAME. What answers it is made of the DNAME and stands on its signature (RFC
// 6672, section 5.3.1); unbound takes it for an answer with no signature of its own,
// though it follows the same CNAME when another type is asked for.
func aliasAskedFor(q dns.Question, ours validate.Status, theirs string) bool {
	return q.Qtype == dns.TypeCNAME && strings.Contains(q.Name, ".old.") && ours == validate.Secure && theirs == "bogus"
}

// TestUnboundAgrees compares every status with unbound's.
func TestUnboundAgrees(t *testing.T) {
	w := newWorld(t)
	unbound, o := w.unbound(), newOurs(t, w.net.Universe)
	matrix := oracle.Matrix(w.net.Universe)
	if len(matrix) < 500 {
		t.Errorf("only %d questions, at least 500 are wanted", len(matrix))
	}
	count := map[string]int{}
	for _, q := range matrix {
		v, theirs := o.says(t, q), unbound(q)
		count[theirs]++
		if v.Status.String() != theirs && !aliasAskedFor(q, v.Status, theirs) {
			t.Errorf("%s %s: unbound says %s, we say %s (%d, %s)", q.Name, dns.Type(q.Qtype), theirs, v.Status, v.EDE, v.Why)
		}
	}
	t.Logf("%d questions, unbound says %v", len(matrix), count)
}
