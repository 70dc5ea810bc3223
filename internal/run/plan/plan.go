package plan

import (
	"slices"
	"time"

	"assay/internal/assess/event"
)

// Plan is a list of steps.
type Plan struct {
	ID    string
	Title string
	Steps []Step
}

// Step is one experiment on one network. A field that its experiment does not read
// is zero.
type Step struct {
	Network    string // "N1" to "N8"
	Experiment string // one of Experiments
	AtMost     time.Duration
	Repeat     int // at least 1
	Fresh      Freshness
	Settled    bool // observe: end when nothing new happens for Window

	Cases    []string      // tls: event.Case*
	Attempts int           // tls
	Pairs    int           // dnssec, dns
	Names    int           // dnssec, dns
	Arms     []string      // dnssec, dns: event.Arm*
	Window   time.Duration // observe, dnssec, dns
	Ports    string        // probe: "common" or "all"
	Line     int           // in its file, from 1
}

// Freshness is how often a device starts afresh in a step.
type Freshness string

// The freshnesses.
const (
	FreshNever Freshness = "never"
	FreshStep  Freshness = "step"
	FreshRound Freshness = "round"
)

// The experiments.
const (
	Observe = "observe" // only watched
	DNSSEC  = "dnssec"  // minimal pairs of answers
	DNS     = "dns"     // faults of the DNS beyond DNSSEC
	TLS     = "tls"     // flawed certificates and versions
	Probe   = "probe"   // questions to the device itself
	Lookup  = "lookup"  // questions about the names it used

	Renumber = "renumber" // other address plans, one after the other
	Manners  = "manners"  // Packet Too Big, and an advertisement that must be ignored
	Private  = "private"  // encrypted DNS is offered
	Clock    = "clock"    // the time moves past the end of genuine certificates
	Update   = "update"   // an update in clear is changed on its way
)

// Experiments lists what a step may do.
func Experiments() []string {
	return []string{Observe, DNSSEC, DNS, TLS, Probe, Lookup, Renumber, Manners, Private, Clock, Update}
}

// Networks lists where a step may be done.
func Networks() []string { return []string{"N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8"} }

// cases are the flaws that a plan may name.
func cases() []string {
	return []string{
		event.CaseSelfSigned, event.CaseUnknownCA, event.CaseReplacedKey, event.CaseWrongName, event.CaseLeafAsCA,
		event.CaseTLS10, event.CaseTLS11, event.CaseSwallowed,
	}
}

// arms are the faults that a plan may name, by experiment.
func arms(experiment string) []string {
	if experiment == DNSSEC {
		return []string{event.ArmFlipped, event.ArmDSDenial, event.ArmStripped, event.ArmWrongKey, event.ArmExpired}
	}
	return []string{
		event.ArmNXDomain, event.ArmServfail, event.ArmTruncate, event.ArmLarge, event.ArmChain, event.ArmDrop, event.ArmStray,
	}
}

// unrolled is the plan's steps, each as often as it is repeated.
func (p Plan) unrolled() []Step {
	var out []Step
	for _, s := range p.Steps {
		out = append(out, slices.Repeat([]Step{s}, max(1, s.Repeat))...)
	}
	return out
}

// Count is how many steps are done, each as often as it is repeated.
func (p Plan) Count() int { return len(p.unrolled()) }

// Longest is how long the plan takes when each step takes all its time.
func (p Plan) Longest() (sum time.Duration) {
	for _, s := range p.unrolled() {
		sum += s.AtMost
	}
	return sum
}
