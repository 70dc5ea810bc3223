package rule

import (
	"strings"
	"testing"
)

func TestSampleCases(t *testing.T) {
	fsys := folder(nil)
	book := mustLoad(t, fsys)
	if err := Check(fsys, book, testSchema()); err != nil {
		t.Error(err)
	}
	results, err := RunTests(fsys, book, testSchema())
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 5 {
		t.Errorf("ran %d cases, want 5", len(results))
	}
	for _, r := range results {
		if !r.OK {
			t.Errorf("%s: %s", r.Case.Name, r.Said)
		}
	}
}

// TestLoadMistakes makes one mistake at a time and demands its place and words.
func TestLoadMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		old, new string
		want     string
	}{
		"unknown field":            {"limits: It", "limit: It", sampleFile + `:34:1: unknown field "limit" in a rule`},
		"unknown branch field":     {"evidence: [dns.queries]", "evidences: [dns.queries]", `:19:7: unknown field "evidences" in a branch of FAIL`},
		"field twice":              {"mode: passive", "mode: passive\nmode: passive", `:5:1: field "mode" occurs twice`},
		"unknown fact":             {"dns.names >= 5\n  what", "dns.names >= 5 && dns.quries > 1\n  what", `:10:27: unknown fact "dns.quries" (did you mean 'dns.queries'?)`},
		"wrong type":               {"dns.do_share == 1.0", "dns.do_share == 1", `:27:26: found no matching overload for '_==_' applied to '(double, int)'; write 1.0`},
		"not a condition":          {"dns.do_share == 1.0", "dns.names + 1", `:27:13: a condition must be true or false; this one is of type int`},
		"syntax":                   {"dns.do_share == 1.0", "dns.do_share == 1.0 &&", `Syntax error`},
		"constant":                 {"dns.do_share == 1.0", "true", `:27:13: a condition must read at least one fact`},
		"division of doubles":      {"dns.do_share == 1.0", "dns.do_share / 0.0 > 1.0", `must not divide doubles`},
		"bad severity":             {"severity: low", "severity: lowish", `:5:11: unknown severity "lowish"; known are info, low`},
		"bad mode":                 {"mode: passive", "mode: pasive", `:4:7: unknown mode "pasive"`},
		"bad verdict":              {"  partial:", "  partials:", `:23:3: unknown field "partials" in verdicts`},
		"bad otherwise":            {"verdict: inconclusive", "verdict: pass", `:30:12: unknown verdict "pass"; known are inconclusive, not_tested`},
		"id not as in file name":   {"id: DS-02", "id: DS-03", `:1:1: the id is "DS-03" but the file's name says "DS-02"`},
		"no control":               {"control:\n  when: dns.names >= 5\n  what: at least five different names were asked in clear DNS\n", "", `the field "control" is missing`},
		"control without what":     {"  what: at least five different names were asked in clear DNS\n", "", `:10:3: a control needs "what"`},
		"no rests_on":              {"rests_on: absence\n", "", `the field "rests_on" is missing`},
		"bad rests_on":             {"rests_on: absence", "rests_on: silence", `:8:11: unknown rests_on "silence"`},
		"unknown placeholder":      {"None of its {dns.queries}", "None of its {dns.query}", `:18:12: why: unknown fact {dns.query}`},
		"unreadable placeholder":   {"None of its {dns.queries}", "None of its {DNS queries}", `cannot read {DNS queries}`},
		"percent of a count":       {"None of its {dns.queries}", "None of its {dns.queries%}", `needs a double between 0 and 1`},
		"open brace":               {"None of its {dns.queries}", "None of its {dns.queries", `has a "{" without a "}"`},
		"no ask":                   {"ask: The device shall set the DO bit in its DNS queries.\n", "", `the field "ask" is missing`},
		"no title":                 {"title: The device asks for DNS signatures\n", "", `the field "title" is missing`},
		"empty fault":              {"mode: passive", "mode: passive\nfault: ''", `fault is empty`},
		"fault of a pass":          {"why: Every", "fault: x\n      why: Every", `unknown field "fault" in a branch of PASS`},
		"no references":            {"references: [RFC 6891, RFC 3225]\n", "", `the field "references" is missing`},
		"empty references":         {"references: [RFC 6891, RFC 3225]", "references: []", `:6:13: references is an empty list`},
		"no why":                   {"      why: Every query asked for signatures.\n", "", `:27:7: a branch of PASS needs "why"`},
		"no needs":                 {"  needs: Let the device run longer.\n", "", `otherwise needs "needs"`},
		"no advice":                {"advice: Ask the supplier.\n", "", `the field "advice" is missing`},
		"n is no count":            {"n: dns.queries", "n: dns.do_share", `:7:4: n must name an int fact`},
		"unknown evidence":         {"evidence: [dns.queries]", "evidence: [dns.quer]", `:19:18: unknown fact "dns.quer"`},
		"not a mapping":            {"verdicts:", "verdicts: yes\nnothing:", `:12:11: verdicts must be a mapping of names to values, not "yes"`},
		"alias":                    {"title: The device asks for DNS signatures", "title: &a x\nlimits: *a", `a YAML alias`},
		"broken YAML":              {"mode: passive", "mode: 'passive", `cannot read YAML`},
		"two documents":            {"limits: It", "---\nlimits: It", `more than one YAML document`},
		"only otherwise concludes": {sampleRule[strings.Index(sampleRule, "verdicts:"):strings.Index(sampleRule, "otherwise:")], "", `a rule without verdicts can only say not_tested`},
	} {
		t.Run(name, func(t *testing.T) {
			book, err := Load(edited(t, tc.old, tc.new), testSchema())
			if err == nil {
				t.Fatal("loaded without a word")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			if len(book.Rules()) != 0 {
				t.Error("a book came back together with an error")
			}
			for _, p := range Problems(err) {
				if p.File == "" || strings.Contains(p.Error(), "\n") {
					t.Errorf("problem without a file or over several lines: %q", p.Error())
				}
			}
		})
	}
}

func TestLoadFolderMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		change map[string]string
		want   string
	}{
		"no test file":      {map[string]string{sampleTestFile: ""}, "the test file DS-02-asks-for-signatures.test.yaml is missing"},
		"no rule file":      {map[string]string{sampleFile: ""}, "has no rule file"},
		"duplicate id":      {map[string]string{"DS/DS-02-b.yaml": sampleRule, "DS/DS-02-b.test.yaml": sampleTests}, "the id DS-02 is taken by DS/DS-02-asks"},
		"wrong family":      {map[string]string{"TC/DS-02-b.yaml": sampleRule, "TC/DS-02-b.test.yaml": sampleTests}, "a rule file is named TC-NN-"},
		"bad name":          {map[string]string{"DS/ds02.yaml": sampleRule, "DS/ds02.test.yaml": sampleTests}, "a rule file is named DS-NN-"},
		"foreign file":      {map[string]string{"DS/notes.txt": "x"}, "only .yaml files"},
		"foreign folder":    {map[string]string{"profile/x.yaml": "x"}, "unknown folder"},
		"empty file":        {map[string]string{"DS/DS-03-x.yaml": "\n", "DS/DS-03-x.test.yaml": "\n"}, "the file is empty"},
		"far too large":     {map[string]string{"DS/DS-03-x.yaml": strings.Repeat("#", fileLimit+1), "DS/DS-03-x.test.yaml": "\n"}, "at most"},
		"only a null value": {map[string]string{"DS/DS-03-x.yaml": "~\n", "DS/DS-03-x.test.yaml": "\n"}, "must be a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(folder(tc.change), testSchema())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestLoadReportsAllAtOnce(t *testing.T) {
	text := strings.NewReplacer("mode: passive", "mode: x", "severity: low", "severity: y", "flows.total > 0", "flows.totals > 0").Replace(sampleRule)
	_, err := Load(folder(map[string]string{sampleFile: text}), testSchema())
	if got := len(Problems(err)); got != 3 {
		t.Errorf("%d problems, want 3: %v", got, err)
	}
}

func TestLoadOneFamily(t *testing.T) {
	fsys := folder(map[string]string{"TC/TC-01-x.yaml": "broken", "TC/TC-01-x.test.yaml": "- x"})
	if book, err := Load(fsys, testSchema(), "DS"); err != nil || len(book.Rules()) != 1 {
		t.Errorf("DS alone: %v, %d rules", err, len(book.Rules()))
	}
	if _, err := Load(fsys, testSchema(), "XX"); err == nil {
		t.Error("a family that is not there was loaded")
	}
}

// TestPlaceInFoldedText follows a condition over the lines of a YAML scalar.
func TestPlaceInFoldedText(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"plain":  {"dns.names > 0 &&\n        dns.nope > 1", ":28:9: unknown fact \"dns.nope\""},
		"folded": {">-\n        dns.names > 0 &&\n        dns.nope > 1", ":29:9: unknown fact \"dns.nope\""},
		"block":  {"|\n        dns.names > 0 &&\n        dns.nope > 1", ":29:9: unknown fact \"dns.nope\""},
		"quoted": {`"dns.resolver == \"x\" && dns.nope > 1"`, ":27:39: unknown fact \"dns.nope\""},
		"single": {`'dns.resolver == ''x'' && dns.nope > 1'`, ":27:39: unknown fact \"dns.nope\""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(edited(t, "dns.do_share == 1.0", tc.text), testSchema())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestCaseMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"unknown verdict": {"- {name: a, facts: {}, want: PASSED}", `:1:30: unknown verdict "PASSED"`},
		"unknown fact":    {"- {name: a, facts: {dns.x: 1}, want: PASS}", `:1:21: unknown fact "dns.x"`},
		"wrong type":      {"- {name: a, facts: {dns.names: many}, want: PASS}", `dns.names is of type int; "many" is not`},
		"no facts":        {"- {name: a, want: PASS}", `a case needs "facts"`},
		"name twice":      {"- {name: a, facts: {}, want: PASS}\n- {name: a, facts: {}, want: PASS}", `:2:3: the name "a" is taken`},
		"fact twice":      {"- {name: a, facts: {dns.names: 1, dns.names: 2}, want: PASS}", `stated twice`},
		"not a list":      {"name: a", `a test file must be a list`},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := folder(map[string]string{sampleTestFile: tc.text})
			_, err := RunTests(fsys, mustLoad(t, fsys), testSchema())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestCheckDemandsACaseForEachVerdict(t *testing.T) {
	fsys := folder(map[string]string{sampleTestFile: "- {name: a, facts: {}, want: INCONCLUSIVE}"})
	err := Check(fsys, mustLoad(t, fsys), testSchema())
	for _, v := range []string{"PASS", "FAIL", "PARTIAL", "NOT APPLICABLE"} {
		if err == nil || !strings.Contains(err.Error(), "no case wants "+v) {
			t.Errorf("%s is not demanded: %v", v, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "INCONCLUSIVE") {
		t.Error("INCONCLUSIVE has a case and is demanded all the same")
	}
}
