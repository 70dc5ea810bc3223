// Package health looks at the machine that the box runs on and says, check by
// check, whether it can do its work and what to do where it cannot. It owns the
// questions and the advice; it changes nothing on the machine, and it must not
// know what a device or a report is.
package health

import (
	"context"
	"time"
)

// State is how a check came out. The zero value says that it could not be made.
type State uint8

// The states, from the one that says least to the worst.
const (
	Unknown State = iota
	Good
	Remark // works, but something will be missing from reports
	Bad    // the box cannot do its work
)

// String is the state in one word.
func (s State) String() string {
	return [...]string{"unknown", "good", "remark", "bad"}[min(int(s), 3)]
}

// Result is the outcome of one check.
type Result struct {
	ID    string `json:"id"`    // "ports", "kernel", "uplink", "clock", "dns", "space"
	Title string `json:"title"` // what was looked at
	State State  `json:"-"`
	Word  string `json:"state"`
	Says  string `json:"says"`            // what was found
	Do    string `json:"do_so,omitempty"` // what to do; "" when nothing
}

// Check is one question to the machine.
type Check struct {
	ID, Title string
	// Look answers within the context's deadline.
	Look func(ctx context.Context) Finding
}

// Finding is what a check found.
type Finding struct {
	State    State
	Says, Do string
}

// checkLimit bounds how long one check may take.
const checkLimit = 10 * time.Second

// Examine makes all checks one after the other and never stops early.
func Examine(ctx context.Context, checks []Check) []Result {
	out := make([]Result, 0, len(checks))
	for _, c := range checks {
		one, cancel := context.WithTimeout(ctx, checkLimit)
		f := c.Look(one)
		cancel()
		out = append(out, Result{ID: c.ID, Title: c.Title, State: f.State, Word: f.State.String(), Says: f.Says, Do: f.Do})
	}
	return out
}

// Worst is the worst state of the results; Good when there are none.
func Worst(results []Result) State {
	worst := Good
	for _, r := range results {
		if r.State > worst || r.State == Unknown && worst == Good {
			worst = max(r.State, Remark)
		}
	}
	return worst
}
