package plan

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"assay/internal/assess/event"
)

// What a step has where its file says nothing.
const (
	usualAttempts = 10 // in a row: a device may accept each fourth time
	usualPairs    = 3
	usualNames    = 2
	usualWindow   = 10 * time.Second

	attemptLimit = 50
	pairLimit    = 20
	nameLimit    = 16
)

// reads are the fields that an experiment reads beside those of every step.
func reads(experiment string) []string {
	switch experiment {
	case Observe:
		return []string{"stop", "window"}
	case Renumber, Private, Clock, Update:
		return []string{"window"}
	case TLS:
		return []string{"cases", "attempts"}
	case DNSSEC, DNS:
		return []string{"pairs", "names", "arms", "window"}
	case Probe:
		return []string{"ports"}
	}
	return nil
}

func (d *reader) step(n *yaml.Node) Step {
	s := Step{Repeat: 1, Fresh: FreshNever, Line: n.Line}
	told := map[string]*yaml.Node{}
	keep := func(key string) func(*yaml.Node) { return func(v *yaml.Node) { told[key] = v } }
	keys := map[string]func(*yaml.Node){
		"network":    func(n *yaml.Node) { s.Network = d.choice(n, Networks()) },
		"experiment": func(n *yaml.Node) { s.Experiment = d.choice(n, Experiments()) },
		"at_most":    func(n *yaml.Node) { s.AtMost = d.duration(n) },
		"repeat":     func(n *yaml.Node) { s.Repeat = d.count(n, repeatLimit) },
		"fresh":      func(n *yaml.Node) { s.Fresh = Freshness(d.choice(n, []string{"never", "step", "round"})) },
	}
	for _, k := range []string{"stop", "cases", "attempts", "pairs", "names", "arms", "window", "ports"} {
		keys[k] = keep(k)
	}
	d.mapping(n, keys)
	if s.Network == "" || s.Experiment == "" || s.AtMost == 0 {
		d.say(n, "a step needs network, experiment and at_most")
	}
	d.options(&s, told)
	return s
}

// options reads what belongs to the step's experiment and refuses what does not.
func (d *reader) options(s *Step, told map[string]*yaml.Node) {
	known := reads(s.Experiment)
	for key, n := range told {
		if !slices.Contains(known, key) {
			d.say(n, "%s does not belong to the experiment %s", key, s.Experiment)
			delete(told, key)
		}
	}
	s.usual()
	for key, read := range map[string]func(*yaml.Node){
		"stop":     func(n *yaml.Node) { s.Settled = d.choice(n, []string{"settled"}) != "" },
		"cases":    func(n *yaml.Node) { s.Cases = d.choices(n, cases()) },
		"attempts": func(n *yaml.Node) { s.Attempts = d.count(n, attemptLimit) },
		"pairs":    func(n *yaml.Node) { s.Pairs = d.count(n, pairLimit) },
		"names":    func(n *yaml.Node) { s.Names = d.count(n, nameLimit) },
		"arms":     func(n *yaml.Node) { s.Arms = d.choices(n, arms(s.Experiment)) },
		"window":   func(n *yaml.Node) { s.Window = d.duration(n) },
		"ports":    func(n *yaml.Node) { s.Ports = d.choice(n, []string{"common", "all"}) },
	} {
		if n := told[key]; n != nil {
			read(n)
		}
	}
}

// usual fills in what an experiment has where its file says nothing.
func (s *Step) usual() {
	switch s.Experiment {
	case Observe, Renumber, Private, Clock, Update:
		s.Window = usualWindow
	case TLS:
		s.Attempts = usualAttempts
		s.Cases = cases()
	case DNSSEC, DNS:
		s.Pairs, s.Names, s.Window = usualPairs, usualNames, usualWindow
		s.Arms = arms(s.Experiment)
		if s.Experiment == DNSSEC {
			s.Arms = []string{event.ArmFlipped, event.ArmDSDenial, event.ArmStripped}
		}
	case Probe:
		s.Ports = "common"
	}
}

// Words is the step as people read it.
func (s Step) Words() string {
	return fmt.Sprintf("%s on %s", told[s.Experiment], networkWords[s.Network])
}

var told = map[string]string{
	Observe: "Watch the device",
	DNSSEC:  "Give it DNS answers with damaged signatures",
	DNS:     "Give it faulty DNS answers",
	TLS:     "Show it flawed certificates",
	Probe:   "Ask the device itself",
	Lookup:  "Look up the names it used",

	Renumber: "Give it other addresses",
	Manners:  "Try its IPv6 manners",
	Private:  "Offer it encrypted DNS",
	Clock:    "Move the time forward",
	Update:   "Change an update on its way",
}

var networkWords = map[string]string{
	"N1": "a network with IPv4 only", "N2": "a network with IPv4 and IPv6", "N3": "a network with IPv6 only",
	"N4": "a network with IPv6 only and DHCPv6 for settings", "N5": "a network with IPv6 only and DHCPv6 for addresses",
	"N6": "an IPv6-mostly network", "N7": "a network with broken IPv6", "N8": "a network with IPv6 only and no way to IPv4",
}
