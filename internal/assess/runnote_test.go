package assess

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/internal/assess/evidence"
	"assay/internal/assess/grade"
	"assay/internal/assess/report"
)

// arp is a frame in which the host with the given last byte asks for the router.
func arp(num evidence.Ref, host byte) evidence.Entry {
	mac := []byte{2, 0, 0, 0, 0, host}
	frame := append([]byte{255, 255, 255, 255, 255, 255}, mac...)
	frame = append(frame, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	frame = append(append(frame, mac...), 192, 168, 77, host, 0, 0, 0, 0, 0, 0, 192, 168, 77, 1)
	return evidence.Entry{Num: num, At: time.Unix(1700000000, int64(num)).UTC(), Kind: evidence.KindPacket,
		Packet: evidence.Packet{Link: evidence.LinkEthernet, Length: len(frame), Data: frame}}
}

func note(num evidence.Ref, kind, body string) evidence.Entry {
	return evidence.Entry{Num: num, At: time.Unix(1700000000, int64(num)).UTC(), Kind: evidence.KindNote,
		Note: evidence.Note{Kind: kind, Body: json.RawMessage(body)}}
}

func TestTheRecordOfTheRunSpeaksForTheCaller(t *testing.T) {
	other := grade.NewProfile("other", "Other profile", "", nil, false, map[string]grade.Level{"CR-01": grade.Required})
	book := Book{Profiles: []grade.Profile{profile(), other}}
	const record = `{"id":"r1","plan":"quick","profile":"other","dut":"02:00:00:00:00:0a","label":"Cam\u001b[31m 7","operator":"Kim"}`
	for name, c := range map[string]struct {
		about   About
		entries []evidence.Entry
		mac     string
		plan    string
		profile string
		told    []report.Field
		states  []report.Field
	}{
		"no record": {entries: []evidence.Entry{arp(1, 10)}, about: About{Plan: "capture"}, plan: "capture", profile: "test"},
		"a record": {
			about: About{Plan: "capture"}, entries: []evidence.Entry{note(1, "run", record), arp(2, 11), arp(3, 10)},
			mac: "02:00:00:00:00:0a", plan: "quick", profile: "other",
			told: []report.Field{{Name: "Device label", Value: `Cam\x1b[31m 7`}, {Name: "Operator", Value: "Kim"}},
		},
		"the caller's profile goes before": {
			about: About{Profile: "test"}, entries: []evidence.Entry{note(1, "run", record), arp(2, 10)},
			mac: "02:00:00:00:00:0a", plan: "quick", profile: "test",
			told: []report.Field{{Name: "Device label", Value: `Cam\x1b[31m 7`}, {Name: "Operator", Value: "Kim"}},
		},
		"a correction keeps the device": {
			entries: []evidence.Entry{note(1, "run", record), arp(2, 10), note(3, "run", `{"plan":"quick","profile":"gone","dut":"02:00:00:00:00:0b"}`)},
			mac:     "02:00:00:00:00:0a", plan: "quick", profile: "test",
		},
		"a record that cannot be read": {entries: []evidence.Entry{note(1, "run", `"x"`), arp(2, 10)}, profile: "test"},
		"statements": {
			about: About{Statements: map[string]string{"update-hosts": "a.example"}},
			entries: []evidence.Entry{
				note(1, "statement", `{"key":"setup-captured","value":"yes"}`), note(2, "statement", `{"key":"no-such","value":"x"}`),
				note(3, "statement", `[]`), arp(4, 10),
			},
			profile: "test",
			states:  []report.Field{{Name: "setup-captured", Value: "yes"}, {Name: "update-hosts", Value: "a.example"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(book, c.about)
			for _, e := range c.entries {
				a.Add(e)
			}
			a.Close()
			r := a.Report(AsOf{SHA256: make([]byte, 32)})
			if r.Device.MAC != c.mac || r.Run.Plan != c.plan || r.Run.Profile != c.profile {
				t.Errorf("device %q plan %q profile %q, want %q %q %q", r.Device.MAC, r.Run.Plan, r.Run.Profile, c.mac, c.plan, c.profile)
			}
			if d := cmp.Diff(c.told, r.Run.Told); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.states, r.Run.Statements, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("statements (-want +got):\n%s", d)
			}
		})
	}
}

func TestARecordedDeviceThatNeverSpokeIsNotReplaced(t *testing.T) {
	a := New(Book{Profiles: []grade.Profile{profile()}}, About{})
	a.Add(note(1, "run", `{"dut":"02:00:00:00:00:63"}`))
	a.Add(arp(2, 10))
	r := a.Report(AsOf{})
	if r.Device.MAC != "" || r.Overall.Verdict != "NOT PROVEN" || !strings.Contains(r.Overall.Why, "02:00:00:00:00:63") {
		t.Errorf("got device %q, %s because %q", r.Device.MAC, r.Overall.Verdict, r.Overall.Why)
	}
}
