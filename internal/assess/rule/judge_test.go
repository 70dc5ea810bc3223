package rule

import (
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// passingSheet holds what lets the sample rule pass.
func passingSheet() *fact.Sheet {
	s := fact.NewSheetOf(testSchema())
	s.Int("dns.queries", 40, because(said(7, "q"), said(3, "p")))
	s.Int("dns.names", 8, because(said(3, "p")))
	s.Int("dns.queries_edns", 40, because(said(9, "e")))
	s.Double("dns.do_share", 1, because(said(9, "e"), said(1, "d")))
	s.Bool("capture.gapless", true, fact.Because{})
	s.Int("flows.total", 3, fact.Because{})
	return s
}

func judgeOne(t *testing.T, s *fact.Sheet) Finding {
	t.Helper()
	got := mustLoad(t, folder(nil)).Judge(s)
	if len(got) != 1 {
		t.Fatalf("%d findings for one rule", len(got))
	}
	return got[0]
}

func TestJudgePass(t *testing.T) {
	got := judgeOne(t, passingSheet())
	want := Finding{
		Check: "DS-02", Family: "DS", Title: "The device asks for DNS signatures",
		Ask: "The device shall set the DO bit in its DNS queries.", Mode: "passive",
		Verdict: Pass, Why: "Every query asked for signatures.", N: 40,
		Because: []event.Event{said(1, "d"), said(3, "p"), said(9, "e")}, Seen: 3,
		Limits: "It does not show that signatures are checked.", Severity: "low",
		References: []string{"RFC 6891", "RFC 3225"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(event.HostID{}, netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
}

// TestJudgeWithoutControl takes every control away in turn: absent and false.
func TestJudgeWithoutControl(t *testing.T) {
	gaps := passingSheet()
	gaps.Bool("capture.gapless", false, because(said(5, "gap")))
	few := passingSheet()
	few.Int("dns.names", 4, fact.Because{})
	for name, tc := range map[string]struct {
		sheet *fact.Sheet
		want  string
	}{
		"gaps":            {gaps, "the evidence has no gaps"},
		"gapless unknown": {passingSheet().Without("capture.gapless"), "the evidence has no gaps"},
		"control false":   {few, "at least five different names were asked in clear DNS"},
	} {
		t.Run(name, func(t *testing.T) {
			got := judgeOne(t, tc.sheet)
			if got.Verdict != Inconclusive || !strings.Contains(got.Why, tc.want) {
				t.Errorf("%s: %s", got.Verdict, got.Why)
			}
			if got.Needs != "Let the device run longer." {
				t.Errorf("needs %q", got.Needs)
			}
		})
	}
	if got := judgeOne(t, passingSheet().Without("dns.names")); got.Verdict == Pass {
		t.Error("PASS with an unknown control")
	}
}

// TestJudgeOrder shows which verdict wins, and what unknowns do to each.
func TestJudgeOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		set  func(s *fact.Sheet)
		want Verdict
	}{
		"nothing known": {func(*fact.Sheet) {}, Inconclusive},
		"fail stays proven while not_applicable is unknown": {func(s *fact.Sheet) {
			s.Int("dns.names", 8, fact.Because{})
			s.Int("dns.queries_edns", 0, fact.Because{})
		}, Fail},
		"partial with a fail unknown": {func(s *fact.Sheet) {
			s.Int("dns.names", 8, fact.Because{})
			s.Double("dns.do_share", 0.5, fact.Because{})
		}, Inconclusive},
		"partial with the fail disproved by another fact": {func(s *fact.Sheet) {
			s.Int("dns.names", 2, fact.Because{})
			s.Double("dns.do_share", 0.5, fact.Because{})
		}, Partial},
		"inconclusive before partial": {func(s *fact.Sheet) {
			s.Double("dns.do_share", -1, fact.Because{})
		}, Inconclusive},
		"a share that is no number is unknown": {func(s *fact.Sheet) {
			s.Int("dns.names", 2, fact.Because{})
			s.Double("dns.do_share", math.NaN(), fact.Because{})
		}, Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			s := fact.NewSheetOf(testSchema())
			tc.set(s)
			if got := judgeOne(t, s); got.Verdict != tc.want {
				t.Errorf("got %s (%s), want %s", got.Verdict, got.Why, tc.want)
			}
		})
	}
}

// TestConditionErrorIsUnknown divides by a count of zero.
func TestConditionErrorIsUnknown(t *testing.T) {
	book := mustLoad(t, edited(t, "dns.names >= 5 && dns.queries_edns == 0", "dns.queries / dns.names > 100"))
	s := passingSheet()
	s.Int("dns.names", 0, fact.Because{})
	s.Int("flows.total", 0, fact.Because{})
	if got := book.Judge(s)[0]; got.Verdict != Inconclusive {
		t.Errorf("got %s: %s", got.Verdict, got.Why)
	}
}

func TestConditionOverListsAndTexts(t *testing.T) {
	book := mustLoad(t, edited(t, "dns.do_share == 1.0",
		`dns.asked.exists(n, n.endsWith(".example.")) && dns.resolver.startsWith("192.")`))
	s := passingSheet()
	if got := book.Judge(s)[0].Verdict; got != Inconclusive {
		t.Errorf("unknown list: %s", got)
	}
	s.List("dns.asked", []string{"a.example."}, fact.Because{})
	s.Text("dns.resolver", "192.0.2.1", fact.Because{})
	if got := book.Judge(s)[0].Verdict; got != Pass {
		t.Errorf("known list: %s", got)
	}
}

func TestEvidenceIsBoundedFairAndOnce(t *testing.T) {
	s := fact.NewSheetOf(testSchema())
	var busy, late, lone fact.Because
	for i := range 30 {
		busy.Join(because(said(i+1, "busy")))
		late.Join(because(said(100+i, "late")))
	}
	lone.Join(because(said(900, "lone"), said(1, "busy")))
	s.Int("dns.queries", 30, busy)
	s.Int("dns.names", 30, late)
	s.Int("flows.total", 1, lone)
	got, seen := gather(s, []string{"flows.total", "dns.queries", "dns.names", "dns.queries", "dns.asked"})
	if len(got) != evidenceLimit {
		t.Errorf("%d events, want %d", len(got), evidenceLimit)
	}
	if seen != 49 {
		t.Errorf("seen %d, want 49: each event once", seen)
	}
	if last := got[len(got)-1]; last.Ref != 900 {
		t.Errorf("the lone event was crowded out; last is %d", last.Ref)
	}
	for i := 1; i < len(got); i++ {
		if got[i-1].Ref >= got[i].Ref {
			t.Errorf("events %d and %d are out of order or twice", got[i-1].Ref, got[i].Ref)
		}
	}
}

func TestSentence(t *testing.T) {
	s := fact.NewSheetOf(testSchema())
	s.Int("dns.queries", 1, fact.Because{})
	s.Int("dns.names", 12, fact.Because{})
	s.Text("dns.resolver", "a\x1b[31mred", fact.Because{})
	s.List("dns.asked", strings.Split("a b c d e f g h i j", " "), fact.Because{})
	s.Bool("capture.gapless", true, fact.Because{})
	for source, want := range map[string]string{
		"{dns.queries} {dns.queries|query|queries}": "1 query",
		"{dns.names} {dns.names|name|names}":        "12 names",
		"{dns.asked}":                               "a, b, c, d and 6 more",
		"{capture.gapless}":                         "yes",
		"{dns.resolver}":                            `a\x1b[31mred`,
		"{dns.queries_edns}":                        "unknown",
		"plain":                                     "plain",
	} {
		book := mustLoad(t, edited(t, "None of its {dns.queries} queries carried EDNS(0).", `"`+source+`"`))
		if got := book.rules[0].verdicts[Fail][0].why.fill(s); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

func TestPercentNeverClaimsALimit(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 %", 0.00001: "0.1 %", 0.5: "50 %", 0.333: "33.3 %", 0.99999: "99.9 %", 1: "100 %", 1.5: "150 %",
	} {
		if got := (part{percent: true}).writeDouble(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
	if got := (part{}).writeDouble(12.34); got != "12.3" {
		t.Errorf("got %q", got)
	}
}
