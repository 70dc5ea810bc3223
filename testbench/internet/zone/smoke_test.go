package zone

import (
	"github.com/miekg/dns"
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	s := time.Now()
	u, err := NewUniverse(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(s), len(u.order), len(u.Names()))
	for _, n := range []string{"www.cam.example.", "nope.cam.example.", "x.dev.cam.example.", "to-bogus.cam.example.", "a.branch.cam.example.", "zz.cam.things."} {
		q := new(dns.Msg)
		q.SetQuestion(n, dns.TypeA)
		q.SetEdns0(1232, true)
		m := u.Answer(q)
		if _, err := m.Pack(); err != nil {
			t.Error(err)
		}
		t.Log(m)
	}
	s = time.Now()
	for _, n := range u.Names() {
		q := new(dns.Msg)
		q.SetQuestion(n.Name, n.Type)
		q.SetEdns0(1232, true)
		m := u.Answer(q)
		if _, err := m.Pack(); err != nil {
			t.Error(n, err)
		}
	}
	t.Log(time.Since(s))
}
