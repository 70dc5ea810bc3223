package report

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestJSONFollowsItsSchema(t *testing.T) {
	s := compiledSchema(t)
	for name, in := range map[string]Input{
		"camera": cameraInput(),
		"empty":  {Graded: Graded{Overall: Overall{Verdict: "NOT PROVEN"}}},
	} {
		text, err := JSON(Build(in))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefusesWhatIsNoReport(t *testing.T) {
	s := compiledSchema(t)
	good, err := JSON(Build(cameraInput()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`"assay.report/1"`, `"assay.report/2"`},
		{`"DOES NOT MEET"`, `"PERHAPS"`},
		{`"lost": 0`, `"lost": -1`},
		{`"truncated": false`, `"truncated": false, "extra": 1`},
		{`"state": "critical"`, `"state": "purple"`},
	} {
		if bad := strings.Replace(string(good), c[0], c[1], 1); bad == string(good) || validate(t, s, bad) == nil {
			t.Errorf("the schema takes %s in place of %s", c[1], c[0])
		}
	}
}
