package fact

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/event"
)

func TestGuessing(t *testing.T) {
	for name, c := range map[string]struct {
		play func(*asking)
		want string
	}{
		"ten at full speed":         {func(a *asking) { a.consent(); a.wrong(10, 0, event.ProbeRefused) }, "unlimited"},
		"nine":                      {func(a *asking) { a.consent(); a.wrong(9, 0, event.ProbeRefused) }, "short"},
		"slower and slower":         {func(a *asking) { a.consent(); a.wrong(10, 200, event.ProbeRefused) }, "limited"},
		"five times 20 ms is quick": {func(a *asking) { a.consent(); a.wrong(10, 10, event.ProbeRefused) }, "unlimited"},
		"locked":                    {func(a *asking) { a.consent(); a.wrong(4, 0, event.ProbeLocked) }, "limited"},
		"unclear at the end":        {func(a *asking) { a.consent(); a.wrong(11, 0, event.ProbeUnclear) }, "short"},
		"no consent":                {func(a *asking) { a.wrong(10, 0, event.ProbeRefused) }, ""},
		"no packets":                {func(a *asking) { a.silent = true; a.consent(); a.wrong(10, 200, event.ProbeRefused) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking()
			c.play(a)
			got := ""
			for _, k := range []string{"limited", "delayed", "unlimited", "short"} {
				if intFact(t, a.sheet(), "probe.guess_"+k) > 0 {
					got += k
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAConstantDelay(t *testing.T) {
	p := probeWrong{refused: 10, first: 2 * time.Second, last: 2 * time.Second, fastest: time.Second}
	if p.isLimited() {
		t.Error("a constant delay is no limit")
	}
}

// get asks for a page without a password.
func (a *asking) get(port uint16, content, login string, status int) {
	box := a.talk(at(port), false, true, event.HTTPResponse{Status: status}, heard("http", 80, 500))
	a.note(event.ProbeNote{Kind: event.ProbeGet, Client: box, Server: at(port), Service: "http", Outcome: event.ProbeAnswered,
		Detail: map[string]string{"content": content, "login": login, "path": "/x"}})
}

func TestWhatOpensWithoutAPassword(t *testing.T) {
	for name, c := range map[string]struct {
		play func(*asking)
		want map[string]any
	}{
		"settings": {func(a *asking) { a.get(80, "settings", "none", 200) },
			map[string]any{"probe.opened_list": []string{"settings at tcp/80 /x"}}},
		"settings, but the packets say that it was refused": {func(a *asking) { a.get(80, "settings", "none", 401) },
			map[string]any{"probe.opened": int64(0), "probe.challenged": int64(1)}},
		"a page": {func(a *asking) { a.get(80, "page", "none", 200) }, map[string]any{"probe.opened": int64(0), "probe.page_list": []string{"tcp/80 http"}}},
		"a form": {func(a *asking) { a.get(80, "page", "form", 200) }, map[string]any{"probe.page": int64(0), "probe.challenged": int64(1)}},
		"nobody asked": {func(a *asking) { a.talk(at(9999), false, true) },
			map[string]any{"probe.unasked_list": []string{"tcp/9999"}, "probe.unnamed": int64(1), "probe.debug_unclear": int64(1)}},
		"discovery": {func(a *asking) { a.talk(at(5353), true, true, heard("mdns", 50, 90)) },
			map[string]any{"probe.unasked": int64(0), "probe.open": int64(1), "probe.undeclared": int64(0)}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking()
			c.play(a)
			want(t, a.sheet(), c.want)
		})
	}
}

func TestOldServices(t *testing.T) {
	for name, c := range map[string]struct {
		play func(*asking)
		want map[string]any
	}{
		"telnet greets": {func(a *asking) { a.service(23, "telnet", "prompt", heard("telnet", 0, 30)) },
			map[string]any{"probe.legacy_list": []string{"tcp/23 telnet"}, "probe.clear_only": int64(1)}},
		"telnet greets, nobody notes it": {func(a *asking) { a.talk(at(2323), false, true, event.ServiceBanner{Service: "telnet", Text: "login:"}) },
			map[string]any{"probe.legacy": int64(1)}},
		"telnet closes at once": {func(a *asking) { a.talk(at(23), false, true) },
			map[string]any{"probe.legacy": int64(0), "probe.legacy_closing_list": []string{"tcp/23"}}},
		"telnet is noted and was not heard": {func(a *asking) { a.service(23, "telnet", "prompt", heard("", 0, 0)) },
			map[string]any{"probe.legacy": int64(0), "probe.legacy_closing": int64(1), "probe.unbacked": int64(1)}},
		"TFTP answers from another port": {func(a *asking) {
			box := a.talk(at(69), true, false)
			ev := event.Event{Device: testDevice, Peer: boxHost, Client: at(50000), Server: box, Flow: 9999}
			for _, b := range []event.Body{event.FlowStarted{Transport: event.UDP, Guessed: true},
				event.FlowEnded{Transport: event.UDP, Client: event.Half{Packets: 1, Bytes: 20}}} {
				ev.Body = b
				a.put(ev)
			}
		}, map[string]any{"probe.legacy_list": []string{"udp/69"}}},
		"ssh alone": {func(a *asking) {
			a.service(22, "ssh", "protocol", heard("ssh", 20, 30), event.ServiceBanner{Service: "ssh", Text: "SSH-2.0-x"})
		},
			map[string]any{"probe.encrypted_services_list": []string{"tcp/22 ssh"}, "probe.clear_services": int64(0), "probe.reveals": int64(0)}},
		"ssh tells its version": {func(a *asking) {
			a.service(22, "ssh", "protocol", heard("ssh", 20, 30), event.ServiceBanner{Service: "ssh", Text: "SSH-2.0-dropbear_2019.78"})
		}, map[string]any{"probe.reveals_list": []string{"tcp/22 ssh (SSH-2.0-dropbear_2019.78)"}}},
		"adb": {func(a *asking) { a.service(5555, "adb", "none", heard("", 24, 80)) }, map[string]any{"probe.debug_list": []string{"tcp/5555 adb"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking()
			c.play(a)
			want(t, a.sheet(), c.want)
		})
	}
}

func TestDeclaredServices(t *testing.T) {
	a := newAsking()
	a.service(443, "https", "none", heard("tls", 10, 20))
	a.service(22, "ssh", "protocol", heard("ssh", 20, 30))
	for stated, w := range map[string]map[string]any{
		"":                 {"statement.services": false, "probe.undeclared": int64(2), "probe.undeclared_grave": int64(1)},
		"tcp/443, TCP/22":  {"statement.services": true, "probe.undeclared": int64(0)},
		"tcp/443":          {"statement.services": true, "probe.undeclared_grave_list": []string{"tcp/22 ssh"}},
		"none":             {"statement.services": true, "probe.undeclared": int64(2)},
		"tcp/443, all":     {"statement.services": false},
		"everything below": {"statement.services": false},
	} {
		want(t, a.sheet(statedServices, stated), w)
	}
}

func TestPages(t *testing.T) {
	for name, c := range map[string]struct {
		play func(*asking)
		want map[string]any
	}{
		"a demand in clear": {func(a *asking) { a.talk(at(80), false, true, event.HTTPResponse{Status: 401}, heard("http", 1, 1)) },
			map[string]any{"probe.page_http_login": int64(1), "probe.page_https": int64(0), "probe.login_services": int64(1)}},
		"a form in clear": {func(a *asking) {
			a.talk(at(80), false, true, event.HTTPResponse{Status: 200, LoginForm: true}, heard("http", 1, 1))
		},
			map[string]any{"probe.page_http_login_list": []string{"tcp/80 http (form)"}}},
		"it leads to HTTPS": {func(a *asking) {
			a.talk(at(80), false, true, event.HTTPResponse{Status: 301, Location: "https://192.168.1.10/"}, heard("http", 1, 1))
			a.service(443, "https", "form", heard("tls", 1, 1), event.ClientHello{}, event.ServerHello{Version: 0x0303, Suite: 0xc02f})
		}, map[string]any{"probe.page_redirects": int64(1), "probe.page_plain": int64(0), "probe.page_https_list": []string{"tcp/443 https"}}},
		"it leads to another page in clear": {func(a *asking) {
			a.talk(at(80), false, true, event.HTTPResponse{Status: 301, Location: "http://192.168.1.10/index"}, heard("http", 1, 1))
		}, map[string]any{"probe.page_redirects": int64(0), "probe.page_plain": int64(1)}},
		"HTTPS is noted, and no handshake was seen": {func(a *asking) { a.service(443, "https", "form", heard("tls", 1, 1)) },
			map[string]any{"probe.page_https": int64(0)}},
		"a port that does not answer": {func(a *asking) { a.talk(at(8080), false, true) }, map[string]any{"probe.page_mute_list": []string{"tcp/8080"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking()
			c.play(a)
			want(t, a.sheet(), c.want)
		})
	}
}

// shake is one handshake; a choice of 0 is a refusal by an alert.
func (a *asking) shake(best uint16, suites []uint16, version, suite uint16) {
	hello := event.ClientHello{Versions: []uint16{best}, Legacy: best, Suites: suites, EMS: true}
	answer := event.Body(event.TLSAlert{From: event.FromServer, Level: 2, Description: 40})
	if suite != 0 {
		answer = event.ServerHello{Version: version, Suite: suite, EMS: true}
	}
	a.talk(at(443), false, true, hello, answer, heard("tls", 200, 50))
}

func TestOwnTLS(t *testing.T) {
	strong, cbc, static, broken := []uint16{0xc02f}, []uint16{0xc013}, []uint16{0x009c}, []uint16{0x000a}
	refusals := func(a *asking) {
		a.shake(0x0302, cbc, 0, 0)
		a.shake(0x0303, cbc, 0, 0)
		a.shake(0x0303, static, 0, 0)
		a.shake(0x0303, broken, 0, 0)
	}
	for name, c := range map[string]struct {
		play func(*asking)
		want map[string]any
	}{
		"strong alone": {func(a *asking) { a.shake(0x0303, strong, 0x0303, 0xc02f); refusals(a) },
			map[string]any{"probe.tls_services": int64(1), "probe.tls_insufficient": int64(0), "probe.tls_phase_out": int64(0), "probe.tls_unsettled": int64(0)}},
		"only the strong one was asked": {func(a *asking) { a.shake(0x0303, strong, 0x0303, 0xc02f) },
			map[string]any{"probe.tls_unsettled": int64(1)}},
		"everything is refused": {refusals, map[string]any{"probe.tls_services": int64(0)}},
		"TLS 1.1": {func(a *asking) { a.shake(0x0302, cbc, 0x0302, 0xc013) },
			map[string]any{"probe.tls_insufficient_list": []string{"tcp/443 tls (TLS 1.1)"}}},
		"CBC": {func(a *asking) { a.shake(0x0303, cbc, 0x0303, 0xc013) },
			map[string]any{"probe.tls_insufficient": int64(0), "probe.tls_phase_out": int64(1)}},
		"static": {func(a *asking) { a.shake(0x0303, static, 0x0303, 0x009c) }, map[string]any{"probe.tls_insufficient": int64(1)}},
		"closed without a word, and never again heard": {func(a *asking) {
			a.shake(0x0303, strong, 0x0303, 0xc02f)
			for _, s := range [][]uint16{cbc, static, broken} {
				a.talk(at(443), false, true, event.ClientHello{Versions: []uint16{0x0303}, Suites: s})
			}
		}, map[string]any{"probe.tls_unsettled_list": []string{
			"tcp/443 tls (not settled: TLS 1.0 and 1.1, suites to phase out, suites without forward secrecy, broken suites)"}}},
		"closed without a word, and then a choice": {func(a *asking) {
			for _, s := range [][]uint16{cbc, static, broken} {
				a.talk(at(443), false, true, event.ClientHello{Versions: []uint16{0x0303}, Suites: s})
			}
			a.shake(0x0303, strong, 0x0303, 0xc02f)
		}, map[string]any{"probe.tls_unsettled_list": []string{"tcp/443 tls (not settled: TLS 1.0 and 1.1)"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking()
			c.play(a)
			want(t, a.sheet(), c.want)
		})
	}
}

func TestKeysOfTwoUnits(t *testing.T) {
	key, other := strings.Repeat("a1", 32), strings.Repeat("b2", 32)
	a := newAsking()
	box := a.talk(at(443), false, true, event.ClientHello{}, event.ServerHello{Version: 0x0304, Suite: 0x1301}, heard("tls", 1, 1))
	a.note(event.ProbeNote{Kind: event.ProbeTLS, Client: box, Server: at(443), Outcome: event.ProbeAnswered, Detail: map[string]string{"spki": key}})
	want(t, a.sheet(), map[string]any{"probe.keys_list": []string{"tcp/443 " + key}, "statement.other_keys": false, "probe.keys_unseen": int64(0)})
	want(t, a.sheet(statedOtherKeys, other), map[string]any{"statement.other_keys": true, "probe.keys_shared": int64(0)})
	want(t, a.sheet(statedOtherKeys, other+", "+strings.ToUpper(key)), map[string]any{"probe.keys_shared": int64(1)})
	want(t, a.sheet(statedOtherKeys, other+", none"), map[string]any{"statement.other_keys": false, "probe.keys_shared": int64(0)})
}

func TestAnswersOverUDP(t *testing.T) {
	a := newAsking()
	a.talk(at(1900), true, true, heard("ssdp", 100, 250))
	a.talk(at(161), true, false, event.FlowEnded{How: event.EndedBySilence, Client: event.Half{Packets: 1, Bytes: 40}})
	want(t, a.sheet(), map[string]any{"probe.udp_ratio": 2.5, "probe.udp_ratio_far": 0.0, "probe.udp_tried": int64(2), "probe.udp_answered": int64(1),
		"probe.udp_list": []string{"udp/1900: 250 bytes for 100"}})
	a.talkFrom(netip.MustParseAddrPort("198.51.100.7:40000"), at(1900), true, true, heard("ssdp", 100, 1200))
	want(t, a.sheet(), map[string]any{"probe.udp_ratio": 12.0, "probe.udp_ratio_far": 12.0})
}

// Two services asked from one socket are two questions.
func TestOneSocketAsksTwoServices(t *testing.T) {
	a := newAsking()
	box := netip.AddrPortFrom(boxAddr, 40000)
	a.talkFrom(box, at(1900), true, true, heard("ssdp", 100, 100))
	a.talkFrom(box, at(5683), true, true, heard("coap", 10, 50))
	want(t, a.sheet(), map[string]any{"probe.udp_ratio": 5.0, "probe.udp_answered": int64(2), "probe.udp_tried": int64(2)})
}

func TestConsentIsTold(t *testing.T) {
	a := newAsking()
	want(t, a.sheet(), map[string]any{"probe.consent": false, "statement.first_password": "open", "statement.password_state": "open"})
	a.consent()
	want(t, a.sheet("first-password", "Label", "password-state", "whatever"),
		map[string]any{"probe.consent": true, "statement.first_password": "label", "statement.password_state": "open"})
}

func TestConsentBeforeTheDeviceIsSeen(t *testing.T) {
	a := &asking{o: NewObserver(), port: 33000}
	a.consent()
	a.join()
	a.logins(1, event.ProbeAccepted, event.OutcomeAccepted)
	want(t, a.sheet(), map[string]any{"probe.consent": true, "probe.login_accepted": int64(1)})
}

func TestAnEmptyConsentIsNone(t *testing.T) {
	a := newAsking()
	a.put(event.Event{Body: noteOf(event.NoteConsent, event.ConsentNote{Model: "M"})})
	a.logins(1, event.ProbeAccepted, event.OutcomeAccepted)
	want(t, a.sheet(), map[string]any{"probe.consent": false, "probe.login_accepted": int64(0)})
}

func TestDiscoveryTellsAVersion(t *testing.T) {
	a := newAsking()
	box := netip.AddrPortFrom(boxAddr, 40000)
	a.note(event.ProbeNote{Kind: event.ProbeOpen, Client: box, Server: at(1900), UDP: true})
	ev := event.Event{Device: boxHost, Peer: testDevice, Client: box, Server: at(1900), Flow: 77}
	for _, b := range []event.Body{event.FlowStarted{Transport: event.UDP}, event.FlowEstablished{Transport: event.UDP},
		event.Announced{Protocol: "ssdp", Texts: []string{"server: Linux/3.10 UPnP/1.0"}}, heard("ssdp", 50, 90)} {
		ev.Body, ev.Device, ev.Peer = b, boxHost, testDevice
		switch over := b.(type) {
		case event.Announced: // the server speaks: its host acts, the ends stay
			ev.Device, ev.Peer = testDevice, boxHost
		case event.FlowEnded:
			over.Transport = event.UDP
			ev.Body = over
		}
		a.put(ev)
	}
	want(t, a.sheet(), map[string]any{"probe.reveals_list": []string{"udp/1900 ssdp (Linux/3.10 UPnP/1.0)"}})
}
