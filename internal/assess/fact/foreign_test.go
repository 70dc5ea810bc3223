package fact_test

import (
	"fmt"
	"testing"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

func TestForeignInterceptions(t *testing.T) {
	const leaf, other = "aa", "bb"
	named := map[string]string{leaf: event.CaseSelfSigned, "cc": event.CaseUnknownCA}
	certificate := func(digest string) event.Body {
		return event.Certificates{From: event.FromServer, Chain: []event.Certificate{{SHA256: digest}}}
	}
	data := func(from event.Side, both bool) event.Body {
		return event.TLSAppData{From: from, AfterBoth: both, Length: 50}
	}
	hello := event.ClientHello{Transport: event.TCP, HasSNI: true, SNI: "Cam.Example."}
	for _, c := range []struct {
		name    string
		streams [][]event.Body
		want    string
	}{
		{"accepted once of two", [][]event.Body{
			{hello, certificate(leaf), data(event.FromClient, true)}, {hello, certificate(leaf)},
		}, "2 streams, 1 accepted [cam.example:443 (1 of 2)]"},
		{"data before both changed keys", [][]event.Body{{hello, certificate(leaf), data(event.FromClient, false)}}, "1 streams, 0 accepted []"},
		{"data of the server alone", [][]event.Body{{hello, certificate(leaf), data(event.FromServer, true)}}, "1 streams, 0 accepted []"},
		{"a certificate that nobody named", [][]event.Body{{hello, certificate(other), data(event.FromClient, true)}}, "0 streams, 0 accepted []"},
		{"a certificate of another flaw", [][]event.Body{{hello, certificate("cc"), data(event.FromClient, true)}}, "0 streams, 0 accepted []"},
		{"no certificate in sight", [][]event.Body{{hello, data(event.FromClient, true)}}, "0 streams, 0 accepted []"},
		{"the client's own certificate", [][]event.Body{{hello, event.Certificates{From: event.FromClient, Chain: []event.Certificate{{SHA256: leaf}}},
			data(event.FromClient, true)}}, "0 streams, 0 accepted []"},
		{"no certificate in the chain", [][]event.Body{{hello, event.Certificates{From: event.FromServer}, data(event.FromClient, true)}}, "0 streams, 0 accepted []"},
		{"DTLS", [][]event.Body{{event.ClientHello{Transport: event.DTLS}, certificate(leaf), data(event.FromClient, true)}}, "0 streams, 0 accepted []"},
		{"a second certificate does not count", [][]event.Body{{hello, certificate(other), certificate(leaf), data(event.FromClient, true)}}, "0 streams, 0 accepted []"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVendor(t)
			for _, s := range c.streams {
				v.flow++
				for _, b := range s {
					v.put(v.at(camCloud, b))
				}
			}
			s := v.o.Sheet(sceneDevice, fact.Closing{Intercepted: named})
			got := fmt.Sprintf("%v streams, %v accepted %v", value(s, "foreign.self_signed_streams"), value(s, "foreign.self_signed_accepted"), value(s, "foreign.self_signed_accepted_names"))
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if s := v.sheet(); value(s, "foreign.self_signed_streams") != int64(0) {
				t.Error("streams are counted though no certificate was named")
			}
		})
	}
	if cases := fmt.Sprint(fact.ForeignCases()); cases != "[self-signed unknown-ca replaced-key wrong-name leaf-as-ca]" {
		t.Error(cases)
	}
}
