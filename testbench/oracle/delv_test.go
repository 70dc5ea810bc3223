//go:build linux

package oracle_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
	"assay/testbench/internet/zone"
	"assay/testbench/oracle"
)

// delvStride thins the matrix: each question to delv is a process that asks for
// its whole chain anew. It shares no factor with the number of types, so that
// every type and every zone is met.
const delvStride = 13

// optedOut is the one place where delv's words mean something else: it tells
// that the NSEC3 records of a denial are genuine, not that AD may be set, which
// RFC 5155 section 9.2 forbids where one of them covers an opt-out span. On this
// unbound is the judge.
func (o *ours) optedOut(t *testing.T, q dns.Question, we validate.Status, they string) bool {
	if we != validate.Insecure || they != zone.Secure {
		return false
	}
	m, err := o.Query(t.Context(), q.Name, q.Qtype)
	if err != nil {
		t.Fatal(err)
	}
	return m.Rcode == dns.RcodeNameError && slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
		n, ok := rr.(*dns.NSEC3)
		return ok && n.Flags&1 != 0
	})
}

// TestDelvAgrees compares with BIND's validator, which has nothing in common
// with unbound's.
func TestDelvAgrees(t *testing.T) {
	w := newWorld(t)
	delv, o := w.delv(), newOurs(t, w.net.Universe)
	questions := make(chan dns.Question)
	var mu sync.Mutex
	count := map[string]int{}
	var workers sync.WaitGroup
	for range 8 { // they mostly wait
		workers.Go(func() {
			for q := range questions {
				v := o.says(t, q)
				theirs, words := delv(q)
				mu.Lock()
				count[theirs]++
				mu.Unlock()
				if v.Status.String() != theirs && !o.optedOut(t, q, v.Status, theirs) {
					t.Errorf("%s %s: delv says %s, we say %s (%d, %s)\n%s", q.Name, dns.Type(q.Qtype), theirs, v.Status, v.EDE, v.Why, words)
				}
			}
		})
	}
	for i, q := range oracle.Matrix(w.net.Universe) {
		if i%delvStride == 0 && q.Qtype != dns.TypeANY {
			questions <- q
		}
	}
	close(questions)
	workers.Wait()
	t.Logf("delv says %v", count)
}
