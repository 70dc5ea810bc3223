package rule

import (
	"testing"

	"assay/internal/assess/fact"
)

// TestFault: the rule's fault speaks for a FAIL alone, a branch's for its own
// verdict, and what is no fault has none.
func TestFault(t *testing.T) {
	const (
		ofRule   = "mode: passive\nfault: Nothing is asked for"
		ofBranch = "fault: Only some ask\n      why: "
	)
	failing := func(s *fact.Sheet) { s.Int("dns.queries_edns", 0, fact.Because{}) }
	partial := func(s *fact.Sheet) { s.Double("dns.do_share", 0.5, fact.Because{}) }
	passing := func(*fact.Sheet) {}
	for name, tc := range map[string]struct {
		old, replacement string
		set              func(*fact.Sheet)
		verdict          Verdict
		want             string
	}{
		"a FAIL takes the rule's":           {"mode: passive", ofRule, failing, Fail, "Nothing is asked for"},
		"a PARTIAL does not":                {"mode: passive", ofRule, partial, Partial, ""},
		"a PASS does not":                   {"mode: passive", ofRule, passing, Pass, ""},
		"a PARTIAL takes its branch's":      {"why: Only", ofBranch + "Only", partial, Partial, "Only some ask"},
		"a FAIL takes its branch's":         {"why: None", ofBranch + "None", failing, Fail, "Only some ask"},
		"a PARTIAL's is not that of a FAIL": {"why: Only", ofBranch + "Only", failing, Fail, ""},
		"a rule without one has none":       {"mode: passive", "mode: passive", failing, Fail, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := passingSheet()
			tc.set(s)
			got := mustLoad(t, edited(t, tc.old, tc.replacement)).Judge(s)[0]
			if got.Verdict != tc.verdict || got.Fault != tc.want {
				t.Errorf("%s with fault %q, want %s with %q", got.Verdict, got.Fault, tc.verdict, tc.want)
			}
		})
	}
}
