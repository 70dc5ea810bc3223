// Package rule turns facts into findings: it loads the rule files, checks their
// conditions against the declared facts, and decides one verdict per check with
// the sentence and the evidence that carry it.
//
// It must not know packets or protocols (packages decode and fact) nor how
// findings add up to grades (package grade).
package rule

import "assay/internal/assess/event"

// Verdict is the outcome of one check. The zero value is Unassessed and counts
// as nothing shown.
type Verdict uint8

// The verdicts.
const (
	Unassessed Verdict = iota
	Pass
	Partial
	Fail
	Inconclusive
	NotTested
	NotApplicable
)

// String is the verdict as reports print it.
func (v Verdict) String() string {
	switch v {
	case Pass:
		return "PASS"
	case Partial:
		return "PARTIAL"
	case Fail:
		return "FAIL"
	case Inconclusive:
		return "INCONCLUSIVE"
	case NotTested:
		return "NOT TESTED"
	case NotApplicable:
		return "NOT APPLICABLE"
	case Unassessed:
		return "UNASSESSED"
	default:
		return "UNASSESSED"
	}
}

// Finding is what one rule says about one device.
type Finding struct {
	Check  string // "DS-01"
	Family string // "DS"
	Title  string
	// Fault is what the device does wrong in a buyer's words, to stand in the place
	// of Title; "" unless the verdict is a FAIL, or a PARTIAL whose branch names one.
	Fault   string
	Ask     string // the sentence to copy into a tender
	Mode    string // passive, gateway, active or lookup
	Verdict Verdict
	Why     string // one or two sentences, facts filled in
	// N is how many observations the verdict rests on.
	N int
	// Because is the evidence, in order of its number.
	Because []event.Event
	// Seen is how many events the verdict rests on in all; more than Because holds
	// when there were very many.
	Seen       int
	Advice     string // what the buyer or supplier should do
	Needs      string // how to get an answer, for INCONCLUSIVE and NOT TESTED
	Limits     string // what the check cannot show
	Severity   string // info, low, medium, high, critical
	References []string
}
