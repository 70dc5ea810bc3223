package fact_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// vendor plays a device that talks to a cloud about which questions were asked.
type vendor struct {
	t    *testing.T
	o    *fact.Observer
	ref  event.Ref
	flow event.FlowID
}

func newVendor(t *testing.T) *vendor {
	v := &vendor{t: t, o: fact.NewObserver()}
	v.put(event.Event{Body: event.AddressUsed{Addr: deviceAddr}})
	return v
}

func (v *vendor) put(e event.Event) event.Ref {
	v.ref++
	e.At, e.Ref, e.First = time.Unix(1_700_000_000+int64(v.ref), 0).UTC(), v.ref, v.ref
	e.Device, e.Peer = sceneDevice, sceneRouter
	v.o.Add(e)
	return v.ref
}

// resolve is an answer to a question of the device.
func (v *vendor) resolve(name, addr string) {
	v.put(event.Event{Body: event.DNSAnswered{Kind: event.DNSUnicast, Question: v.ref, Name: name + ".",
		Records: []event.Record{{Name: name + ".", Addr: netip.MustParseAddr(addr)}}}})
}

// talk is a whole conversation; sni "" is one without TLS.
func (v *vendor) talk(to, sni string, bytes uint64) {
	v.begin(to, sni)
	v.put(v.at(to, event.FlowEnded{Transport: event.TCP, Client: event.Half{Bytes: bytes}}))
}

func (v *vendor) begin(to, sni string) {
	v.flow++
	v.put(v.at(to, event.FlowStarted{Transport: event.TCP}))
	if sni != "" {
		v.put(v.at(to, event.ClientHello{Transport: event.TCP, HasSNI: sni != "-", SNI: strings.Trim(sni, "-")}))
	}
}

func (v *vendor) at(to string, b event.Body) event.Event {
	return event.Event{Flow: v.flow, Client: netip.AddrPortFrom(deviceAddr, 40000), Server: netip.MustParseAddrPort(to), Body: b}
}

// say is a note of the box; data are pairs.
func (v *vendor) say(kind, subject, outcome string, data ...string) event.Ref {
	n := event.LookupNote{Kind: kind, Subject: subject, Outcome: outcome, Data: map[string]string{}}
	for p := range slices.Chunk(data, 2) {
		n.Data[p[0]] = p[1]
	}
	js, err := json.Marshal(n)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.put(event.Event{Body: event.NoteSeen{Kind: event.NoteLookup, JSON: js}})
}

func (v *vendor) sheet(statements ...string) *fact.Sheet {
	c := fact.Closing{Statements: map[string]string{}}
	for p := range slices.Chunk(statements, 2) {
		c.Statements[p[0]] = p[1]
	}
	return v.o.Sheet(sceneDevice, c)
}

// told is where things stand in one sorting, as "secure [a] insecure [b (c)]".
func told(s *fact.Sheet, prefix string, words ...string) string {
	var out []string
	for _, w := range words {
		if f, ok := s.Get(prefix + w + "_names"); ok {
			if l, _ := f.Value.([]string); len(l) > 0 {
				out = append(out, fmt.Sprint(w, l))
			}
		}
	}
	return strings.Join(out, " ")
}

func value(s *fact.Sheet, key string) any {
	f, ok := s.Get(key)
	if !ok {
		return nil
	}
	return f.Value
}

const camCloud = "203.0.113.10:443"

func TestNamesAreSortedByTheirSignatures(t *testing.T) {
	v := newVendor(t)
	v.resolve("plain.example", "203.0.113.20")
	v.talk(camCloud, "Cam.Example", 800)
	v.talk("203.0.113.20:80", "", 100)
	v.talk("203.0.113.30:443", "alias.example", 50)
	v.talk("203.0.113.40:443", "broken.example", 30)
	v.talk("203.0.113.50:443", "gone.example", 10)
	v.talk("203.0.113.60:443", "forgotten.example", 10)
	v.say("dnssec", ".", "secure")
	v.say("dnssec", "cam.example.", "secure", "own", "secure", "zones", "cam.example.")
	v.say("dnssec", "plain.example.", "insecure", "own", "insecure", "breaks", "plain.example.")
	v.say("dnssec", "alias.example.", "insecure", "own", "secure", "breaks", "cdn.net.", "zones", "alias.example.")
	v.say("dnssec", "broken.example.", "bogus", "own", "secure")
	v.say("dnssec", "gone.example.", "absent", "own", "secure")
	v.say("dnssec", "never.used.example.", "bogus", "own", "bogus")
	v.say("zone", "cam.example.", "read", "algorithms", "13", "digests", "2")
	s := v.sheet()
	got := told(s, "lookup.dnssec_", "secure", "insecure", "bogus", "unknown", "broken")
	want := "secure[alias.example cam.example] insecure[plain.example] bogus[broken.example] " +
		"unknown[forgotten.example (not looked up) gone.example] broken[alias.example (at cdn.net)]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := told(s, "lookup.zones_", "current", "weak", "outdated", "unknown"); got != "current[cam.example (algorithm 13)] unknown[alias.example]" {
		t.Error(got)
	}
	if n, share, control := value(s, "lookup.names"), value(s, "lookup.dnssec_failing_share"), value(s, "lookup.dnssec_control"); n != int64(6) || share != 2.0/6 || control != true {
		t.Errorf("%v names, share %v, control %v", n, share, control)
	}
}

