package fact

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/event"
)

// asking plays a box that asks a device itself.
type asking struct {
	o    *Observer
	ref  event.Ref
	port uint16 // of the box
	// silent leaves the packets of the conversations out of the log.
	silent bool
}

var askV6 = netip.MustParseAddr("2001:db8::10")

func newAsking() *asking {
	a := &asking{o: NewObserver(), port: 33000}
	a.join()
	return a
}

func (a *asking) join() {
	a.put(event.Event{Device: testDevice, Body: event.AddressUsed{Addr: askAddr}})
	a.put(event.Event{Body: boxNote()})
}

func (a *asking) put(e event.Event) {
	a.ref++
	e.At, e.Ref, e.First = testStart, a.ref, a.ref
	a.o.Add(e)
}

func (a *asking) note(n event.ProbeNote) { a.put(event.Event{Body: noteOf(event.NoteProbe, n)}) }

func (a *asking) consent() {
	a.put(event.Event{Body: noteOf(event.NoteConsent, event.ConsentNote{Tester: "T", Owner: "O", Model: "M"})})
}

// talk is one conversation with the device, in which it says the bodies; it returns the
// end of the box. A service that is not open refuses.
func (a *asking) talk(device netip.AddrPort, udp, open bool, bodies ...event.Body) netip.AddrPort {
	a.port++
	box := netip.AddrPortFrom(boxAddr, a.port)
	if device.Addr().Is6() {
		box = netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), a.port)
	}
	return a.talkFrom(box, device, udp, open, bodies...)
}

func (a *asking) talkFrom(box, device netip.AddrPort, udp, open bool, bodies ...event.Body) netip.AddrPort {
	a.note(event.ProbeNote{Kind: event.ProbeOpen, Client: box, Server: device, UDP: udp})
	if a.silent {
		return box
	}
	ev := event.Event{Device: boxHost, Peer: testDevice, Client: box, Server: device, Flow: event.FlowID(a.ref)}
	say := func(b event.Body) { ev.Body = b; a.put(ev) }
	transport := map[bool]event.Transport{true: event.UDP, false: event.TCP}[udp]
	say(event.FlowStarted{Transport: transport})
	end := event.FlowEnded{Transport: transport, How: event.EndedByReset, Client: event.Half{Packets: 1}, Server: event.Half{Packets: 1}}
	if open {
		say(event.FlowEstablished{Transport: transport})
		end.Established, end.How = true, event.EndedByClose
	}
	for _, b := range bodies {
		if over, ok := b.(event.FlowEnded); ok {
			end.Client, end.Server, end.Protocol, end.How = over.Client, over.Server, over.Protocol, over.How
			continue
		}
		say(b)
	}
	say(end)
	return box
}

// heard is the end of a conversation in which the device sent bytes.
func heard(protocol string, asked, got uint64) event.FlowEnded {
	return event.FlowEnded{Protocol: protocol, How: event.EndedByClose, Client: event.Half{Packets: 2, Bytes: asked}, Server: event.Half{Packets: 2, Bytes: got}}
}

func at(port uint16) netip.AddrPort { return netip.AddrPortFrom(askAddr, port) }

// service lets a port answer and tells what it speaks.
func (a *asking) service(port uint16, name, login string, end event.FlowEnded, bodies ...event.Body) {
	box := a.talk(at(port), false, true, append(bodies, end)...)
	a.note(event.ProbeNote{Kind: event.ProbeService, Client: box, Server: at(port), Service: name, Outcome: event.ProbeAnswered,
		Detail: map[string]string{"login": login}})
}

// scan tries all ports of an address; those that are named accept. From the first
// port that answers no more on, the device is silent.
func (a *asking) scan(addr netip.Addr, deadFrom int, open ...uint16) {
	box := netip.AddrPortFrom(boxAddr, 32900)
	if addr.Is6() {
		box = netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), 32900)
	}
	for p := 1; p <= allPorts; p++ {
		accepts := false
		for _, q := range open {
			accepts = accepts || int(q) == p
		}
		silence := event.FlowEnded{How: event.EndedBySilence, Client: event.Half{Packets: 3}}
		to := netip.AddrPortFrom(addr, uint16(p))
		if p >= deadFrom {
			a.talkFrom(box, to, false, false, silence)
		} else {
			a.talkFrom(box, to, false, accepts)
		}
	}
	for _, p := range open { // a second look
		if deadFrom > allPorts {
			a.talkFrom(box, netip.AddrPortFrom(addr, p), false, true)
		}
	}
	a.note(event.ProbeNote{Kind: event.ProbeScan, Server: netip.AddrPortFrom(addr, 0), Outcome: event.ProbeDone, Detail: map[string]string{"ports": "all"}})
}

