package validate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
)

// samples are answers of every shape that is secure: data, several algorithms,
// aliases, wildcards and denials.
func samples() []dns.Question {
	return []dns.Question{
		question("www.cam.example.", dns.TypeA), question("hub.example.", dns.TypeMX), question("www.lock.example.", dns.TypeAAAA),
		question("cam.example.", dns.TypeDNSKEY), question("cam.example.", dns.TypeDS), question("any.dev.cam.example.", dns.TypeA),
		question("any.dev.sensor.example.", dns.TypeTXT), question("to-secure.cam.example.", dns.TypeA),
		question("host.branch.cam.example.", dns.TypeAAAA), question("absent.cam.example.", dns.TypeA),
		question("absent.sensor.example.", dns.TypeA), question("www.cam.example.", dns.TypeLOC),
		question("empty.names.sensor.example.", dns.TypeA), question("any.dev.sensor.example.", dns.TypeLOC),
		question("cam.example.", dns.TypeANY), question("alias4.cam.things.", dns.TypeA),
	}
}

// essence is what a record says, without what is not signed: the TTL and the
// spelling of names, as far as the canonical form ignores it (RFC 6840 section
// 5.1). Signatures have none of their own.
func essence(rr dns.RR) string {
	c := dns.Copy(rr)
	c.Header().Ttl = 0
	c.Header().Name = strings.ToLower(c.Header().Name)
	switch c.(type) {
	case *dns.RRSIG:
		return ""
	case *dns.SOA, *dns.NS, *dns.CNAME, *dns.DNAME, *dns.MX, *dns.SRV, *dns.PTR:
		return strings.ToLower(c.String())
	}
	return c.String()
}

// truth is the essence of all records of messages, and their response codes.
type truth map[string]bool

func (tr truth) add(m *dns.Msg) {
	for _, rr := range append(append([]dns.RR{}, m.Answer...), m.Ns...) {
		tr[essence(rr)] = true
	}
}

// lies returns a record that counts as validated and is not true.
func (tr truth) lies(m *dns.Msg, v validate.Verdict) string {
	for s, section := range [][]dns.RR{m.Answer, m.Ns} {
		for i, rr := range section {
			if [][]bool{v.Answer, v.Authority}[s][i] && !tr[essence(rr)] {
				return rr.String()
			}
		}
	}
	return ""
}

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	m = m.Copy()
	m.Extra = nil // not validated
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// header and question come first in a message.
func recordsFrom(q dns.Question) int {
	name := make([]byte, 256)
	n, _ := dns.PackDomainName(q.Name, name, 0, nil, false)
	return 12 + n + 4
}

// TestEveryFlippedBit inverts each bit of each record and signature of secure
// answers in turn. Either the answer is no longer secure, or what still counts
// as validated says exactly what it said before.
func TestEveryFlippedBit(t *testing.T) {
	w := newWorld(t, validate.Options{})
	for n, q := range samples() {
		stride := 1
		if n%3 != 0 {
			stride = 7 // every bit position all the same: 7 and 8 share no factor
		}
		m := w.ask(q.Name, q.Qtype)
		expect(t, q.String(), w.judge(q.Name, q.Qtype, m), validate.Secure, 0)
		tr := truth{}
		tr.add(m)
		wire := packed(t, m)
		secure := 0
		for bit := recordsFrom(q) * 8; bit < len(wire)*8; bit += stride {
			wire[bit/8] ^= 1 << (bit % 8)
			var got dns.Msg
			if got.Unpack(wire) == nil {
				secure += w.mustNotLie(q, m.Rcode, &got, tr)
			}
			wire[bit/8] ^= 1 << (bit % 8)
		}
		t.Logf("%s: %d of %d bits change nothing that is signed or nothing that is needed", q.String(), secure, len(wire)*8)
	}
}

// mustNotLie validates a message; 1 if it is still secure.
func (w *world) mustNotLie(q dns.Question, rcode int, m *dns.Msg, tr truth) int {
	w.t.Helper()
	v := w.judge(q.Name, q.Qtype, m)
	if v.Work.Verifications > 96 || v.Work.Failures > 16 || v.Work.Queries > 128 || v.Work.HashBlocks > 16384 {
		w.t.Errorf("%s: too much work: %+v", q.String(), v.Work)
	}
	if v.Status != validate.Secure {
		return 0
	}
	if lie := tr.lies(m, v); lie != "" || m.Rcode != rcode {
		w.t.Errorf("%s: secure with %s and %q\n%v", q.String(), dns.RcodeToString[m.Rcode], lie, m)
	}
	return 1
}

// TestRcodeIsProven: the response code is not signed, the denial is.
func TestRcodeIsProven(t *testing.T) {
	w := newWorld(t, validate.Options{})
	for _, q := range samples() {
		m := w.ask(q.Name, q.Qtype)
		m.Rcode ^= dns.RcodeNameError
		if v := w.judge(q.Name, q.Qtype, m); v.Status == validate.Secure {
			t.Errorf("%s: secure with %s\n%v", q.String(), dns.RcodeToString[m.Rcode], m)
		}
	}
}

// TestOtherAnswers gives each question the answers of all others: replayed
// genuine records must not pass for an answer.
func TestOtherAnswers(t *testing.T) {
	w := newWorld(t, validate.Options{})
	all := slices.DeleteFunc(samples(), func(q dns.Question) bool { return q.Qtype == dns.TypeANY }) // it may answer others
	for _, q := range all {
		own := w.ask(q.Name, q.Qtype)
		for _, other := range all {
			m := w.ask(other.Name, other.Qtype)
			if own.Rcode != m.Rcode || fmt.Sprint(own.Answer) != fmt.Sprint(m.Answer) {
				if v := w.judge(q.Name, q.Qtype, m); v.Status == validate.Secure {
					t.Errorf("%s is secure with the answer of %s", q.String(), other.String())
				}
			}
		}
	}
}

// FuzzValidate feeds damaged and spliced messages. The seeds are genuine
// answers; nothing but what they say may ever count as validated.
func FuzzValidate(f *testing.F) {
	w := newWorld(f, validate.Options{})
	tr, rcodes := truth{}, map[dns.Question]int{}
	all := samples()
	all = append(all, question("www.plug.example.", dns.TypeA), question("absent.things.", dns.TypeA), question("absent.iterations.example.", dns.TypeA))
	for n, q := range all {
		m := w.ask(q.Name, q.Qtype)
		tr.add(m)
		rcodes[q] = m.Rcode
		f.Add(uint8(n), packed(f, m))
		f.Add(uint8(n+1), packed(f, m))
	}
	f.Fuzz(func(t *testing.T, n uint8, wire []byte) {
		var m dns.Msg
		if m.Unpack(wire) != nil {
			return
		}
		q := all[int(n)%len(all)]
		local := &world{t: t, u: w.u, v: w.v}
		local.mustNotLie(q, rcodes[q], &m, tr)
	})
}