// Every fact rests on the note and on packets in which the device used the name.
func TestLookupsRestOnTheNoteAndThePackets(t *testing.T) {
	v := newVendor(t)
	v.talk(camCloud, "cam.example", 10)
	note := v.say("caa", "cam.example.", "issue", "issuers", "ca.example")
	f, _ := v.sheet().Get("lookup.caa_issue")
	var refs []event.Ref
	kinds := ""
	for _, e := range f.Because {
		refs = append(refs, e.Ref)
		kinds += fmt.Sprintf("%T ", e.Body)
	}
	if f.Seen != 3 || !slices.Contains(refs, note) || kinds != "event.FlowStarted event.ClientHello event.NoteSeen " {
		t.Errorf("%d events %v: %s", f.Seen, refs, kinds)
	}
}

func TestNothingIsStatedWithoutLookups(t *testing.T) {
	v := newVendor(t)
	v.talk(camCloud, "cam.example", 10)
	v.say("dnssec", "other.example.", "bogus", "own", "bogus")
	v.say("rpki", "203.0.113.99", "invalid")
	v.say("tls", "other.example:443", "completed", "offer_old", "accepted")
	s := v.sheet()
	for _, f := range s.All() {
		switch f.Key {
		case "lookup.names", "lookup.names_list", "lookup.addresses", "lookup.servers", "lookup.vendor_stated", "lookup.beyond_limit", "lookup.rpki_missing":
		default:
			if strings.HasPrefix(f.Key, "lookup.") {
				t.Errorf("%s is %v though nothing was looked up of what the device used", f.Key, f.Value)
			}
		}
	}
	if got := value(s, "lookup.rpki_missing"); got != "the routes were not looked up" {
		t.Error(got)
	}
}

func TestWhatIsNoCloudIsLeftOut(t *testing.T) {
	v := newVendor(t)
	v.resolve("time.example", "203.0.113.21")
	v.talk("203.0.113.21:123", "", 10)
	v.talk("8.8.8.8:443", "dns.google", 10)
	v.talk("9.9.9.9:853", "dns.quad9.net", 10)
	v.talk("192.168.7.1:443", "router.example", 10)
	v.talk("203.0.113.22:443", "box.local", 10)
	v.talk("203.0.113.23:443", "silent.example", 0)
	s := v.sheet()
	if value(s, "lookup.names") != int64(0) || value(s, "lookup.addresses") != int64(0) {
		t.Errorf("names %v, addresses %v", value(s, "lookup.names_list"), value(s, "lookup.addresses"))
	}
}

func TestTheOperatorNamesTheSuppliersDomains(t *testing.T) {
	v := newVendor(t)
	v.talk(camCloud, "api.cam.example", 10)
	v.talk("203.0.113.11:443", "xcam.example", 10)
	v.talk("203.0.113.12:443", "-", 10)
	s := v.sheet("vendor-domains", "Cam.example., other.example")
	if got := fmt.Sprint(value(s, "lookup.names_list"), value(s, "lookup.addresses"), value(s, "lookup.servers"), value(s, "lookup.vendor_stated")); got != "[api.cam.example] 1 1 true" {
		t.Error(got)
	}
	if got := fmt.Sprint(value(v.sheet(), "lookup.names"), value(v.sheet(), "lookup.addresses"), value(v.sheet(), "lookup.servers")); got != "2 3 3" {
		t.Error(got)
	}
}