func (a *asking) sheet(statements ...string) *Sheet {
	c := Closing{Statements: map[string]string{}}
	for i := 0; i+1 < len(statements); i += 2 {
		c.Statements[statements[i]] = statements[i+1]
	}
	return a.o.Sheet(testDevice, c)
}

func TestAllPorts(t *testing.T) {
	for name, c := range map[string]struct {
		play func(*asking)
		want map[string]any
	}{
		"all tried": {func(a *asking) { a.scan(askAddr, 1<<16, 80, 443) },
			map[string]any{"probe.scan_full": true, "probe.open_list": []string{"tcp/443", "tcp/80"}, "probe.ports_tried": int64(65535),
				"probe.legacy_tried": int64(5), "probe.debug_tried": int64(6), "probe.scan_patchy": false}},
		"the device died on the way": {func(a *asking) { a.scan(askAddr, 30000, 80) },
			map[string]any{"probe.scan_full": false, "probe.scanned": true, "probe.scan_patchy": true}},
		"no answer at all": {func(a *asking) { a.scan(askAddr, 1) },
			map[string]any{"probe.scan_full": false, "probe.scanned": false, "probe.ports_tried": int64(65535)}},
		"IPv6 was left out": {func(a *asking) {
			a.put(event.Event{Device: testDevice, Body: event.AddressUsed{Addr: askV6}})
			a.scan(askAddr, 1<<16, 80)
		}, map[string]any{"probe.scan_full": false, "probe.scan_full_ipv4": true, "probe.scan_full_ipv6": false}},
		"both, and one port more over IPv6": {func(a *asking) {
			a.put(event.Event{Device: testDevice, Body: event.AddressUsed{Addr: askV6}})
			a.scan(askAddr, 1<<16, 80)
			a.scan(askV6, 1<<16, 80, 23)
		}, map[string]any{"probe.scan_full": true, "probe.ipv6_only_list": []string{"tcp/23"}}},
		"a scan that was stopped": {func(a *asking) {
			a.scan(askAddr, 1<<16, 80)
			a.note(event.ProbeNote{Kind: event.ProbeScan, Server: at(0), Outcome: event.ProbeStopped})
		}, map[string]any{"probe.scan_full": false, "probe.scan_stopped": int64(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAsking()
			c.play(a)
			want(t, a.sheet(), c.want)
		})
	}
}

// logins tries so many passwords at a service that asks for one.
func (a *asking) logins(n int, outcome string, says event.LoginOutcome) {
	a.service(80, "http", "basic", heard("http", 80, 200), event.HTTPResponse{Status: 401})
	for i := range n {
		box := a.talk(at(80), false, true, event.Login{Service: "http", User: "admin", Outcome: says}, heard("http", 90, 100))
		a.note(event.ProbeNote{Kind: event.ProbeLogin, Client: box, Server: at(80), Service: "http", Outcome: outcome, Tries: i + 1, Pair: i + 1, User: "admin"})
	}
}

func (a *asking) sum(outcome string, tries int) {
	a.note(event.ProbeNote{Kind: event.ProbeLogins, Server: at(80), Service: "http", Outcome: outcome, Tries: tries})
}

func TestFactoryPasswordsThatWereTried(t *testing.T) {
	const refused, accepted = event.OutcomeRefused, event.OutcomeAccepted
	for name, c := range map[string]struct {
		play func(*asking)
		want string // where the one service stands, and with which attempts
	}{
		"all refused": {func(a *asking) { a.consent(); a.logins(15, event.ProbeRefused, refused); a.sum(event.ProbeDone, 15) }, "settled 15"},
		"one accepted": {func(a *asking) {
			a.consent()
			a.logins(1, event.ProbeAccepted, accepted)
			a.sum(event.ProbeAccepted, 1)
		}, "accepted 1"},
		"one accepted, the answer was not read": {func(a *asking) { a.consent(); a.logins(1, event.ProbeAccepted, event.OutcomeUnseen) }, "accepted 1"},
		"no consent":                            {func(a *asking) { a.logins(15, event.ProbeRefused, refused); a.sum(event.ProbeDone, 15) }, "troubled 0"},
		"consent came later":                    {func(a *asking) { a.logins(1, event.ProbeAccepted, accepted); a.consent() }, "troubled 0"},
		"one attempt is missing":                {func(a *asking) { a.consent(); a.logins(14, event.ProbeRefused, refused); a.sum(event.ProbeDone, 15) }, "untried 14"},
		"stopped":                               {func(a *asking) { a.consent(); a.logins(4, event.ProbeRefused, refused); a.sum(event.ProbeStopped, 4) }, "troubled 4"},
		"locked":                                {func(a *asking) { a.consent(); a.logins(4, event.ProbeRefused, refused); a.sum(event.ProbeLocked, 5) }, "troubled 4"},
		"not summed up":                         {func(a *asking) { a.consent(); a.logins(4, event.ProbeRefused, refused) }, "untried 4"},
		"summed up, none made":                  {func(a *asking) { a.consent(); a.logins(0, "", 0); a.sum(event.ProbeDone, 0) }, "untried 0"},
		"the packets say it was refused":        {func(a *asking) { a.consent(); a.logins(1, event.ProbeAccepted, refused) }, "troubled 0"},
		"the packets say it was accepted":       {func(a *asking) { a.consent(); a.logins(1, event.ProbeRefused, accepted) }, "troubled 0"},
		"no packets of the last attempt": {func(a *asking) {
			a.consent()
			a.logins(15, event.ProbeRefused, refused)
			a.note(event.ProbeNote{Kind: event.ProbeLogin, Client: netip.MustParseAddrPort("192.168.1.1:50000"), Server: at(80), Outcome: event.ProbeRefused})
			a.sum(event.ProbeDone, 15)
		}, "troubled 15"},
		"not a packet": {func(a *asking) {
			a.silent = true
			a.consent()
			a.logins(15, event.ProbeRefused, refused)
			a.sum(event.ProbeDone, 15)
		}, " 0"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking()
			c.play(a)
			s := a.sheet()
			got := ""
			for _, k := range []string{"accepted", "settled", "troubled", "untried"} {
				if intFact(t, s, "probe.login_"+k) > 0 {
					got += k
				}
			}
			if got += fmt.Sprintf(" %d", intFact(t, s, "probe.login_tried")); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if n := intFact(t, s, "login.total"); n != 0 {
				t.Errorf("%d logins are held against the device", n)
			}
		})
	}
}

