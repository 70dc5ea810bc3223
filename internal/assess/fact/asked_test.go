package fact

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"assay/internal/assess/event"
)

// The box of the tests about its own questions.
var (
	boxHost = event.HostByMAC([6]byte{2, 0, 0, 0, 0, 0x01})
	boxAddr = netip.MustParseAddr("192.168.1.1")
	askAddr = netip.MustParseAddr("192.168.1.10") // of testDevice
)

func noteOf(kind string, body any) event.NoteSeen {
	js, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return event.NoteSeen{Kind: kind, JSON: js}
}

// boxNote tells where the box is.
func boxNote() event.NoteSeen {
	return noteOf(noteNetwork, map[string]string{
		"what": "up", "offered": "N2", "mac": "02:00:00:00:00:01", "ipv4": "192.168.1.1/24",
		"ipv6": "2001:db8::1/64", "link_local": "fe80::1",
	})
}

func openNote(client, server string, udp bool) event.NoteSeen {
	return noteOf(event.NoteProbe, event.ProbeNote{Kind: event.ProbeOpen, UDP: udp,
		Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort(server)})
}

// exceptProbe are the facts about a host that are not about the box's questions.
func exceptProbe(s *Sheet) map[string]any {
	out := map[string]any{}
	for _, f := range s.All() {
		if !strings.HasPrefix(f.Key, "probe.") {
			out[f.Key] = f.Value
		}
	}
	return out
}

// askSomething is a conversation of the box with the device, of anything at all.
func askSomething(r *rand.Rand, number int) []event.Event {
	udp := r.IntN(2) == 0
	transport := event.TCP
	if udp {
		transport = event.UDP
	}
	box := netip.AddrPortFrom(boxAddr, uint16(33000+number))
	device := netip.AddrPortFrom(askAddr, []uint16{80, 23, 443, 161, 1900}[r.IntN(5)])
	out := []event.Event{{Body: noteOf(event.NoteProbe, event.ProbeNote{Kind: event.ProbeOpen, Client: box, Server: device, UDP: udp})}}
	add := func(b event.Body) {
		ev := event.Event{Device: boxHost, Peer: testDevice, Client: box, Server: device, Flow: event.FlowID(1000 + number), Body: b}
		if udp && r.IntN(3) == 0 { // the answer comes from another port
			ev.Device, ev.Peer, ev.Client, ev.Server = testDevice, boxHost, netip.AddrPortFrom(askAddr, 50000), box
		} else if r.IntN(4) == 0 { // the device speaks in the box's conversation
			ev.Device, ev.Peer = testDevice, boxHost
		}
		out = append(out, ev)
	}
	add(event.FlowStarted{Transport: transport, Guessed: udp})
	for range 6 {
		body := reflect.New(reflect.TypeOf(allBodies[r.IntN(len(allBodies))])).Elem()
		fill(r, body)
		b := body.Interface().(event.Body)
		switch b.(type) {
		case event.FlowStarted, event.FlowEnded, event.NoteSeen, event.RouterAdvertised, event.AddressUsed, event.FramesLost:
			continue // not of a conversation, or once only
		}
		add(b)
	}
	add(event.FlowEnded{Transport: transport, Protocol: "http", Server: event.Half{Bytes: 9, Missing: 3}})
	return out
}

// What the box asks a device itself changes no fact but those about the answers.
func TestQuestionsOfTheBoxAreNotTheDevicesDoing(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		plain, asked := NewObserver(), NewObserver()
		ref := event.Ref(0)
		tell := func(o *Observer, e event.Event) {
			if e.Ref == 0 {
				ref++
				e.At, e.Ref, e.First = testStart, ref, ref
			}
			o.Add(e)
		}
		tell(plain, event.Event{Device: boxHost, Body: boxNote()})
		tell(asked, event.Event{Device: boxHost, Body: boxNote()})
		for i := range 300 {
			ev := someEvent(r, i+1)
			tell(plain, ev)
			tell(asked, ev)
			if r.IntN(8) == 0 {
				for _, q := range askSomething(r, i) {
					tell(asked, q)
				}
			}
		}
		c := Closing{Credentials: []Credential{{Service: "any", User: "dns", Secret: "hunter22"}}}
		want, got := exceptProbe(plain.Sheet(testDevice, c)), exceptProbe(asked.Sheet(testDevice, c))
		for key, v := range want {
			if !reflect.DeepEqual(v, got[key]) {
				t.Errorf("seed %d: %s is %v, with the box's questions %v", seed, key, v, got[key])
			}
		}
		if len(want) != len(got) {
			t.Errorf("seed %d: %d facts, with the box's questions %d", seed, len(want), len(got))
		}
		compareSurroundings(t, plain, asked)
	}
}

// compareSurroundings compares what else is told of the device.
func compareSurroundings(t *testing.T, plain, asked *Observer) {
	t.Helper()
	here := func(h Host) bool { return h.ID == testDevice }
	a, b := plain.Hosts(), asked.Hosts()
	if i, j := slices.IndexFunc(a, here), slices.IndexFunc(b, here); !reflect.DeepEqual(a[i], b[j]) {
		t.Errorf("the host is %+v, with the box's questions %+v", a[i], b[j])
	}
	c, _ := plain.Destinations(testDevice)
	d, _ := asked.Destinations(testDevice)
	if !reflect.DeepEqual(c, d) {
		t.Errorf("destinations %v, with the box's questions %v", c, d)
	}
}

