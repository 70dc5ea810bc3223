package validate_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
)

// targets are questions whose answers an attacker would like to replace with
// genuine records from elsewhere in the same zones.
func targets() []dns.Question {
	out := slices.DeleteFunc(samples(), func(q dns.Question) bool { return q.Qtype == dns.TypeANY })
	for _, zone := range []string{"cam.example.", "sensor.example.", "cam.things."} {
		for _, name := range []string{"", "www.", "exact.dev.", "x.exact.dev.", "any.dev.", "a.b.dev.", "dev.", "*.dev.", "empty.names.", "leaf.of.empty.names.", "absent.", "v4only.", "x.caught.", "host.new.", "host.old.", "old."} {
			out = append(out, question(name+zone, dns.TypeA), question(name+zone, dns.TypeTXT))
		}
	}
	for _, name := range []string{"example.", "things.", "cam.example.", "plug.example.", "lab.cam.example.", "open.cam.example.", "kettle.things.", "open.sensor.example."} {
		out = append(out, question(name, dns.TypeDS), question(name, dns.TypeA), question("absent."+name, dns.TypeA), question(name, dns.TypeSOA))
	}
	return out
}

// piece is a set of records with its signatures.
type piece []dns.RR

func pieces(rrs []dns.RR) []piece {
	by := map[string]piece{}
	var order []string
	for _, rr := range rrs {
		t := rr.Header().Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			t = sig.TypeCovered
		}
		key := fmt.Sprint(rr.Header().Name, " ", t)
		if by[key] == nil {
			order = append(order, key)
		}
		by[key] = append(by[key], rr)
	}
	var out []piece
	for _, key := range order {
		out = append(out, by[key])
	}
	return out
}

// renamed moves a set to another owner, as a wildcard would.
func (p piece) renamed(name string) piece {
	var out piece
	for _, rr := range p {
		c := dns.Copy(rr)
		c.Header().Name = name
		out = append(out, c)
	}
	return out
}

// says lists what an answer section claims. The CNAME that is made from a DNAME
// adds nothing to it and may be missing.
func says(rrs []dns.RR) string {
	var out []string
	made := slices.ContainsFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeDNAME })
	for _, rr := range rrs {
		if s := essence(rr); s != "" && (!made || rr.Header().Rrtype != dns.TypeCNAME) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return fmt.Sprint(slices.Compact(out))
}

// TestSplicedAnswers composes answers from genuine, well signed pieces of many
// answers, some under other owners, with any response code. Whatever is secure
// must be the true answer: the same code and the same data.
func TestSplicedAnswers(t *testing.T) {
	w := newWorld(t, validate.Options{})
	all := targets()
	truths, states := map[dns.Question]*dns.Msg{}, map[dns.Question]validate.Status{}
	var answers, denials []piece
	for _, q := range all {
		m := w.ask(q.Name, q.Qtype)
		truths[q], states[q] = m, w.judge(q.Name, q.Qtype, m).Status
		answers = append(answers, pieces(m.Answer)...)
		denials = append(denials, pieces(m.Ns)...)
	}
	r := rand.New(rand.NewPCG(4033, 4034))
	secure := 0
	for range 30000 {
		q := all[r.IntN(len(all))]
		m := compose(r, q, truths[q], answers, denials)
		v := w.v.Validate(context.Background(), q, m)
		if v.Status != validate.Secure {
			continue
		}
		secure++
		if states[q] != validate.Secure || m.Rcode != truths[q].Rcode || says(marked(m, v)) != says(truths[q].Answer) {
			t.Errorf("%s is secure (in truth %s) with\n%v\nin truth\n%v", q.String(), states[q], m, truths[q])
		}
	}
	if secure < 100 {
		t.Errorf("only %d compositions were secure: the test says little", secure)
	}
}

func compose(r *rand.Rand, q dns.Question, truth *dns.Msg, answers, denials []piece) *dns.Msg {
	m := new(dns.Msg)
	m.Rcode = []int{dns.RcodeSuccess, dns.RcodeNameError, truth.Rcode}[r.IntN(3)]
	pick := func(own []dns.RR, pool []piece) (out []dns.RR) {
		for _, p := range pieces(own) {
			if r.IntN(3) > 0 {
				out = append(out, p...)
			}
		}
		for range r.IntN(4) {
			p := pool[r.IntN(len(pool))]
			if r.IntN(3) == 0 {
				p = p.renamed(q.Name)
			}
			out = append(out, p...)
		}
		return out
	}
	m.Answer, m.Ns = pick(truth.Answer, answers), pick(truth.Ns, denials)
	return m
}

func marked(m *dns.Msg, v validate.Verdict) (out []dns.RR) {
	for i, rr := range m.Answer {
		if v.Answer[i] {
			out = append(out, rr)
		}
	}
	return out
}
