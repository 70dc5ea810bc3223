package report

import (
	"strings"
	"testing"
)

func cameraInput() Input {
	return Input{
		Device: Device{MAC: "02:00:00:00:00:01", Vendor: "udhcp 1.30", Name: "cam-7f", Addresses: []string{"192.0.2.10", "fe80::1"},
			ChosenBecause: "02:00:00:00:00:01 is the only host that asked for a DHCP lease and opened conversations to the internet."},
		Run: Run{Started: began, Ended: began.Add(11 * 60e9), Plan: "capture", Profile: "internet-standards",
			ProfileTitle: "Internet standards", RulesDigest: strings.Repeat("ab", 32), AssayVersion: "0.1.0",
			Statements: []Field{{"setup-captured", "yes"}},
			Told:       []Field{{ToldLabel, "Porch <camera>"}, {ToldSerial, "SN 0815"}, {"Operator", "J. Doe"}}},
		Graded: Graded{
			Overall: Overall{Verdict: "DOES NOT MEET", Coverage: Coverage{4, 7},
				Why: "Credentials has a critical fault, and Credentials is a knock-out family."},
			Families: cameraFamilies(),
			Ladders: Ladders{
				DNSSEC: Ladder{"D1", "It relies on your resolver.", "Ask for a device that validates itself, or for an authenticated channel to your resolver."},
				IPv6:   Ladder{"", "No IPv6 was offered.", "Run the device on a network with IPv6."},
			},
			Levels: map[string]string{"CR-02": "REQUIRED", "DS-02": "RECOMMENDED", "DS-06": "REQUIRED", "DS-08": "REQUIRED",
				"TC-01": "REQUIRED", "TC-03": "REQUIRED", "V6-01": "REQUIRED", "UP-01": "REQUIRED"},
		},
		Findings: cameraFindings(),
		Destinations: []Destination{
			{Name: "api.vendor.example", Address: "198.51.100.7", Port: 443, Transport: "TCP", Protocol: "tls", Protection: "encrypted", Conversations: 3, Sent: 5210, Received: 88412, First: 48},
			{Name: "", Address: "2001:db8:1:2:3:4:5:6", Port: 80, Transport: "TCP", Protocol: "http", Protection: "clear", Conversations: 1, Sent: 512, Received: 2210450, First: 38},
			{Name: "", Address: "192.0.2.1", Port: 53, Transport: "UDP", Protocol: "dns", Protection: "clear", Local: true, Conversations: 31, Sent: 992, Received: 3010, First: 3},
		},
		Evidence: EvidenceFile{Name: "camera.pcapng", SHA256: strings.Repeat("0123456789abcdef", 4), Bytes: 48112, Frames: 412, Cut: 2},
		Hosts: []Host{
			{ID: "02:00:00:00:00:01", Addresses: []string{"192.0.2.10"}, Names: []string{"cam-7f"}, Role: "DHCP client, opens conversations", Events: 390, Graded: true},
			{ID: "02:00:00:00:00:fe", Addresses: []string{"192.0.2.1"}, Role: "router, DHCP server, DNS server", Events: 210},
		},
	}
}

func TestBuildAnswersWhatTheRulesSaid(t *testing.T) {
	r := Build(cameraInput())
	if got := len(r.NotTested); got != 3 {
		t.Errorf("%d checks without an answer, want 3: DS-08, TC-01 and V6-01", got)
	}
	if r.Findings[0].Check != "CR-02" || r.Findings[0].Level != "REQUIRED" {
		t.Errorf("first finding %q at level %q, want CR-02 at REQUIRED", r.Findings[0].Check, r.Findings[0].Level)
	}
	if len(r.Packets) != 33 {
		t.Errorf("%d packets opened, want 33: frames 3 to 33, 40 and 50", len(r.Packets))
	}
	if want := "2 frames were recorded only in part (snap length)."; r.Evidence.Note != want {
		t.Errorf("note %q, want %q", r.Evidence.Note, want)
	}
}

func TestLampsShowTheWorseFamily(t *testing.T) {
	for _, c := range []struct{ client, service, want string }{
		{"A", "B", "B"}, {"A", "-", "A"}, {"?", "C", "?"}, {"?", "D", "D"}, {"F", "D", "F"}, {"-", "-", "-"}, {"?", "A", "?"},
	} {
		got := lamps([]Family{{Code: "TC", Grade: c.client}, {Code: "TS", Grade: c.service}})
		if got[1].Grade != c.want || got[1].Name != "TLS" {
			t.Errorf("TLS lamp for %s and %s shows %s, want %s", c.client, c.service, got[1].Grade, c.want)
		}
	}
}

func TestRunIDDependsOnWhatTheResultDependsOn(t *testing.T) {
	base := Build(cameraInput()).Run.ID
	for name, change := range map[string]func(*Input){
		"evidence": func(in *Input) { in.Evidence.SHA256 = "00" },
		"rules":    func(in *Input) { in.Run.RulesDigest = "00" },
		"profile":  func(in *Input) { in.Run.Profile = "other" },
		"device":   func(in *Input) { in.Device.MAC = "02:00:00:00:00:02" },
	} {
		in := cameraInput()
		change(&in)
		if Build(in).Run.ID == base {
			t.Errorf("the run keeps its id when its %s changes", name)
		}
	}
	if Build(cameraInput()).Run.ID != base {
		t.Error("the same input got two ids")
	}
}
