package report

import (
	"net/netip"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/rule"
)

var began = time.Date(2026, 3, 4, 9, 30, 0, 123456000, time.UTC)

func eventAt(n int, body event.Body) event.Event {
	return event.Event{
		At: began.Add(time.Duration(n) * 10 * time.Millisecond), Ref: event.Ref(n), First: event.Ref(n),
		Device: event.HostByMAC([6]byte{2, 0, 0, 0, 0, 1}), Peer: event.HostByMAC([6]byte{2, 0, 0, 0, 0, 0xfe}),
		Client: netip.MustParseAddrPort("192.0.2.10:51000"), Server: netip.MustParseAddrPort("192.0.2.1:53"),
		Flow: event.FlowID(n), Body: body,
	}
}

// hostile is text as a device might choose it.
const hostile = `"><script>alert(1)</script>` + "\x1b[31m\u202e"

func questions(from, to int) []event.Event {
	var out []event.Event
	for i := from; i <= to; i++ {
		out = append(out, eventAt(i, event.DNSAsked{Transport: event.UDP, ID: uint16(i), Name: "time.vendor.example.", Type: 1, Class: 1, RD: true}))
	}
	return out
}

func cameraFindings() []rule.Finding {
	return []rule.Finding{
		{
			Check: "CR-02", Family: "CR", Title: "No password travels in clear",
			Fault: "A password travels in clear", Mode: "passive", Severity: "critical",
			Ask:     "The device shall not send or accept passwords over a connection without encryption.",
			Verdict: rule.Fail, N: 1, Seen: 1,
			Why: "The device logged in to 192.0.2.1 over HTTP with a password that everybody on the way can read.",
			Because: []event.Event{eventAt(40, event.Login{Service: "http", User: "admin" + hostile,
				Secret: event.NewSecret("s3cret-pass"), Where: "/" + hostile})},
			Advice: "Ask the supplier to switch the service to TLS and to issue new passwords.", References: []string{"ETSI EN 303 645"},
		},
		{
			Check: "DS-02", Family: "DS", Title: "The device asks for DNS signatures", Mode: "passive", Severity: "low",
			Ask:     "The device shall set the DO bit in its DNS queries.",
			Verdict: rule.Fail, Why: "None of its 31 queries carried EDNS(0).", N: 31, Because: questions(3, 33), Seen: 31,
			Advice: "Ask for firmware whose resolver library sets DO.", Limits: "It shows that signatures are not asked for, not what the device would do with them.",
			References: []string{"RFC 6891", "RFC 3225"},
		},
		{
			Check: "DS-06", Family: "DS", Title: "The device uses the resolver the network gives it", Mode: "passive", Severity: "high",
			Ask:     "The device shall resolve names through the resolver that the network offers.",
			Verdict: rule.Pass, Why: "All 8 names were asked of the resolver that the network offered.", N: 8, Because: questions(3, 5), Seen: 8,
			References: []string{"RFC 9726"},
		},
		{
			Check: "DS-08", Family: "DS", Title: "A DNSSEC alarm from the resolver is respected", Mode: "gateway", Severity: "high",
			Ask:     "The device shall not look for another answer when the resolver reports a validation failure.",
			Verdict: rule.NotTested, Why: "This takes an experiment of the gateway, and the evidence is a plain capture.",
			Needs: "Run the device on an Assay gateway.",
		},
		{
			Check: "TC-01", Family: "TC", Title: "The device refuses a self-signed certificate", Mode: "gateway", Severity: "critical",
			Ask:     "The device shall refuse a server that shows a self-signed certificate.",
			Verdict: rule.NotTested, Why: "This takes an experiment of the gateway, and the evidence is a plain capture.",
			Needs: "Run the device on an Assay gateway.",
		},
		{
			Check: "TC-03", Family: "TC", Title: "Only current TLS versions", Mode: "passive", Severity: "high",
			Ask:     "The device shall offer TLS 1.2 or newer only.",
			Verdict: rule.Partial, Why: "3 of 4 destinations are reached with TLS 1.2; one handshake also offers TLS 1.0.", N: 12,
			Because: []event.Event{eventAt(50, event.ClientHello{Transport: event.TCP, Legacy: 0x0303, HasSNI: true,
				SNI: "api.vendor.example", Suites: []uint16{0xc02f, 0x000a}, JA4: "t12d0205h1_x_y"})},
			Seen: 1, Advice: "Ask for a list of all services and a date for the last one.", References: []string{"RFC 8996"},
		},
		{
			Check: "V6-01", Family: "V6", Title: "The device works on an IPv6-only network", Mode: "gateway", Severity: "high",
			Ask:     "The device shall be fully usable on a network that offers IPv6 only.",
			Verdict: rule.Inconclusive, Why: "The network of this capture offered no IPv6.",
			Needs: "Run the device on a network with IPv6.",
		},
		{
			Check: "UP-01", Family: "UP", Title: "Updates arrive over a protected connection", Mode: "passive", Severity: "high",
			Ask: "Updates shall be fetched over TLS.", Verdict: rule.NotApplicable, Why: "No update was fetched.",
		},
	}
}

func ptr(n int) *int { return &n }

func cameraFamilies() []Family {
	return []Family{
		{Code: "DS", Name: "DNSSEC", Grade: "D", Word: GradeWord("D"), Percent: ptr(50), Coverage: Coverage{2, 3}, Why: "It relies on your resolver (step D1)."},
		{Code: "TC", Name: "TLS: the device as client", Grade: "?", Word: GradeWord("?"), Percent: ptr(50), Coverage: Coverage{1, 2}, Why: "TC-01 was not tested."},
		{Code: "V6", Name: "IPv6", Grade: "?", Word: GradeWord("?"), Coverage: Coverage{0, 1}},
		{Code: "CR", Name: "Credentials", Grade: "F", Word: GradeWord("F"), Percent: ptr(0), Coverage: Coverage{1, 1}, Why: "CR-02 is a critical fault."},
		{Code: "UP", Name: "Updates", Grade: "-", Word: GradeWord("-")},
	}
}
