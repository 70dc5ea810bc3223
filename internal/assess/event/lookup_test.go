package event

import "testing"

func TestLookupsAreTold(t *testing.T) {
	for js, want := range map[string]string{
		`{"kind":"caa","subject":"cam.example.","outcome":"issue","data":{"issuers":"ca.example","at":"cam.example.","tags":""}}`: "the gateway looked up: CAA of cam.example.: issue; at cam.example.; issuers ca.example",
		`{"kind":"rpki","subject":"192.0.2.1","outcome":"no-data","why":"no VRPs are set"}`:                                       "the gateway looked up: RPKI of the route to 192.0.2.1: no-data (no VRPs are set)",
		`{"kind":"new","subject":"a\u001b[2J","outcome":"x"}`:                                                                     `the gateway looked up: new of a\x1b[2J: x`,
		`{"kind":1}`: `note lookup {"kind":1}`,
		`{}`:         `note lookup {}`,
	} {
		if got := (NoteSeen{Kind: NoteLookup, JSON: []byte(js)}).Describe(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", js, got, want)
		}
	}
	if got := (NoteSeen{Kind: "link", JSON: []byte(`{"kind":"caa"}`)}).Describe(); got != `note link {"kind":"caa"}` {
		t.Error(got)
	}
}
