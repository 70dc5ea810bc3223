package grade

import (
	"strings"
	"testing"

	"assay/internal/assess/fact"
	"assay/internal/assess/rule"
)

// small is a profile of a few checks; TC is the only knock-out.
func small(byLadder bool) Profile {
	return NewProfile("small", "Small", "For tests.", []string{"TC"}, byLadder, map[string]Level{
		"DS-01": Required, "DS-02": Recommended, "DS-06": Required, "DS-08": Required,
		"TC-01": Required, "TC-07": Required, "TC-09": Recommended, "TC-15": Optional,
		"V6-01": Required, "V6-02": Required,
		"DN-03": Optional,
	})
}

// found makes findings from words such as "TC-01=FAIL!": "!" is critical.
func found(words ...string) []rule.Finding {
	var out []rule.Finding
	for _, w := range words {
		check, verdict, _ := strings.Cut(w, "=")
		severity := "high"
		if strings.HasSuffix(verdict, "!") {
			verdict, severity = strings.TrimSuffix(verdict, "!"), "critical"
		}
		v, ok := rule.ParseVerdict(verdict)
		if !ok && verdict != "UNASSESSED" {
			panic("unknown verdict " + verdict)
		}
		out = append(out, rule.Finding{Check: check, Family: check[:2], Verdict: v, Severity: severity})
	}
	return out
}

func familyIn(t testing.TB, r Result, code string) Family {
	t.Helper()
	for _, f := range r.Families {
		if f.Code == code {
			return f
		}
	}
	t.Fatalf("no family %s", code)
	return Family{}
}

func TestFamilyLetters(t *testing.T) {
	for name, tc := range map[string]struct {
		found   []rule.Finding
		want    Letter
		percent int
		cover   string
	}{
		"all pass":                         {found("TC-01=PASS", "TC-07=PASS", "TC-09=PASS"), A, 100, "2 of 2"},
		"recommended fails":                {found("TC-01=PASS", "TC-07=PASS", "TC-09=FAIL"), B, 100, "2 of 2"},
		"recommended open":                 {found("TC-01=PASS", "TC-07=PASS"), B, 100, "2 of 2"},
		"recommended does not apply":       {found("TC-01=PASS", "TC-07=PASS", "TC-09=NOT APPLICABLE"), A, 100, "2 of 2"},
		"optional fails":                   {found("TC-01=PASS", "TC-07=PASS", "TC-09=PASS", "TC-15=FAIL"), A, 100, "2 of 2"},
		"optional fails critically":        {found("TC-01=PASS", "TC-07=PASS", "TC-09=PASS", "TC-15=FAIL!"), F, 100, "2 of 2"},
		"partial":                          {found("TC-01=PASS", "TC-07=PARTIAL", "TC-09=PASS"), C, 75, "2 of 2"},
		"fail":                             {found("TC-01=PASS", "TC-07=FAIL"), D, 50, "2 of 2"},
		"critical fail":                    {found("TC-01=FAIL!", "TC-07=PASS"), F, 50, "2 of 2"},
		"fail beats open":                  {found("TC-01=INCONCLUSIVE", "TC-07=FAIL"), D, 0, "1 of 2"},
		"open beats partial":               {found("TC-01=INCONCLUSIVE", "TC-07=PARTIAL"), Open, 50, "1 of 2"},
		"not tested":                       {found("TC-01=PASS", "TC-07=NOT TESTED"), Open, 100, "1 of 2"},
		"missing finding":                  {found("TC-01=PASS"), Open, 100, "1 of 2"},
		"unassessed":                       {found("TC-01=PASS", "TC-07=UNASSESSED"), Open, 100, "1 of 2"},
		"one does not apply":               {found("TC-01=PASS", "TC-07=NOT APPLICABLE", "TC-09=PASS"), A, 100, "1 of 1"},
		"none applies":                     {found("TC-01=NOT APPLICABLE", "TC-07=NOT APPLICABLE", "TC-09=PASS"), None, 0, "0 of 0"},
		"none applies, fault all the same": {found("TC-01=NOT APPLICABLE", "TC-07=NOT APPLICABLE", "TC-09=FAIL!"), F, 0, "0 of 0"},
		"nothing":                          {nil, Open, 0, "0 of 2"},
		"two findings on one check":        {found("TC-01=PASS", "TC-01=FAIL", "TC-07=PASS"), D, 50, "2 of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			f := familyIn(t, Grade(tc.found, small(false)), "TC")
			if f.Letter != tc.want || f.Score.Percent != tc.percent || f.Score.Coverage() != tc.cover {
				t.Errorf("got %s, %d %%, %s; want %s, %d %%, %s", f.Letter, f.Score.Percent, f.Score.Coverage(), tc.want, tc.percent, tc.cover)
			}
			if f.Why == "" {
				t.Error("a letter without a reason")
			}
			if f.Score.Known != (f.Score.Shown > 0) {
				t.Error("a percentage of nothing")
			}
		})
	}
}

