package fact_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

var (
	tlsCloud = netip.MustParseAddrPort("203.0.113.10:443")
	tlsHub   = netip.MustParseAddrPort("192.168.7.30:8883")
)

// handshake builds the events of one TLS conversation of the device.
type handshake struct {
	server netip.AddrPort
	bodies []event.Body
}

// hello13 is the offer of a current TLS library, hello12 that of an older one
// with nothing wrong.
func hello13(name string) event.ClientHello {
	return event.ClientHello{Transport: event.TCP, Legacy: 0x0303, Versions: []uint16{0x0304, 0x0303}, HasSNI: name != "", SNI: name,
		Suites:  []uint16{0x1302, 0x1303, 0x1301, 0xc02c, 0xc02b, 0xc030, 0xc02f, 0x00ff},
		SigAlgs: []uint16{0x0403, 0x0804, 0x0401}, Groups: []uint16{29, 23}}
}

func hello12(name string) event.ClientHello {
	h := hello13(name)
	h.Versions, h.Suites = nil, []uint16{0xc02c, 0xc02b, 0xc030, 0xc02f, 0x00ff}
	return h
}

func choice(version, suite uint16) event.ServerHello {
	return event.ServerHello{Transport: event.TCP, Version: version, Suite: suite, Group: 29}
}

// done12 is what shows a TLS 1.2 handshake complete, done13 a TLS 1.3 one.
func done12() []event.Body {
	return []event.Body{event.TLSKeysChanged{From: event.FromClient}, event.TLSKeysChanged{From: event.FromServer},
		event.TLSAppData{From: event.FromClient, AfterBoth: true, Length: 80}, event.TLSAppData{From: event.FromServer, AfterBoth: true, Length: 80}}
}

func done13() []event.Body {
	return []event.Body{event.TLSAppData{From: event.FromServer, Length: 500}, event.TLSAppData{From: event.FromClient, Length: 69}}
}

func ended() event.Body {
	return event.FlowEnded{Transport: event.TCP, How: event.EndedByClose, Protocol: "tls", Client: event.Half{Bytes: 900}, Server: event.Half{Bytes: 4000}}
}

func talk(server netip.AddrPort, parts ...any) handshake {
	h := handshake{server: server}
	for _, p := range parts {
		switch p := p.(type) {
		case event.Body:
			h.bodies = append(h.bodies, p)
		case []event.Body:
			h.bodies = append(h.bodies, p...)
		}
	}
	return h
}

// tlsSheet states the facts about the device after these conversations, one
// after the other.
func tlsSheet(talks ...handshake) *fact.Sheet {
	return tlsObserver(talks...).Sheet(sceneDevice, fact.Closing{})
}

func tlsObserver(talks ...handshake) *fact.Observer {
	o := fact.NewObserver()
	ref := event.Ref(0)
	put := func(flow event.FlowID, server netip.AddrPort, b event.Body) {
		ref++
		o.Add(event.Event{At: time.Unix(1_700_000_000+int64(ref), 0).UTC(), Ref: ref, First: ref, Device: sceneDevice, Peer: sceneRouter,
			Client: netip.AddrPortFrom(deviceAddr, 40000), Server: server, Flow: flow, Body: b})
	}
	put(0, netip.AddrPort{}, event.AddressUsed{Addr: deviceAddr})
	for i, t := range talks {
		for _, b := range t.bodies {
			put(event.FlowID(i+1), t.server, b)
		}
	}
	return o
}

// tlsValues are the facts that differ from nothing at all, as "key=value".
func tlsValues(s *fact.Sheet, keys ...string) string {
	var out []string
	for _, k := range keys {
		f, ok := s.Get(k)
		if !ok {
			out = append(out, k+"=?")
			continue
		}
		out = append(out, fmt.Sprintf("%s=%v", strings.TrimPrefix(k, "tls."), f.Value))
	}
	return strings.Join(out, " ")
}

// tlsTwin is a conversation that differs from a right one in one trait at most.
type tlsTwin struct {
	name string
	talk handshake
	keys []string
	want string
}

