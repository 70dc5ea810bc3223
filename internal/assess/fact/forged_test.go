package fact_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// forgery plays a device whose TLS connections are intercepted.
type forgery struct {
	o    *fact.Observer
	ref  event.Ref
	port uint16
	// hidden leaves the packets of the connections out of the log.
	hidden bool
	// alerts makes the device send nothing but an alert, protected as in TLS 1.3.
	alerts bool
}

func newForgery() *forgery {
	f := &forgery{o: fact.NewObserver(), port: 40000}
	f.put(event.Event{Body: event.AddressUsed{Addr: deviceAddr}})
	f.boot()
	return f
}

func (f *forgery) put(e event.Event) {
	f.ref++
	e.At, e.Ref, e.First = time.Unix(1_700_000_000+int64(f.ref), 0).UTC(), f.ref, f.ref
	e.Device, e.Peer = sceneDevice, sceneRouter
	f.o.Add(e)
}

func (f *forgery) boot() {
	f.put(event.Event{Body: event.DNSAsked{Kind: event.DNSUnicast, Name: "cam.example."}})
	f.put(event.Event{Body: event.DHCP4{Type: 1}})
}

// connect is one connection that the box handled, as the note has it, with the
// packets that belong to it.
func (f *forgery) connect(n event.InterceptNote) {
	f.port++
	n.Client, n.Server, n.Phase = netip.AddrPortFrom(deviceAddr, f.port), tlsCloud, event.Ended
	packets := func(bodies ...event.Body) {
		for _, b := range bodies {
			if !f.hidden {
				f.put(event.Event{Client: n.Client, Server: n.Server, Flow: event.FlowID(f.port), Body: b})
			}
		}
	}
	packets(hello13("cam.example"))
	begun := n
	begun.Phase = event.Begun
	f.note(begun)
	packets(choice(0x0304, 0x1301))
	if n.Outcome == event.InterceptAccepted || n.Outcome == event.InterceptPassed {
		packets(f.done()...)
	}
	f.note(n)
}

func (f *forgery) done() []event.Body {
	if f.alerts {
		return []event.Body{event.TLSAppData{From: event.FromClient, Length: 19}}
	}
	return done13()
}

func (f *forgery) note(n event.InterceptNote) {
	js, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	f.put(event.Event{Body: event.NoteSeen{Kind: event.NoteIntercept, JSON: js}})
}

// What the box chose in a server's place says nothing of the service.
func TestForgedServersAreNotTheService(t *testing.T) {
	f := newForgery()
	f.accept(event.CaseSelfSigned)
	if got := tlsValues(f.o.Sheet(sceneDevice, fact.Closing{}), "tls.hellos", "tls.completed"); got != "hellos=1 completed=0" {
		t.Error(got)
	}
	f.pass()
	if got := tlsValues(f.o.Sheet(sceneDevice, fact.Closing{}), "tls.hellos", "tls.completed"); got != "hellos=2 completed=1" {
		t.Error(got)
	}
}

func (f *forgery) pass() {
	f.connect(event.InterceptNote{Case: event.CasePass, Outcome: event.InterceptPassed})
}

// TestAnAlertIsNoConversation: in TLS 1.3 a refusal is sent as application data.
func TestAnAlertIsNoConversation(t *testing.T) {
	f := newForgery()
	f.alerts = true
	f.pass()
	for range 2 {
		f.refuse(event.CaseUnknownCA, 10)
		f.boot()
	}
	f.refuse(event.CaseUnknownCA, 1)
	f.pass()
	const want = "unclear [cam.example:443 (no untouched connection that worked before and after)]"
	if got := f.standing(t, "unknown_ca"); got != want {
		t.Errorf("it stands %s, want %s", got, want)
	}
}

func (f *forgery) refuse(flaw string, times int) {
	for range times {
		f.connect(event.InterceptNote{Case: flaw, Outcome: event.InterceptRefused, Alerted: true, Alert: 48})
	}
}

func (f *forgery) accept(flaw string) {
	f.connect(event.InterceptNote{Case: flaw, Outcome: event.InterceptAccepted, AppBytes: 120})
}

// standing is where the one destination stands with a flaw, with its words.
func (f *forgery) standing(t interface{ Fatalf(string, ...any) }, word string) string {
	s := f.o.Sheet(sceneDevice, fact.Closing{})
	found := ""
	for _, k := range []string{"accepted", "unclear", "short", "settled", "untried"} {
		names, ok := s.Get("forged." + word + "_" + k + "_names")
		if !ok {
			t.Fatalf("there is no fact forged.%s_%s_names", word, k)
		}
		if l, _ := names.Value.([]string); len(l) > 0 {
			found += fmt.Sprintf("%s %v", k, l)
		}
	}
	return found
}

