package event

import (
	"strings"
	"testing"
)

func TestQuestionsToTheDeviceAreTold(t *testing.T) {
	for js, want := range map[string]string{
		`{"kind":"login","server":"192.168.1.9:80","service":"http","user":"admin","outcome":"accepted","why":"the page \u001b[31m opened"}`: `the gateway tried a factory password at 192.168.1.9:80 (http) as "admin": accepted, the page \x1b[31m opened`,
		`{"kind":"scan","server":"[fe80::1%lan0]:0","outcome":"stopped"}`:                                                                    `the gateway tried the ports of [fe80::1%lan0]:0: stopped`,
		`{"kind":"another","server":"192.168.1.9:80"}`:                                                                                       `the gateway another of 192.168.1.9:80`,
	} {
		if got := (NoteSeen{Kind: NoteProbe, JSON: []byte(js)}).Describe(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	consent := NoteSeen{Kind: NoteConsent, JSON: []byte(`{"tester":"T","owner":"O","model":"Cam 1","serial":"","date":"2026-11-24"}`)}
	if got := consent.Describe(); got != "T has the consent of O to try to log in to Cam 1" {
		t.Error(got)
	}
	for _, kind := range []string{NoteProbe, NoteConsent} {
		if got := (NoteSeen{Kind: kind, JSON: []byte(`{"x":`)}).Describe(); !strings.HasPrefix(got, "note ") {
			t.Errorf("%s: %s", kind, got)
		}
	}
}