// altered changes a hello without touching the lists it shares.
func altered(h event.ClientHello, change func(*event.ClientHello)) event.ClientHello {
	h.Suites, h.SigAlgs, h.Groups = slices.Clone(h.Suites), slices.Clone(h.SigAlgs), slices.Clone(h.Groups)
	change(&h)
	return h
}

func leaf(bits int, alg string) event.Certificates {
	return event.Certificates{From: event.FromServer, Chain: []event.Certificate{{KeyType: "RSA", KeyBits: bits, SigAlg: alg, Subject: "a", Issuer: "b"}}}
}

// offerTwins differ in what the device offers.
func offerTwins() []tlsTwin {
	return []tlsTwin{
		{"a version beyond all is not TLS 1.3", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Versions = []uint16{0x7f17, 0x0302} })),
			[]string{"tls.below_12", "tls.below_12_names"}, "below_12=1 below_12_names=[a.example:443 (TLS 1.1)]"},
		{"legacy version 0x0304 is not TLS 1.3", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Legacy = 0x0304 })),
			[]string{"tls.offers_12"}, "offers_12=1"},
		{"the hub at home is not the internet", talk(tlsHub, hello12("")),
			[]string{"tls.internet", "tls.local", "tls.offers_12", "tls.destinations_names"}, "internet=0 local=1 offers_12=0 destinations_names=[192.168.7.30:8883]"},
		{"static RSA besides", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Suites = append(h.Suites, 0x009c) })),
			[]string{"tls.offers_static", "tls.only_static", "tls.offers_broken"}, "offers_static=1 only_static=0 offers_broken=0"},
		{"nothing but static RSA", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Suites = []uint16{0x009c, 0x00ff} })),
			[]string{"tls.offers_static", "tls.only_static"}, "offers_static=0 only_static=1"},
		{"3DES offered", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Suites = append(h.Suites, 0xc012) })),
			[]string{"tls.offers_broken_names", "tls.failing"}, "offers_broken_names=[a.example:443 (TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA)] failing=1"},
		{"an unregistered suite", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Suites = append(h.Suites, 0xeeee) })),
			[]string{"tls.offers_unrated_names", "tls.offers_broken"}, "offers_unrated_names=[a.example:443 (0xeeee)] offers_broken=0"},
		{"SSL 2.0", talk(tlsCloud, event.ClientHello{Transport: event.TCP, Legacy: 0x0301, SSL2: true, SSL2Suites: []uint32{0x010080}, Suites: []uint16{0xc014}}),
			[]string{"tls.offers_broken", "tls.below_12"}, "offers_broken=1 below_12=1"},
		{"no signature algorithms", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.SigAlgs = nil })),
			[]string{"tls.sha1_only", "tls.sha1"}, "sha1_only=1 sha1=0"},
		{"SHA-1 besides", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.SigAlgs = append(h.SigAlgs, 0x0201) })),
			[]string{"tls.sha1_only", "tls.sha1_names"}, "sha1_only=0 sha1_names=[a.example:443 (SHA-1)]"},
		{"SHA-1 and SHA-224 besides", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.SigAlgs = append(h.SigAlgs, 0x0303, 0x0201, 0x0203) })),
			[]string{"tls.sha1_only", "tls.sha1_names"}, "sha1_only=0 sha1_names=[a.example:443 (SHA-224 and SHA-1)]"},
		{"SHA-224 alone", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.SigAlgs = []uint16{0x0301} })),
			[]string{"tls.sha1_only", "tls.sha1_names"}, "sha1_only=0 sha1_names=[a.example:443 (SHA-224)]"},
		{"post-quantum", talk(tlsCloud, altered(hello13("a.example"), func(h *event.ClientHello) { h.Groups = append(h.Groups, 0x11ec) })),
			[]string{"tls.hybrid", "tls.groups_weak"}, "hybrid=1 groups_weak=0"},
		{"clear only", talk(tlsCloud, event.FlowEnded{Transport: event.TCP, Protocol: "http", Client: event.Half{Bytes: 1}, Server: event.Half{Bytes: 1}}),
			[]string{"tls.other", "tls.unread", "tls.share_13"}, "other=1 unread=0 tls.share_13=?"},
	}
}

