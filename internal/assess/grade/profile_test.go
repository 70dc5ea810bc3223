package grade

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

const sampleProfile = `id: custom
title: Custom
explanation: For tests.
knockout: [TC]
dnssec: checks
levels:
  DS-01: REQUIRED
  TC-01: OPTIONAL
`

func loadSample(text string) ([]Profile, error) {
	return LoadProfiles(fstest.MapFS{"profiles/custom.yaml": {Data: []byte(text)}}, []string{"DS-01", "TC-01"})
}

func TestLoadProfiles(t *testing.T) {
	list, err := loadSample(sampleProfile)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := Find(list, "custom")
	if !ok || p.Level("DS-01") != Required || p.Level("TC-01") != Optional || p.Level("TC-99") != Unlisted || p.DNSSECByLadder {
		t.Errorf("got %+v", p)
	}
	if _, ok := Find(list, "other"); ok {
		t.Error("found a profile that is not there")
	}
	if _, err := LoadProfiles(fstest.MapFS{}, nil); err == nil {
		t.Error("no profile at all was accepted")
	}
}

func TestLoadProfileMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"misspelt level":    {"REQUIRED", "REQUIERD", `profiles/custom.yaml:7:10: unknown level "REQUIERD"`},
		"lower-case level":  {"REQUIRED", "required", `unknown level "required"`},
		"missing rule file": {"TC-01:", "TC-02:", `:8:3: the check "TC-02" has no rule file`},
		"missing check":     {"  TC-01: OPTIONAL\n", "", `the check "TC-01" has a rule file but no level`},
		"check twice":       {"TC-01: OPTIONAL", "DS-01: OPTIONAL", `two levels`},
		"unknown field":     {"dnssec:", "dnsec:", `:5:1: unknown field "dnsec"`},
		"field twice":       {"title: Custom", "title: Custom\ntitle: Other", `"title" occurs twice`},
		"unknown family":    {"[TC]", "[TX]", `:4:12: unknown family "TX"`},
		"no knock-out list": {"[TC]", "TC", `knockout must be a list`},
		"unknown rule":      {"dnssec: checks", "dnssec: maybe", `unknown dnssec "maybe"`},
		"other id":          {"id: custom", "id: custum", `unknown id "custum"; known here: custom`},
		"no text":           {"explanation: For tests.", "explanation:", `explanation must be text`},
		"broken":            {"[TC]", "[TC", `cannot read YAML`},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Count(sampleProfile, tc.old) != 1 {
				t.Fatalf("%q is not in the sample once", tc.old)
			}
			list, err := loadSample(strings.Replace(sampleProfile, tc.old, tc.new, 1))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if list != nil {
				t.Error("profiles came back together with an error")
			}
		})
	}
}

// shippedChecks are the checks that a shipped profile names itself.
func shippedChecks(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	_, levels, _ := strings.Cut(string(text), "\nlevels:\n")
	for _, line := range strings.Split(levels, "\n") {
		if check, _, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(check, "#") {
			ids = append(ids, check)
		}
	}
	return ids
}

// TestShippedProfiles counts the levels of the two profiles.
func TestShippedProfiles(t *testing.T) {
	ids := shippedChecks(t, "../../../rules/profiles/internet-standards.yaml")
	list, err := LoadProfiles(os.DirFS("../../../rules"), ids)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][3]int{"internet-standards": {41, 35, 16}, "legal-baseline": {18, 0, 74}} {
		p, _ := Find(list, id)
		count := map[Level]int{}
		for _, check := range p.Checks() {
			count[p.Level(check)]++
			if !isFamily(familyOf(check)) {
				t.Errorf("%s is of no family", check)
			}
		}
		if got := [3]int{count[Required], count[Recommended], count[Optional]}; got != want {
			t.Errorf("%s: %v required, recommended, optional; want %v", id, got, want)
		}
		if p.DNSSECByLadder != (id == "internet-standards") || strings.Join(p.Knockout, " ") != "CR TC TS PT OS" {
			t.Errorf("%s: %v %v", id, p.DNSSECByLadder, p.Knockout)
		}
	}
}
