package twins

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/rules"
)

func book(t *testing.T) assess.Book {
	t.Helper()
	b, err := assess.LoadBook(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// entries reads a log with the bytes of its frames kept.
func entries(t *testing.T, log []byte) []evidence.Entry {
	t.Helper()
	rd, err := evidence.NewReader(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	var out []evidence.Entry
	for {
		e, err := rd.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		e.Packet.Data = slices.Clone(e.Packet.Data)
		out = append(out, e)
	}
}

// judge grades a log of the device and gives its findings by check.
func judge(t *testing.T, b assess.Book, tr traits, list []evidence.Entry) map[string]report.Finding {
	t.Helper()
	about := assess.About{Plan: "capture", Canaries: []string{canary}}
	if !tr.unstated {
		about.Statements = map[string]string{"setup-captured": "yes"}
	}
	a := assess.New(b, about)
	for _, e := range list {
		a.Add(e)
	}
	a.Close()
	h, ok := assess.Find(a.Hosts(), "00:00:5e:00:53:40")
	if !ok {
		t.Fatal("the device was not found")
	}
	out := map[string]report.Finding{}
	for _, f := range a.ReportOn(h.ID, "named", assess.AsOf{}).Findings {
		out[f.Check] = f
	}
	return out
}

// thin loses one frame in eight and says so.
func thin(list []evidence.Entry) []evidence.Entry {
	var out []evidence.Entry
	for i, e := range list {
		if i%8 != 5 {
			out = append(out, e)
		}
	}
	last := list[len(list)-1]
	return append(out, evidence.Entry{Num: last.Num, At: last.At, Kind: evidence.KindLost, Lost: evidence.Loss{Dropped: uint64(len(list) - len(out))}})
}

// checker compares verdicts with the truth and counts them.
type checker struct {
	t     *testing.T
	table *table
}

// expect counts the verdict of one check; forbidden are those that would be lies.
func (c checker) expect(truth, check string, got map[string]report.Finding, forbidden ...string) {
	c.t.Helper()
	f := got[check]
	c.table.add(truth, f.Verdict)
	switch {
	case f.Verdict == "":
		c.t.Errorf("%s has no verdict", check)
	case slices.Contains(forbidden, f.Verdict):
		c.t.Errorf("%s is %s, and the device is %s: %s", check, f.Verdict, truth, f.Why)
	}
}

func TestTwins(t *testing.T) {
	b, counted := book(t), newTable()
	right := entries(t, record(t, traits{}))
	absence := map[string]bool{}
	for _, r := range b.Rules.Rules() {
		absence[r.ID] = r.RestsOnAbsence()
	}
	t.Run("the right one", func(t *testing.T) {
		c, got, worse := checker{t, counted}, judge(t, b, traits{}, right), judge(t, b, traits{}, thin(right))
		for _, check := range sound {
			c.expect("right", check, got, "FAIL", "PARTIAL", "INCONCLUSIVE", "NOT TESTED", "NOT APPLICABLE")
			lies := []string{"FAIL"}
			if absence[check] {
				lies = append(lies, "PASS")
			}
			c.expect("right, frames lost", check, worse, lies...)
		}
	})
	for _, w := range twins {
		t.Run(w.name, func(t *testing.T) { w.judge(checker{t, counted}, b) })
	}
	for _, w := range blind {
		t.Run(w.name, func(t *testing.T) {
			c, got := checker{t, counted}, judge(t, b, w.traits, entries(t, record(t, w.traits)))
			for _, check := range w.checks {
				c.expect("not shown", check, got, "PASS", "FAIL")
			}
		})
	}
	checkReadme(t, counted.String())
}

// judge holds one wrong twin against the truth and against its sibling.
func (w twin) judge(c checker, b assess.Book) {
	c.t.Helper()
	log := entries(c.t, record(c.t, w.traits))
	got, worse := judge(c.t, b, w.traits, log), judge(c.t, b, w.traits, thin(log))
	for _, check := range w.wrong {
		c.expect("wrong", check, got, "PASS")
		c.expect("wrong, frames lost", check, worse, "PASS")
		if v := got[check].Verdict; v != "FAIL" && !slices.Contains(w.open(), check) {
			c.t.Errorf("%s is %s, want FAIL: %s", check, v, got[check].Why)
		}
	}
	for _, check := range w.right {
		c.expect("right", check, got, "FAIL")
	}
	w.checkIsolation(c.t, judge(c.t, b, w.from, entries(c.t, record(c.t, w.from))), got)
}

// open are wrong checks for which less than a FAIL is the truth by the catalogue.
func (w twin) open() []string {
	var out []string
	for check := range w.follows {
		if slices.Contains(w.wrong, check) {
			out = append(out, check)
		}
	}
	return out
}

// checkIsolation: a trait changes the verdict of its own check, and of those alone that
// are written down as following it.
func (w twin) checkIsolation(t *testing.T, was, is map[string]report.Finding) {
	t.Helper()
	for check, f := range is {
		if slices.Contains(w.wrong, check) {
			continue
		}
		changed, known := f.Verdict != was[check].Verdict, w.follows[check] != ""
		if changed != known {
			t.Errorf("%s went from %s to %s, written down as following: %v. %s", check, was[check].Verdict, f.Verdict, known, f.Why)
		}
	}
}

// table counts verdicts by truth.
type table struct {
	cells map[string]int
	total int
}

func newTable() *table { return &table{cells: map[string]int{}} }

func (m *table) add(truth, verdict string) {
	m.cells[truth+"/"+verdict]++
	m.total++
}

// String is the table as the README has it.
func (m *table) String() string {
	verdicts := []string{"PASS", "PARTIAL", "FAIL", "INCONCLUSIVE", "NOT TESTED", "NOT APPLICABLE"}
	var out bytes.Buffer
	out.WriteString("| the device is |")
	for _, v := range verdicts {
		fmt.Fprintf(&out, " %s |", v)
	}
	out.WriteString("\n|---|---|---|---|---|---|---|\n")
	for _, truth := range []string{"right", "right, frames lost", "wrong", "wrong, frames lost", "not shown"} {
		fmt.Fprintf(&out, "| %s |", truth)
		for _, v := range verdicts {
			fmt.Fprintf(&out, " %d |", m.cells[truth+"/"+v])
		}
		out.WriteString("\n")
	}
	fmt.Fprintf(&out, "\n%d verdicts of known truth\n", m.total)
	return out.String()
}