// useTwins differ in what came of it.
func useTwins() []tlsTwin {
	rsa, small := leaf(2048, "SHA256-RSA"), leaf(1024, "SHA1-RSA")
	psk := altered(hello12(""), func(h *event.ClientHello) { h.Suites, h.SigAlgs = []uint16{0x00ae}, nil })
	return []tlsTwin{
		{"TLS 1.3", talk(tlsCloud, hello13("a.example"), choice(0x0304, 0x1301), done13(), ended()),
			[]string{"tls.offers_13", "tls.completed", "tls.failing", "tls.internet", "tls.share_13"}, "offers_13=1 completed=1 failing=0 internet=1 share_13=1"},
		{"TLS 1.2 at best", talk(tlsCloud, hello12("a.example"), choice(0x0303, 0xc02f), done12(), ended()),
			[]string{"tls.offers_13", "tls.offers_12", "tls.completed"}, "offers_13=0 offers_12=1 completed=1"},
		{"static RSA used, better offered", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Suites = append(h.Suites, 0x009c) }), choice(0x0303, 0x009c), done12(), ended()),
			[]string{"tls.used_static", "tls.used_weak_by_service", "tls.used_weak_by_device"}, "used_static=1 used_weak_by_service=1 used_weak_by_device=0"},
		{"static RSA used, nothing else offered", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Suites = []uint16{0x009c} }), choice(0x0303, 0x009c), done12(), ended()),
			[]string{"tls.used_weak_by_service", "tls.used_weak_by_device"}, "used_weak_by_service=0 used_weak_by_device=1"},
		{"TLS 1.0 chosen and refused", talk(tlsCloud, hello12("a.example"), choice(0x0301, 0xc014), event.TLSAlert{From: event.FromClient, Level: 2, Description: 70}, ended()),
			[]string{"tls.used_weak_by_service", "tls.weak_unsure", "tls.incomplete"}, "used_weak_by_service=0 weak_unsure=0 incomplete=1"},
		{"TLS 1.0 chosen, the log ends", talk(tlsCloud, hello12("a.example"), choice(0x0301, 0xc014)),
			[]string{"tls.used_weak_by_service", "tls.weak_unsure"}, "used_weak_by_service=0 weak_unsure=1"},
		{"TLS 1.0 used", talk(tlsCloud, hello12("a.example"), choice(0x0301, 0xc014), done12(), ended()),
			[]string{"tls.used_weak_by_service", "tls.used_weak_by_service_names"}, "used_weak_by_service=1 used_weak_by_service_names=[a.example:443 (TLS 1.0)]"},
		{"CBC used", talk(tlsCloud, altered(hello12("a.example"), func(h *event.ClientHello) { h.Suites = append(h.Suites, 0xc027) }), choice(0x0303, 0xc027), done12(), ended()),
			[]string{"tls.used_phase_out", "tls.offers_phase_out", "tls.failing"}, "used_phase_out=1 offers_phase_out=1 failing=0"},
		{"a TLS 1.3 client that turns away", talk(tlsCloud, hello13("a.example"), choice(0x0304, 0x1301), event.TLSAppData{From: event.FromServer, Length: 500}, event.TLSAppData{From: event.FromClient, Length: 19}, ended()),
			[]string{"tls.completed", "tls.incomplete"}, "completed=0 incomplete=1"},
		{"early data is no completion", talk(tlsCloud, hello13("a.example"), event.TLSAppData{From: event.FromClient, Length: 400}, choice(0x0304, 0x1301), event.TLSAppData{From: event.FromServer, Length: 500}),
			[]string{"tls.completed"}, "completed=0"},
		{"a retry is one handshake", talk(tlsCloud, hello13("a.example"), event.ServerHello{Retry: true, Version: 0x0304, Suite: 0x1301}, event.TLSKeysChanged{From: event.FromClient}, hello13("a.example"), choice(0x0304, 0x1301), done13(), ended()),
			[]string{"tls.hellos", "tls.completed"}, "hellos=1 completed=1"},
		{"psk_ke has no forward secrecy", talk(tlsCloud, hello13("a.example"), event.ServerHello{Version: 0x0304, Suite: 0x1301, PSK: true}, done13(), ended()),
			[]string{"tls.used_phase_out"}, "used_phase_out=1"},
		{"DHE of 512 bits", talk(tlsCloud, hello12("a.example"), choice(0x0303, 0x009e), event.ServerKeyExchange{DHBits: 512}, done12(), ended()),
			[]string{"tls.used_weak_by_service"}, "used_weak_by_service=1"},
		{"certificate of 2048 bits", talk(tlsCloud, hello12("a.example"), choice(0x0303, 0xc02f), rsa, done12(), ended()),
			[]string{"tls.leaf_phase_out", "tls.leaf_small"}, "leaf_phase_out=1 leaf_small=0"},
		{"certificate of 1024 bits", talk(tlsCloud, hello12("a.example"), choice(0x0303, 0xc02f), small, done12(), ended()),
			[]string{"tls.leaf_small", "tls.leaf_sha1"}, "leaf_small=1 leaf_sha1=1"},
		{"certificate of 1024 bits, refused", talk(tlsCloud, hello12("a.example"), choice(0x0303, 0xc02f), small, event.TLSAlert{From: event.FromClient, Level: 2, Description: 42}, ended()),
			[]string{"tls.leaf_small"}, "leaf_small=0"},
		{"pre-shared key, identity with the MAC", talk(tlsCloud, psk, choice(0x0303, 0x00ae), event.PSKIdentity{Identity: "cam-021A2B3C4D5E"}, done12(), ended()),
			[]string{"tls.shared_key_only", "tls.shared_key_mac", "tls.sha1_only"}, "shared_key_only=1 shared_key_mac=1 sha1_only=0"},
		{"pre-shared key, another identity", talk(tlsCloud, psk, choice(0x0303, 0x00ae), event.PSKIdentity{Identity: "cam-021A2B3C4D5F"}, done12(), ended()),
			[]string{"tls.shared_key_only", "tls.shared_key_mac", "tls.no_name"}, "shared_key_only=1 shared_key_mac=0 no_name=1"},
		{"no hello seen", talk(tlsCloud, ended()), []string{"tls.hellos", "tls.unread", "tls.other"}, "hellos=0 unread=1 other=0"},
		{"no choice seen", talk(tlsCloud, hello12("a.example"), done12(), ended()), []string{"tls.choice_unread", "tls.completed"}, "choice_unread=1 completed=0"},
	}
}

