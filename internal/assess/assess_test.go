package assess

import (
	"strings"
	"testing"
	"time"

	"assay/internal/assess/evidence"
	"assay/internal/assess/grade"
	"assay/internal/assess/report"
	"assay/internal/assess/rule"
)

func profile() grade.Profile {
	return grade.NewProfile("test", "Test profile", "", []string{"CR"}, false, map[string]grade.Level{"CR-01": grade.Required})
}

func TestNoEvidenceProvesNothing(t *testing.T) {
	frame := func(data string) evidence.Entry {
		return evidence.Entry{Num: 1, At: time.Unix(1700000000, 0).UTC(), Kind: evidence.KindPacket,
			Packet: evidence.Packet{Link: evidence.LinkEthernet, Length: len(data), Data: []byte(data)}}
	}
	for name, entries := range map[string][]evidence.Entry{
		"no frame":          nil,
		"a frame too short": {frame("\x02")},
		"noise":             {frame(strings.Repeat("\xff", 300))},
		"a zero entry":      {{}},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(Book{Profiles: []grade.Profile{profile()}}, About{File: "x.pcap"})
			for _, e := range entries {
				a.Add(e)
			}
			a.Close()
			r := a.Report(AsOf{SHA256: make([]byte, 32)})
			if r.Overall.Verdict != "NOT PROVEN" || r.Overall.Why == "" {
				t.Errorf("got %s because %q, want NOT PROVEN with a reason", r.Overall.Verdict, r.Overall.Why)
			}
		})
	}
}

func TestDemandWithoutRuleIsShownAsOpen(t *testing.T) {
	a := New(Book{Rules: rule.Book{}, Profiles: []grade.Profile{profile()}}, About{})
	a.Close()
	r := a.Report(AsOf{})
	want := report.NotTested{Check: "CR-01", Level: "REQUIRED", Verdict: "UNASSESSED"}
	if len(r.NotTested) != 1 {
		t.Fatalf("%d checks without an answer, want CR-01", len(r.NotTested))
	}
	got := r.NotTested[0]
	got.Why, got.Needs = "", ""
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEntriesAfterCloseChangeNothing(t *testing.T) {
	a := New(Book{Profiles: []grade.Profile{profile()}}, About{})
	a.Close()
	before := a.Report(AsOf{})
	a.Add(evidence.Entry{Num: 1, At: time.Unix(1700000000, 0), Kind: evidence.KindPacket,
		Packet: evidence.Packet{Link: evidence.LinkEthernet, Length: 60, Data: make([]byte, 60)}})
	if after := a.Report(AsOf{}); after.Evidence != before.Evidence || !after.Run.Started.Equal(before.Run.Started) {
		t.Errorf("a closed assessment changed from %+v to %+v", before.Run, after.Run)
	}
}

func TestPlainName(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""}, {[]string{"Camera._rtsps._tcp.local"}, "Camera._rtsps._tcp.local"},
		{[]string{"Camera._rtsps._tcp.local", "cam.local"}, "cam.local"}, {[]string{"a.local", "cam-7"}, "cam-7"},
	} {
		if got := plainName(c.names); got != c.want {
			t.Errorf("plainName(%q) is %q, want %q", c.names, got, c.want)
		}
	}
}