// rest lets all families but TC have an A.
func rest(words ...string) []rule.Finding {
	return append(found("DS-01=PASS", "DS-02=PASS", "DS-06=PASS", "DS-08=PASS", "V6-01=PASS", "V6-02=PASS"), found(words...)...)
}

func TestOverall(t *testing.T) {
	for name, tc := range map[string]struct {
		found []rule.Finding
		want  Word
		why   string
	}{
		"all good":             {rest("TC-01=PASS", "TC-07=PASS"), Meets, "Every required check"},
		"partly":               {rest("TC-01=PASS", "TC-07=PARTIAL"), MeetsWithRemarks, "TLS: the device as client (C)"},
		"knock-out D":          {rest("TC-01=PASS", "TC-07=FAIL"), DoesNotMeet, "TLS: the device as client (D)"},
		"knock-out F":          {rest("TC-01=FAIL!", "TC-07=PASS"), DoesNotMeet, "TLS: the device as client (F)"},
		"open":                 {rest("TC-01=PASS"), NotProven, "no verdict in: TLS"},
		"D outside knock-outs": {append(rest("TC-01=PASS", "TC-07=PASS")[:5], found("V6-02=FAIL", "TC-01=PASS", "TC-07=PASS")...), NotProven, "IPv6 (D)"},
		"D outside, open beside it": {append(rest()[:4], found("V6-02=FAIL", "TC-01=PASS", "TC-07=PASS")...), NotProven,
			"Required checks have no verdict in: IPv6"},
		"knock-out beats open": {found("TC-07=FAIL"), DoesNotMeet, "(D)"},
		"nothing applies": {found("DS-01=NOT APPLICABLE", "DS-06=NOT APPLICABLE", "DS-08=NOT APPLICABLE",
			"TC-01=NOT APPLICABLE", "TC-07=NOT APPLICABLE", "V6-01=NOT APPLICABLE", "V6-02=NOT APPLICABLE"), NotProven, "No required check applied"},
		"nothing": {nil, NotProven, "no verdict"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Grade(tc.found, small(false)).Overall
			if got.Word != tc.want || !strings.Contains(got.Why, tc.why) {
				t.Errorf("got %s: %s", got.Word, got.Why)
			}
		})
	}
}

// TestOverallPercent: families weigh the same, and too little coverage hides it.
func TestOverallPercent(t *testing.T) {
	got := Grade(rest("TC-01=PASS", "TC-07=PARTIAL"), small(false)).Overall.Score
	if !got.Known || got.Percent != 91 { // (100 + 75 + 100) / 3, rounded down
		t.Errorf("got %+v, want 91 %%", got)
	}
	got = Grade(append(rest()[:5], found("TC-01=PASS")...), small(false)).Overall.Score
	if got.Known || got.Coverage() != "5 of 7" {
		t.Errorf("a percentage with %s shown", got.Coverage())
	}
}

