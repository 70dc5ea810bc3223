package rule

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// testSchema is what the tests of this package declare.
func testSchema() []fact.Decl {
	return []fact.Decl{
		{Key: "capture.gapless", Type: fact.Bool, Doc: "no gap"},
		{Key: "dns.queries", Type: fact.Int, Doc: "questions"},
		{Key: "dns.names", Type: fact.Int, Doc: "names"},
		{Key: "dns.queries_edns", Type: fact.Int, Doc: "questions with EDNS"},
		{Key: "dns.do_share", Type: fact.Double, Doc: "share with DO"},
		{Key: "dns.resolver", Type: fact.Text, Doc: "resolver"},
		{Key: "dns.asked", Type: fact.List, Doc: "names asked"},
		{Key: "flows.total", Type: fact.Int, Doc: "conversations"},
	}
}

// sampleRule is the example of rules/README.md with every kind of branch.
const sampleRule = `id: DS-02
title: The device asks for DNS signatures
ask: The device shall set the DO bit in its DNS queries.
mode: passive
severity: low
references: [RFC 6891, RFC 3225]
n: dns.queries
rests_on: absence
control:
  when: dns.names >= 5
  what: at least five different names were asked in clear DNS
verdicts:
  not_applicable:
    - when: dns.names == 0 && flows.total > 0
      why: The device asked no DNS question.
  fail:
    - when: dns.names >= 5 && dns.queries_edns == 0
      why: None of its {dns.queries} queries carried EDNS(0).
      evidence: [dns.queries]
  inconclusive:
    - when: dns.do_share < 0.0
      why: The share is {dns.do_share}.
  partial:
    - when: dns.do_share > 0.0 && dns.do_share < 1.0
      why: Only {dns.do_share%} of {dns.queries} {dns.queries|query|queries} asked.
  pass:
    - when: dns.do_share == 1.0
      why: Every query asked for signatures.
otherwise:
  verdict: inconclusive
  why: The evidence does not settle it.
  needs: Let the device run longer.
advice: Ask the supplier.
limits: It does not show that signatures are checked.
`

const sampleTests = `- name: asks on every query
  facts: {dns.queries: 40, dns.names: 8, dns.queries_edns: 40, dns.do_share: 1.0, capture.gapless: true, flows.total: 3}
  want: PASS
- name: no EDNS at all
  facts: {dns.queries: 40, dns.names: 8, dns.queries_edns: 0, flows.total: 12}
  want: FAIL
  why: None of its 40 queries
- name: some
  facts: {dns.queries: 40, dns.names: 8, dns.queries_edns: 40, dns.do_share: 0.5, flows.total: 12}
  want: PARTIAL
  why: 50 % of 40 queries
- name: silent
  facts: {dns.names: 0, flows.total: 12}
  want: NOT APPLICABLE
- name: nothing known
  facts: {}
  want: INCONCLUSIVE
`

const sampleFile = "DS/DS-02-asks-for-signatures.yaml"
const sampleTestFile = "DS/DS-02-asks-for-signatures.test.yaml"

func folder(changes map[string]string) fstest.MapFS {
	files := map[string]string{sampleFile: sampleRule, sampleTestFile: sampleTests}
	maps.Copy(files, changes)
	out := fstest.MapFS{}
	for name, text := range files {
		if text != "" {
			out[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return out
}

// edited is the sample rule with one place replaced.
func edited(t testing.TB, old, replacement string) fstest.MapFS {
	t.Helper()
	if strings.Count(sampleRule, old) != 1 {
		t.Fatalf("%q occurs %d times in the sample rule", old, strings.Count(sampleRule, old))
	}
	return folder(map[string]string{sampleFile: strings.Replace(sampleRule, old, replacement, 1)})
}

func mustLoad(t testing.TB, fsys fstest.MapFS) Book {
	t.Helper()
	book, err := Load(fsys, testSchema())
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// said is an event that rests on the given frame.
func said(ref int, text string) event.Event {
	return event.Event{Ref: event.Ref(ref), Body: event.ServiceBanner{Service: "test", Text: text}}
}

func because(events ...event.Event) fact.Because {
	var b fact.Because
	for _, ev := range events {
		b.Add(&ev)
	}
	return b
}
