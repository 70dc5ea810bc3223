package cases

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"assay/internal/assess"
	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
)

// A damage makes evidence worse. noted says that the log tells of it.
type damage struct {
	name  string
	noted bool
	apply func([]evidence.Entry) []evidence.Entry
}

func damages() []damage {
	list := []damage{
		{"loss noted at the end", true, func(e []evidence.Entry) []evidence.Entry { return append(slices.Clone(e), lost(e, 1)) }},
		{"loss noted at the start", true, func(e []evidence.Entry) []evidence.Entry { return append([]evidence.Entry{lost(e, 7)}, e...) }},
		{"without the last third", false, func(e []evidence.Entry) []evidence.Entry { return e[:len(e)*2/3] }},
	}
	for _, n := range []int{60, 96, 128, 300} {
		list = append(list, damage{fmt.Sprintf("cut to %d bytes", n), true, func(e []evidence.Entry) []evidence.Entry { return cut(e, n) }})
	}
	for seed := range int64(12) {
		list = append(list, damage{fmt.Sprintf("one frame in ten lost and noted, seed %d", seed), true,
			func(e []evidence.Entry) []evidence.Entry { return thin(e, seed) }})
	}
	return list
}

func lost(e []evidence.Entry, n uint64) evidence.Entry {
	return evidence.Entry{Num: e[len(e)-1].Num, At: e[0].At, Kind: evidence.KindLost, Lost: evidence.Loss{Dropped: n}}
}

// cut keeps the first n bytes of each frame, as a snap length does.
func cut(list []evidence.Entry, n int) []evidence.Entry {
	out := slices.Clone(list)
	for i := range out {
		out[i].Packet.Data = out[i].Packet.Data[:min(n, len(out[i].Packet.Data))]
	}
	return out
}

// thin loses one frame in ten and says so.
func thin(list []evidence.Entry, seed int64) []evidence.Entry {
	random := rand.New(rand.NewSource(seed))
	var out []evidence.Entry
	gone := uint64(0)
	for _, e := range list {
		if random.Intn(10) == 0 {
			gone++
			continue
		}
		out = append(out, e)
	}
	return append(out, lost(list, gone))
}

// holds says that a shortened log still holds all the frames that a finding cites:
// a fault that happened after its end cannot be asked of it.
func holds(list []evidence.Entry, cited []event.Ref) bool {
	return len(cited) > 0 && slices.Max(cited) <= list[len(list)-1].Num
}

// better is how good a verdict is for the supplier; an open question is no merit.
func better(v string) int {
	return map[string]int{"PASS": 3, "NOT APPLICABLE": 3, "PARTIAL": 2, "FAIL": 0}[v] + map[string]int{"INCONCLUSIVE": 1, "NOT TESTED": 1}[v]
}

// TestDamageNeverHelps: no fault becomes a merit, nothing that is open is settled
// in the device's favour, and no PASS from absence survives a loss that was noted.
func TestDamageNeverHelps(t *testing.T) {
	b := book(t)
	absence := map[string]bool{}
	for _, r := range b.Rules.Rules() {
		absence[r.ID] = r.RestsOnAbsence()
	}
	for _, c := range all(t) {
		before := map[string]report.Finding{}
		for _, f := range judge(t, b, c.want.Device, c.entries).Findings {
			before[f.Check] = f
		}
		for _, d := range damages() {
			t.Run(c.name+"/"+d.name, func(t *testing.T) {
				worse := d.apply(c.entries)
				for _, f := range judge(t, b, c.want.Device, worse).Findings {
					checkDamage(t, d, worse, absence[f.Check], before[f.Check], f)
				}
			})
		}
	}
}

func checkDamage(t *testing.T, d damage, worse []evidence.Entry, absence bool, was, is report.Finding) {
	t.Helper()
	if rises(was, is) && (d.noted || holds(worse, was.Evidence)) {
		t.Errorf("%s rose from %s to %s: %s", is.Check, was.Verdict, is.Verdict, is.Why)
	}
	if d.noted && absence && is.Verdict == "PASS" {
		t.Errorf("%s is PASS over a noted loss: %s", is.Check, is.Why)
	}
}

// rises says that a verdict became better and is a merit now.
func rises(was, is report.Finding) bool {
	return better(is.Verdict) > 1 && better(is.Verdict) > better(was.Verdict)
}

// TestBrokenOffFileProvesNoAbsence: how much is missing behind the break is not known.
func TestBrokenOffFileProvesNoAbsence(t *testing.T) {
	b := book(t)
	for _, c := range all(t) {
		a := assess.New(b, assess.About{Plan: "capture"})
		for _, e := range c.entries {
			a.Add(e)
		}
		a.Close()
		got := map[string]string{}
		for _, f := range a.Report(assess.AsOf{Truncated: "the file ends in the middle of a frame"}).Findings {
			got[f.Check] = f.Verdict
		}
		for _, r := range b.Rules.Rules() {
			if r.RestsOnAbsence() && got[r.ID] == "PASS" {
				t.Errorf("%s: %s is PASS although the file breaks off", c.name, r.ID)
			}
		}
	}
}