func TestDNSSECLadder(t *testing.T) {
	for name, tc := range map[string]struct {
		found []rule.Finding
		rung  string
		want  Letter
		why   string
	}{
		"D3":                  {found("DS-01=PASS", "DS-02=PASS", "DS-06=PASS", "DS-08=PASS"), "D3", A, "required checks"},
		"D3, little else":     {found("DS-01=PASS", "DS-06=PASS", "DS-08=PASS"), "D3", B, "required checks"},
		"D3, the rest open":   {found("DS-01=PASS"), "D3", Open, "No verdict"},
		"D3, own resolver":    {found("DS-01=PASS", "DS-06=FAIL", "DS-08=PASS"), "D3", D, "DS-06"},
		"D2":                  {found("DS-01=PARTIAL", "DS-02=PASS", "DS-06=PASS", "DS-08=PASS", "DN-03=PASS"), "D2", A, "channel"},
		"D2, validation open": {found("DS-01=INCONCLUSIVE", "DS-06=PASS", "DS-08=PASS", "DN-03=PASS"), "D2", Open, "DS-01"},
		"D1":                  {found("DS-01=FAIL", "DS-06=PASS", "DS-08=PASS"), "D1", D, "relies on your resolver. "},
		"D1, passively":       {found("DS-01=FAIL", "DS-06=PASS", "DS-08=NOT TESTED"), "D1", D, "alarm was not shown (DS-08)"},
		"D0 by resolver":      {found("DS-01=FAIL", "DS-06=FAIL", "DS-08=PASS"), "D0", F, "goes its own way"},
		"D0 by alarm":         {found("DS-01=FAIL", "DS-06=PASS", "DS-08=FAIL"), "D0", F, "alarm"},
		"unknown":             {found("DS-01=INCONCLUSIVE", "DS-06=PASS", "DS-08=PASS"), "", Open, "DS-01"},
		"unknown resolver":    {found("DS-01=FAIL", "DS-06=INCONCLUSIVE"), "", D, "DS-01"},
		"no DNS":              {found("DS-01=NOT APPLICABLE", "DS-06=NOT APPLICABLE", "DS-08=NOT APPLICABLE"), "", None, "applies"},
		"nothing":             {nil, "", Open, "No verdict"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Grade(tc.found, small(true))
			f := familyIn(t, r, "DS")
			if r.DNSSEC.Code != tc.rung || f.Letter != tc.want || !strings.Contains(f.Why, tc.why) {
				t.Errorf("got %q and %s: %s", r.DNSSEC.Code, f.Letter, f.Why)
			}
			if r.DNSSEC.Text == "" || r.DNSSEC.Why == "" {
				t.Errorf("a step without words: %+v", r.DNSSEC)
			}
			if got := Ladders(tc.found, nil).DNSSEC; got != r.DNSSEC {
				t.Errorf("the ladder alone says %+v", got)
			}
		})
	}
}

// TestAStepWithHolesSaysSo: who reads of the step alone reads of them too.
func TestAStepWithHolesSaysSo(t *testing.T) {
	for verdict, holes := range map[string]bool{"PASS": false, "INCONCLUSIVE": false, "NOT TESTED": false, "PARTIAL": true, "FAIL": true} {
		got := Ladders(found("DS-01=PASS", "DS-04="+verdict), nil).DNSSEC
		if got.Code != "D3" || strings.Contains(got.Text, "holes") != holes || (got.Needs != "") != holes {
			t.Errorf("DS-04 %s: %+v", verdict, got)
		}
	}
}

func TestIPv6Ladder(t *testing.T) {
	schema := []fact.Decl{{Key: "ipv6.ladder", Type: fact.Text}, {Key: "ipv6.blame", Type: fact.Text}}
	for value, want := range map[string]string{"I0": "I0", "I3": "I3", "I5": "I5", "I9": "", "": ""} {
		s := fact.NewSheetOf(schema)
		s.Text("ipv6.ladder", value, fact.Because{})
		s.Text("ipv6.blame", "SERVICE", fact.Because{})
		got := Ladders(nil, s).IPv6
		if got.Code != want || got.Text == "" || (want != "") != (got.Blame == "SERVICE") {
			t.Errorf("%q: got %+v", value, got)
		}
	}
	if got := Ladders(nil, fact.NewSheetOf(schema)).IPv6; got.Code != "" {
		t.Errorf("absent: got %+v", got)
	}
}

func TestIPv6LadderSaysWhyItIsOpen(t *testing.T) {
	schema := []fact.Decl{{Key: "ipv6.ladder", Type: fact.Text}, {Key: "ipv6.blame", Type: fact.Text},
		{Key: "ipv6.offered", Type: fact.Bool}, {Key: "ipv6.seen", Type: fact.Bool}}
	for _, c := range []struct {
		offered, seen bool
		text, why     string
	}{
		{false, false, "not known", "No router was seen to offer IPv6"},
		{false, true, "At least I1", "No router was seen to offer global IPv6"},
		{true, false, "not known", "does not hold the device joining"},
		{true, true, "At least I1", "I2 and I3 were not seen"},
	} {
		s := fact.NewSheetOf(schema)
		s.Bool("ipv6.offered", c.offered, fact.Because{})
		s.Bool("ipv6.seen", c.seen, fact.Because{})
		got := Ladders(nil, s).IPv6
		if got.Code != "" || !strings.Contains(got.Text, c.text) || !strings.Contains(got.Why, c.why) {
			t.Errorf("offered %v, seen %v: got %+v", c.offered, c.seen, got)
		}
	}
}