// A note hides nothing but a conversation of the box itself that follows it.
func TestANoteHidesNoOtherConversation(t *testing.T) {
	login := event.Login{Service: "http", User: "admin", Secret: event.NewSecret("12345"), Outcome: event.OutcomeAccepted, Where: "/"}
	guest := event.HostByMAC([6]byte{2, 0, 0, 0, 0, 0x77})
	talk := func(by, with event.HostID, client, server string, start event.FlowStarted) []event.Event {
		ev := event.Event{Device: by, Peer: with, Flow: 7, Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort(server)}
		out := []event.Event{ev, ev}
		out[0].Body, out[1].Body = start, login
		return out
	}
	tcp := event.FlowStarted{Transport: event.TCP}
	at := func(client string) []event.Event { return talk(boxHost, testDevice, client, "192.168.1.10:80", tcp) }
	for name, c := range map[string]struct {
		before []event.NoteSeen
		talk   []event.Event
		after  []event.NoteSeen
		hidden bool
	}{
		"the box's own": {before: []event.NoteSeen{boxNote(), openNote("192.168.1.1:40000", "192.168.1.10:80", false)},
			talk: at("192.168.1.1:40000"), hidden: true},
		"the box's own, from an address elsewhere": {before: []event.NoteSeen{boxNote(), openNote("198.51.100.7:40000", "192.168.1.10:80", false)},
			talk: at("198.51.100.7:40000"), hidden: true},
		"no note": {before: []event.NoteSeen{boxNote(), openNote("192.168.1.1:40001", "192.168.1.10:80", false)},
			talk: at("192.168.1.1:40000")},
		"a note about UDP": {before: []event.NoteSeen{boxNote(), openNote("192.168.1.1:40000", "192.168.1.10:80", true)},
			talk: at("192.168.1.1:40000")},
		"a note that came later": {before: []event.NoteSeen{boxNote(), openNote("192.168.1.1:40001", "192.168.1.10:80", false)},
			talk: at("192.168.1.1:40000"), after: []event.NoteSeen{openNote("192.168.1.1:40000", "192.168.1.10:80", false)}},
		"nobody says where the box is": {before: []event.NoteSeen{openNote("192.168.1.1:40000", "192.168.1.10:80", false)},
			talk: at("192.168.1.1:40000")},
		"a neighbour": {before: []event.NoteSeen{boxNote(), openNote("192.168.1.30:40000", "192.168.1.10:80", false)},
			talk: talk(guest, testDevice, "192.168.1.30:40000", "192.168.1.10:80", tcp)},
		"the device's own, named as the box's": {before: []event.NoteSeen{boxNote(), openNote("192.168.1.10:40000", "203.0.113.9:80", false)},
			talk: talk(testDevice, testRouter, "192.168.1.10:40000", "203.0.113.9:80", tcp)},
		"the device's own, turned round": {before: []event.NoteSeen{boxNote(), openNote("203.0.113.9:8080", "192.168.1.10:40000", true)},
			talk: talk(testDevice, testRouter, "192.168.1.10:40000", "203.0.113.9:8080", event.FlowStarted{Transport: event.UDP, Guessed: true})},
		"the device asks a service of the box": {before: []event.NoteSeen{boxNote(), openNote("192.168.1.1:53", "192.168.1.10:40000", true)},
			talk: talk(testDevice, boxHost, "192.168.1.10:40000", "192.168.1.1:53", event.FlowStarted{Transport: event.UDP})},
		"the device opens a conversation with the box": {before: []event.NoteSeen{boxNote(), openNote("192.168.1.1:40000", "192.168.1.10:80", false)},
			talk: talk(testDevice, boxHost, "192.168.1.10:41000", "192.168.1.1:40000", tcp)},
	} {
		t.Run(name, func(t *testing.T) {
			o := NewObserver()
			ref := event.Ref(0)
			tell := func(e event.Event) {
				ref++
				e.At, e.Ref, e.First = testStart, ref, ref
				o.Add(e)
			}
			tell(event.Event{Device: testDevice, Body: event.AddressUsed{Addr: askAddr}})
			for _, n := range c.before {
				tell(event.Event{Body: n})
			}
			for i, ev := range c.talk {
				if i == 1 {
					for _, n := range c.after {
						tell(event.Event{Body: n})
					}
				}
				tell(ev)
			}
			if n := intFact(t, o.Sheet(testDevice, Closing{}), "login.total"); (n == 0) != c.hidden {
				t.Errorf("%d logins", n)
			}
		})
	}
}

func TestAnnouncedEndsAreBounded(t *testing.T) {
	var b askedBook
	for i := range 2 * askedEndLimit {
		at := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		b.announce(askedEnds{netip.AddrPortFrom(boxAddr, 40000), at, false})
	}
	if len(b.ends) != askedEndLimit || len(b.queue) != askedEndLimit {
		t.Errorf("%d ends, %d in the queue", len(b.ends), len(b.queue))
	}
	if !b.ends[b.queue[(b.oldest+askedEndLimit-1)%askedEndLimit]] {
		t.Error("the last end is not known")
	}
}
