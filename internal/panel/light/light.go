// Package light turns what goes on into the lamps of a box: which colour in which
// rhythm, as a pure function of time. It owns the patterns and the loop that plays them
// on a board.
//
// Colours are never the only sign: with the colours taken away the rhythms still tell
// every state from every other. It must not know how a lamp is wired (package board),
// nor decide anything: each lamp repeats what a report says.
package light

import (
	"time"

	"assay/internal/assess/report"
	"assay/internal/panel"
)

// Colour is what a bicolour lamp shows; amber is both colours at once.
type Colour uint8

// The colours.
const (
	Dark Colour = iota
	Green
	Red
	Amber
)

// Lamps is how many there are; the last is that of the run.
const (
	Lamps   = 5
	RunLamp = 4
)

// slot is the step of every rhythm.
const slot = 100 * time.Millisecond

// Pattern is a colour in a rhythm. Patterns are compared by their name.
type Pattern struct {
	name, words string
	colour      Colour
	rhythm      string // one character for each slot: # is lit
}

// Name is stable, for style sheets and programs: "lit-good".
func (p Pattern) Name() string { return "lit-" + p.name }

// Words say what it looks like and means.
func (p Pattern) Words() string { return p.words }

// At is what the lamp shows at a time since the pattern began.
func (p Pattern) At(t time.Duration) Colour {
	n := len(p.rhythm)
	if n == 0 || p.rhythm[int(max(0, t)/slot)%n] != '#' {
		return Dark
	}
	return p.colour
}

// The patterns of the four headline lamps.
var (
	good     = Pattern{"good", "steady green: good", Green, "#"}
	remarks  = Pattern{"remarks", "green, winking: good with remarks", Green, "###########################..."}
	bad      = Pattern{"bad", "slow red: not good enough", Red, "########........"}
	critical = Pattern{"critical", "double red: bad", Red, "##..##........"}
	unknown  = Pattern{"unknown", "a short amber flash: not proven", Amber, "##.................."}
	off      = Pattern{"off", "dark: nothing to judge", Dark, "."}
	examined = Pattern{"examined", "even amber: being tested", Amber, "#####....."}
)

// The patterns of the run lamp.
var (
	waiting = Pattern{"waiting", "a short green flash: waiting for a device", Green, "#..................."}
	working = Pattern{"working", "even green: at work", Green, "#####....."}
	asking  = Pattern{"asking", "triple flash: somebody has to do something", Green, "#.#.#........."}
	trouble = Pattern{"trouble", "fast: the record has a problem", Green, "#."}
	done    = Pattern{"done", "steady green: finished", Green, "#"}
)

// byState are the patterns of what a report says.
var byState = map[report.LampState]Pattern{
	report.LampGood: good, report.LampRemarks: remarks, report.LampBad: bad, report.LampCritical: critical,
	report.LampUnknown: unknown, report.LampOff: off,
}

// names are those of the lamps, in their order on the board.
var names = [Lamps]string{"DNSSEC", "TLS", "IPv6", "Credentials", "Run"}

// Of is how every lamp is lit: by the run that goes on, else by the last one.
func Of(live panel.Live) (out [Lamps]Pattern) {
	for i := range out {
		out[i] = off
	}
	if len(live.Runs) == 0 {
		out[RunLamp] = waiting
		return out
	}
	r := live.Runs[0]
	out[RunLamp] = ofRun(r)
	for i := range RunLamp {
		out[i] = ofLamp(r, names[i])
	}
	return out
}

func ofRun(r panel.Run) Pattern {
	switch {
	case r.Trouble != "":
		return trouble
	case r.Step.Ask != "":
		return asking
	case r.Ended():
		return done
	case r.State == "" || r.State == "waiting":
		return waiting
	}
	return working
}

// ofLamp is one of the four. What has no answer is being tested while the run goes on,
// and not proven after it.
func ofLamp(r panel.Run, name string) Pattern {
	state := report.LampUnknown
	for _, l := range r.Report.Lamps {
		if r.Graded && l.Name == name {
			state = l.State
		}
	}
	p, known := byState[state]
	switch {
	case !known:
		return unknown
	case !r.Ended() && (state == report.LampUnknown || state == report.LampOff):
		return examined
	}
	return p
}

// Lit is the same in the words of the panel.
func Lit(live panel.Live) (out []panel.Lit) {
	for i, p := range Of(live) {
		out = append(out, panel.Lit{Name: names[i], Pattern: p.Name(), Words: p.Words()})
	}
	return out
}