// Notes without a packet, whatever they say, state nothing about the device.
func TestProbeNotesWithoutPacketsSayNothing(t *testing.T) {
	plain, told := newAsking(), newAsking()
	told.silent = true
	told.consent()
	told.logins(3, event.ProbeAccepted, event.OutcomeAccepted)
	told.service(443, "https", "form", heard("tls", 1, 1))
	told.wrong(12, 0, event.ProbeRefused)
	for _, kind := range []string{event.ProbeGet, event.ProbeTLS, event.ProbeUDP, event.ProbeLockouts, event.ProbeScan, event.ProbeLogins} {
		told.note(event.ProbeNote{Kind: kind, Server: at(80), Outcome: event.ProbeDone, Tries: 15, Detail: map[string]string{
			"content": "settings", "ports": "all", "open": "", "spki": strings.Repeat("a", 64), "asked": "1", "answered": "1000", "first": "1", "last": "9000"}})
		told.note(event.ProbeNote{Kind: kind, Server: at(80), Client: netip.MustParseAddrPort("192.168.1.1:40000"), Outcome: event.ProbeAnswered,
			Detail: map[string]string{"content": "settings", "login": "basic"}})
	}
	want := plain.sheet()
	for _, f := range told.sheet().All() {
		w, _ := want.Get(f.Key)
		if strings.HasPrefix(f.Key, "probe.") && fmt.Sprint(w.Value) != fmt.Sprint(f.Value) &&
			f.Key != "probe.unbacked" && f.Key != "probe.consent" && f.Key != "probe.scan_stopped" { // which only hold back
			t.Errorf("%s is %v", f.Key, f.Value)
		}
	}
}

// wrong tries wrong passwords; each answer takes longer than the one before by step.
func (a *asking) wrong(n int, step int, last string) {
	a.service(80, "http", "basic", heard("http", 80, 200), event.HTTPResponse{Status: 401})
	for i := range n {
		outcome := event.ProbeRefused
		if i == n-1 {
			outcome = last
		}
		box := a.talk(at(80), false, true, heard("http", 90, 100))
		a.note(event.ProbeNote{Kind: event.ProbeLockout, Client: box, Server: at(80), Service: "http", Outcome: outcome,
			Took: time.Duration(20+step*i) * time.Millisecond})
	}
}