func TestWhereADestinationStandsWithAFlaw(t *testing.T) {
	const flaw, word = event.CaseUnknownCA, "unknown_ca"
	for _, c := range []struct {
		name string
		play func(*forgery)
		want string
	}{
		{"refused ten times in a row in two boots", func(f *forgery) {
			f.pass()
			f.refuse(flaw, 10)
			f.boot()
			f.refuse(flaw, 10)
			f.pass()
		}, "settled [cam.example:443 (20 refusals in 2 boots)]"},
		{"one boot only", func(f *forgery) { f.pass(); f.refuse(flaw, 10); f.pass() },
			"short [cam.example:443 (10 refusals in a row, 1 boot)]"},
		{"twelve refusals, but never ten in one boot", func(f *forgery) {
			f.pass()
			f.refuse(flaw, 6)
			f.boot()
			f.refuse(flaw, 6)
			f.pass()
		}, "short [cam.example:443 (6 refusals in a row, 2 boots)]"},
		{"every fourth is accepted", func(f *forgery) { f.pass(); f.refuse(flaw, 3); f.accept(flaw); f.refuse(flaw, 3) },
			"accepted [cam.example:443 (at try 4 of 7)]"},
		{"the genuine server never worked", func(f *forgery) { f.refuse(flaw, 10); f.boot(); f.refuse(flaw, 10) },
			"unclear [cam.example:443 (no untouched connection that worked before and after)]"},
		{"the genuine server did not work afterwards", func(f *forgery) { f.pass(); f.refuse(flaw, 10); f.boot(); f.refuse(flaw, 10) },
			"unclear [cam.example:443 (no untouched connection that worked before and after)]"},
		{"a handshake without data is no acceptance", func(f *forgery) {
			f.pass()
			f.connect(event.InterceptNote{Case: flaw, Outcome: event.InterceptCompleted})
			f.pass()
		}, "unclear [cam.example:443 (the handshake was completed, but the device sent no data)]"},
		{"an acceptance without a byte is none", func(f *forgery) {
			f.pass()
			f.connect(event.InterceptNote{Case: flaw, Outcome: event.InterceptAccepted})
			f.pass()
		}, "unclear [cam.example:443 (the packets do not show what was noted)]"},
		{"nothing in common", func(f *forgery) {
			f.pass()
			f.connect(event.InterceptNote{Case: flaw, Outcome: event.InterceptNoHello})
			f.pass()
		}, "unclear [cam.example:443 (no common version, cipher suite and key type)]"},
		{"not tried", func(f *forgery) { f.pass() }, "untried [cam.example:443]"},
		{"notes without packets", func(f *forgery) { f.hidden = true; f.pass(); f.refuse(flaw, 20); f.accept(flaw) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newForgery()
			c.play(f)
			if got := f.standing(t, word); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNotesWithoutPacketsAreCounted(t *testing.T) {
	f := newForgery()
	f.hidden = true
	f.accept(event.CaseSelfSigned)
	if got := tlsValues(f.o.Sheet(sceneDevice, fact.Closing{}), "forged.unbacked", "forged.destinations", "forged.self_signed_attempts"); got != "forged.unbacked=1 forged.destinations=0 forged.self_signed_attempts=0" {
		t.Error(got)
	}
}

func TestADeviceThatGivesInIsFound(t *testing.T) {
	f := newForgery()
	f.pass()
	f.refuse(event.CaseUnknownCA, 3)
	f.accept(event.CaseUnknownCA)
	want := "forged.unknown_ca_gave_in=1 forged.unknown_ca_gave_in_names=[cam.example:443 (after 3 refusals)] forged.unknown_ca_run_most=3"
	if got := tlsValues(f.o.Sheet(sceneDevice, fact.Closing{}), "forged.unknown_ca_gave_in", "forged.unknown_ca_gave_in_names", "forged.unknown_ca_run_most"); got != want {
		t.Error(got)
	}
}

func TestOldVersionsAreToldFromBadCertificates(t *testing.T) {
	for _, c := range []struct {
		name  string
		alert event.InterceptNote
		want  string
	}{
		{"protocol_version", event.InterceptNote{Alerted: true, Alert: 70}, "settled [cam.example:443]"},
		{"unknown_ca: the version was taken", event.InterceptNote{Alerted: true, Alert: 48}, "accepted [cam.example:443 (it judged the certificate, not the version)]"},
		{"internal_error: it stumbled over something later", event.InterceptNote{Alerted: true, Alert: 80}, "unclear [cam.example:443 (refused with an alert that does not say that it minded the version)]"},
		{"silence that is unlike its answer to a certificate", event.InterceptNote{}, "settled [cam.example:443]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newForgery()
			f.pass()
			f.refuse(event.CaseUnknownCA, 1)
			c.alert.Case, c.alert.Outcome = event.CaseTLS11, event.InterceptRefused
			f.connect(c.alert)
			f.pass()
			if got := f.standing(t, "tls11"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Without the untouched connections nothing is ever settled, whatever came between.
func TestNothingIsSettledWithoutControls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newForgery()
		f.o.Sheet(sceneDevice, fact.Closing{})
		first, last := rapid.Bool().Draw(t, "first"), rapid.Bool().Draw(t, "last")
		if first {
			f.pass()
		}
		for range rapid.IntRange(0, 3).Draw(t, "boots") {
			f.boot()
			f.refuse(event.CaseSelfSigned, rapid.IntRange(0, 14).Draw(t, "tries"))
		}
		if last {
			f.pass()
		}
		s := f.o.Sheet(sceneDevice, fact.Closing{})
		settled, _ := s.Get("forged.self_signed_settled")
		if n, _ := settled.Value.(int64); n > 0 && (!first || !last) {
			t.Fatalf("settled with first=%v last=%v", first, last)
		}
	})
}
