//go:build linux

package fault_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/assess/event"
	"assay/internal/gateway/resolver"
	"assay/internal/gateway/resolver/fault"
)

func signedName(name string) fault.Candidate {
	return fault.Candidate{Name: name, Asked: 1, Status: resolver.Secure, HasAddress: true, DO: true}
}

func TestPlanTellsWhatItLeavesOut(t *testing.T) {
	unsigned := fault.Candidate{Name: "plug.example.", Status: resolver.Insecure, HasAddress: true, DO: true, Cut: "plug.example."}
	deaf := fault.Candidate{Name: "toy.example.", Status: resolver.Secure, HasAddress: true}
	bogus := fault.Candidate{Name: "bad.example.", Status: resolver.Bogus, HasAddress: true, DO: true}
	nothing := fault.Candidate{Name: "empty.example.", Status: resolver.Secure, DO: true}
	led := signedName("edge.example.")
	cam := signedName("cam.example.")
	cam.Aliases = []string{"edge.example."}
	rounds, skipped := fault.PlanFor(fault.Wish{
		Experiment: "dnssec", Arms: []string{event.ArmStripped, event.ArmFlipped, event.ArmDSDenial, event.ArmChain}, Pairs: 2, Names: 2, Seed: 7, After: 10,
	}, []fault.Candidate{deaf, cam, bogus, unsigned, nothing, led})
	names := byArm(t, rounds)
	if d := cmp.Diff(map[string][]string{
		event.ArmFlipped:  {"cam.example.", "cam.example."},
		event.ArmStripped: {"cam.example.", "cam.example.", "cam.example.", "cam.example."}, // and on the whole path
		event.ArmDSDenial: {"plug.example.", "plug.example."},
		event.ArmChain:    {"plug.example.", "plug.example.", "toy.example.", "toy.example."},
		event.ArmControl:  {"cam.example.", "cam.example.", "cam.example.", "cam.example.", "plug.example.", "plug.example.", "toy.example.", "toy.example."},
	}, names); d != "" {
		t.Error(d)
	}
	said := ""
	for _, s := range skipped {
		said += s.Arm + " " + s.Name + " " + s.Why + "\n"
	}
	for _, want := range []string{
		"flipped toy.example. the device does not ask for signatures", "flipped bad.example. the genuine answer does not hold",
		"flipped plug.example. the name is not signed", "dsdenial cam.example. the name is signed", "chain cam.example. the name is signed",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %q\n%s", want, said)
		}
	}
}

// byArm is the names of each arm; late arms come last, and pairs count from 11.
func byArm(t *testing.T, rounds []fault.Round) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	late := false
	for _, r := range rounds {
		if r.Pair < 11 || r.Experiment != "dnssec" || late && !r.Late {
			t.Errorf("%+v", r)
		}
		late = late || r.Late
		names[r.Arm] = append(names[r.Arm], r.Name)
		slices.Sort(names[r.Arm])
	}
	return names
}

// TestPlanIsBalanced: whatever the names, each attack stands in a pair with exactly
// one control of the same name beside it, and the seed gives the order again.
func TestPlanIsBalanced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var names []fault.Candidate
		for i := range rapid.IntRange(0, 6).Draw(t, "names") {
			names = append(names, fault.Candidate{
				Name: string(rune('a'+i)) + ".example.", HasAddress: rapid.Bool().Draw(t, "address"), DO: rapid.Bool().Draw(t, "do"),
				Status: rapid.SampledFrom([]resolver.Status{resolver.Secure, resolver.Insecure, resolver.Bogus, resolver.Failed}).Draw(t, "status"),
				Cut:    rapid.SampledFrom([]string{"", "example."}).Draw(t, "cut"),
			})
		}
		w := fault.Wish{
			Arms:  rapid.SliceOfDistinct(rapid.SampledFrom(fault.Arms()), rapid.ID[string]).Draw(t, "arms"),
			Pairs: rapid.IntRange(1, 4).Draw(t, "pairs"), Names: rapid.IntRange(1, 3).Draw(t, "many"), Seed: rapid.Uint64().Draw(t, "seed"),
		}
		rounds, skipped := fault.PlanFor(w, names)
		again, _ := fault.PlanFor(w, names)
		if cmp.Diff(rounds, again) != "" {
			t.Fatal("the same seed gives another order")
		}
		balanced(t, rounds)
		for _, arm := range w.Arms {
			tried := slices.ContainsFunc(rounds, func(r fault.Round) bool { return r.Arm == arm })
			told := slices.ContainsFunc(skipped, func(s fault.Skip) bool { return s.Arm == arm })
			if !tried && !told {
				t.Fatalf("nothing is said of the arm %s", arm)
			}
		}
	})
}

func balanced(t *rapid.T, rounds []fault.Round) {
	controls, attacks := map[int]string{}, map[int]int{}
	for i, r := range rounds {
		if i > 0 && rounds[i-1].Pair != r.Pair && attacks[r.Pair] > 0 {
			t.Fatalf("pair %d does not stand together", r.Pair)
		}
		if r.Arm == event.ArmControl {
			controls[r.Pair] = r.Name
		} else {
			attacks[r.Pair]++
		}
	}
	for _, r := range rounds {
		if controls[r.Pair] != r.Name || attacks[r.Pair] == 0 {
			t.Fatalf("%+v has no control, or nothing to control", r)
		}
	}
}