// TestTLSTwins holds right conversations against ones that differ in one trait.
func TestTLSTwins(t *testing.T) {
	for _, c := range append(offerTwins(), useTwins()...) {
		if got := tlsValues(tlsSheet(c.talk), c.keys...); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestTLSOneDestination: TCP and QUIC to a name and port are one destination, and
// its poorest hello counts; upper case and a final dot make no other name.
func TestTLSOneDestination(t *testing.T) {
	quic := hello13("Cloud.Example.")
	quic.Transport = event.QUIC
	quic.Versions = []uint16{0x0304}
	s := tlsSheet(talk(tlsCloud, quic, event.ServerHello{Transport: event.QUIC, Version: 0x0304, Suite: 0x1301, Group: 29}, event.TLSAppData{From: event.FromClient, Length: 30}),
		talk(tlsCloud, hello12("cloud.example")), talk(netip.MustParseAddrPort("203.0.113.11:8443"), hello13("cloud.example")))
	want := "destinations_names=[cloud.example:443 cloud.example:8443] offers_12=1 offers_13=1 share_13=0.5 stacks=3 completed=1 quic_hellos=1"
	if got := tlsValues(s, "tls.destinations_names", "tls.offers_12", "tls.offers_13", "tls.share_13", "tls.stacks", "tls.completed", "tls.quic_hellos"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestTLSFlood: any number of forged names stays bounded and is told.
func TestTLSFlood(t *testing.T) {
	var talks []handshake
	for i := range 2000 {
		talks = append(talks, talk(tlsCloud, hello13(fmt.Sprintf("n%d.example\x1b[2J", i))))
	}
	s := tlsSheet(talks...)
	names, _ := s.Get("tls.destinations_names")
	if got := len(names.Value.([]string)); got != 256 {
		t.Errorf("%d destinations", got)
	}
	if f, _ := s.Get("tls.beyond_limit"); f.Value.(int64) == 0 {
		t.Error("nobody says that destinations are missing")
	}
	if strings.Contains(fmt.Sprint(names.Value), "\x1b") {
		t.Error("a name was not cleaned")
	}
}

// anyTalk draws a conversation, weak or strong.
func anyTalk(t *rapid.T, i int) handshake {
	h := rapid.SampledFrom([]event.ClientHello{hello13(fmt.Sprintf("h%d.example", i%3)), hello12("x.example"), hello12("")}).Draw(t, "hello")
	h.Suites = append(slices.Clone(h.Suites), rapid.SampledFrom([]uint16{0x1301, 0x009c, 0x0005, 0xc027, 0xeeee}).Draw(t, "more"))
	c := rapid.SampledFrom([]event.ServerHello{choice(0x0304, 0x1301), choice(0x0303, 0xc02f), choice(0x0303, 0x009c), choice(0x0301, 0xc014), choice(0x0303, 0xc027)}).Draw(t, "choice")
	end := done12()
	if c.Version == 0x0304 {
		end = done13()
	}
	return talk(rapid.SampledFrom([]netip.AddrPort{tlsCloud, tlsHub}).Draw(t, "server"), h, c, end, ended())
}

// TestTLSOrder: whose conversation comes first changes no fact.
func TestTLSOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var talks []handshake
		for i := range rapid.IntRange(1, 5).Draw(t, "n") {
			talks = append(talks, anyTalk(t, i))
		}
		other := rapid.Permutation(talks).Draw(t, "order")
		a, b := tlsSheet(talks...), tlsSheet(other...)
		for _, f := range a.All() {
			g, _ := b.Get(f.Key)
			// The reason named with a destination is that of its first case.
			if !strings.HasPrefix(f.Key, "tls.") || strings.HasSuffix(f.Key, "_names") && f.Key != "tls.destinations_names" {
				continue
			}
			if fmt.Sprint(f.Value) != fmt.Sprint(g.Value) {
				t.Fatalf("%s: %v or %v", f.Key, f.Value, g.Value)
			}
		}
	})
}

// TestTLSDropped: when events of a conversation are missing, but not its end,
// what was weak is never taken for completed and strong.
func TestTLSDropped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weak := talk(tlsCloud, hello12("x.example"), choice(0x0303, 0x009c), done12(), ended())
		kept := handshake{server: weak.server}
		for i, b := range weak.bodies {
			if i == len(weak.bodies)-1 || rapid.Bool().Draw(t, "keep") {
				kept.bodies = append(kept.bodies, b)
			}
		}
		s := tlsSheet(kept)
		n := map[string]int64{}
		for _, k := range []string{"tls.failing", "tls.weak_unsure", "tls.choice_unread", "tls.unread", "tls.completed"} {
			f, _ := s.Get(k)
			n[k] = f.Value.(int64)
		}
		if n["tls.completed"] > 0 && n["tls.failing"] == 0 {
			t.Fatalf("weak, and called completed and strong: %v", n)
		}
	})
}

// TestTLSBlame: without the hello nobody is blamed, and the fault stays.
func TestTLSBlame(t *testing.T) {
	s := tlsSheet(talk(tlsCloud, choice(0x0303, 0x009c), done12(), ended()))
	want := "used_weak_names=[203.0.113.10:443 (TLS_RSA_WITH_AES_128_GCM_SHA256)] used_weak_by_service=0 used_weak_by_device=0 unread=1"
	if got := tlsValues(s, "tls.used_weak_names", "tls.used_weak_by_service", "tls.used_weak_by_device", "tls.unread"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestTLSServed(t *testing.T) {
	o := fact.NewObserver()
	ev := event.Event{At: time.Unix(1, 0), Ref: 1, First: 1, Device: sceneGuest, Peer: sceneDevice, Flow: 1, Body: hello13("")}
	o.Add(ev)
	ev.Body = event.Certificates{From: event.FromServer, Chain: []event.Certificate{{SPKI: "ab"}}}
	o.Add(ev)
	if got := tlsValues(o.Sheet(sceneDevice, fact.Closing{}), "tls.served", "tls.served_keys", "tls.hellos"); got != "served=1 served_keys=[ab] hellos=0" {
		t.Error(got)
	}
}
