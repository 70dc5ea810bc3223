package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"assay/internal/assess/rule"
)

// Input is everything that a report is made of. Strings that came off the wire
// have passed event.Clean.
type Input struct {
	Device           Device
	Run              Run // without its ID, which Build derives
	Graded           Graded
	Findings         []rule.Finding
	Destinations     []Destination
	DestinationsMore int
	Evidence         EvidenceFile // without its Note, which Build writes
	// TruncatedWhy says in words why the file could not be read to its end.
	TruncatedWhy string
	Lost         uint64 // frames that the capture itself reported lost
	Hosts        []Host
}

// Graded is what the grading said.
type Graded struct {
	Overall  Overall
	Families []Family
	Ladders  Ladders
	// Levels says how much a check counts in the profile, by its id.
	Levels map[string]string
	// Unjudged are checks of the profile for which there was no rule.
	Unjudged []NotTested
}

// Build makes the report. It sorts nothing by chance and asks no clock: the same
// input gives the same report.
func Build(in Input) Report {
	r := Report{
		Schema:           Schema,
		Disclaimer:       Disclaimer,
		Device:           in.Device,
		Run:              in.Run,
		Overall:          in.Graded.Overall,
		Lamps:            lamps(in.Graded.Families),
		Families:         list(in.Graded.Families),
		Ladders:          in.Graded.Ladders,
		Findings:         findings(in),
		Destinations:     list(in.Destinations),
		DestinationsMore: in.DestinationsMore,
		Lost:             in.Lost,
		Evidence:         in.Evidence,
		Hosts:            list(in.Hosts),
		Packets:          opener{salt(in.Evidence)}.packets(in.Findings),
	}
	r.NotTested = append(unanswered(r.Findings), in.Graded.Unjudged...)
	r.Device.Addresses = list(r.Device.Addresses)
	r.Run.Statements = list(r.Run.Statements)
	r.Run.ID = runID(in)
	r.Evidence.Truncated = in.TruncatedWhy != ""
	r.Evidence.Note = note(in)
	for i := range r.Hosts {
		r.Hosts[i].Addresses = list(r.Hosts[i].Addresses)
		r.Hosts[i].Names = list(r.Hosts[i].Names)
	}
	return r
}

// list copies a list; an empty one becomes [] rather than null in JSON.
func list[T any](in []T) []T { return append([]T{}, in...) }

// runID names a grading: the first 16 hexadecimal digits of SHA-256 over all that
// it depends on.
func runID(in Input) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q", in.Evidence.SHA256, in.Device.MAC, in.Device.Addresses,
		in.Run.RulesDigest, in.Run.Profile, in.Run.Statements))
	return hex.EncodeToString(h[:8])
}

func findings(in Input) []Finding {
	out := make([]Finding, 0, len(in.Findings))
	for _, f := range in.Findings {
		out = append(out, Finding{
			Check: f.Check, Family: f.Family, Title: f.Title, Fault: f.Fault, Level: in.Graded.Levels[f.Check],
			Verdict: f.Verdict.String(), Severity: f.Severity, Mode: f.Mode, Why: f.Why, N: f.N,
			Ask: f.Ask, Advice: f.Advice, Needs: f.Needs, Limits: f.Limits,
			Evidence: cited(f.Because), EvidenceSeen: f.Seen, References: list(f.References),
		})
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return strings.Compare(a.Check, b.Check) })
	return out
}

// unanswered lists the checks that reached no verdict.
func unanswered(all []Finding) []NotTested {
	out := []NotTested{}
	for _, f := range all {
		switch f.Verdict {
		case rule.NotTested.String(), rule.Inconclusive.String(), rule.Unassessed.String():
			out = append(out, NotTested{f.Check, f.Title, f.Level, f.Verdict, f.Why, f.Needs})
		}
	}
	return out
}

// note says in words what is missing from the evidence; "" when nothing is known
// to be.
func note(in Input) string {
	var said []string
	say := func(n uint64, one, many string) {
		switch {
		case n == 1:
			said = append(said, "1 "+one)
		case n > 1:
			said = append(said, fmt.Sprintf("%d %s", n, many))
		}
	}
	e := in.Evidence
	if in.TruncatedWhy != "" {
		said = append(said, fmt.Sprintf("The file could not be read to its end (%s): everything here rests on the %d frames before that.",
			in.TruncatedWhy, e.Frames))
	}
	say(in.Lost, "frame was lost by the capture itself.", "frames were lost by the capture itself.")
	say(e.Cut, "frame was recorded only in part.", "frames were recorded only in part (snap length).")
	say(e.Unread, "frame is of a kind that is not read.", "frames are of kinds that are not read.")
	say(e.Crowded, "unfinished record was dropped to bound memory.", "unfinished records were dropped to bound memory.")
	return strings.Join(said, " ")
}
