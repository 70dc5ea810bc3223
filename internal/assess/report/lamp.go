package report

import "slices"

// headlines are the four results that a buyer sees first.
var headlines = []struct {
	name     string
	families []string
}{
	{"DNSSEC", []string{"DS"}},
	{"TLS", []string{"TC", "TS"}},
	{"IPv6", []string{"V6"}},
	{"Credentials", []string{"CR"}},
}

// lamps sums the families up to the four headline results. Where a lamp stands
// for two families the worse one shows.
func lamps(families []Family) []Lamp {
	out := make([]Lamp, 0, len(headlines))
	for _, h := range headlines {
		worst := "-"
		for _, f := range families {
			if slices.Contains(h.families, f.Code) && gradeRank(f.Grade) > gradeRank(worst) {
				worst = f.Grade
			}
		}
		out = append(out, Lamp{
			Name: h.name, Grade: worst, State: LampState(gradeTone(worst)), Word: GradeWord(worst),
			Families: slices.Clone(h.families),
		})
	}
	return out
}

// gradeRank orders grades from nothing to judge to the worst: a proven fault
// beats an open question, and an open question beats any good grade.
func gradeRank(grade string) int {
	return slices.Index([]string{"-", "A", "B", "C", "?", "D", "F"}, grade)
}
