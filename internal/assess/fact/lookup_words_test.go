package fact_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

func TestIPv6OfNames(t *testing.T) {
	v := newVendor(t)
	for i, name := range []string{"a.example", "b.example", "c.example", "d.example"} {
		v.talk(fmt.Sprintf("203.0.113.%d:443", 10+i), name, 100)
	}
	v.talk("203.0.113.13:443", "d.example", 900)
	v.say("aaaa", ".", "reachable")
	v.say("aaaa", "a.example.", "reachable", "ns", "2", "ns_aaaa", "0 of 2")
	v.say("aaaa", "b.example.", "present")
	v.say("aaaa", "c.example.", "unreachable")
	v.say("aaaa", "d.example.", "none", "ns_aaaa", "2 of 2")
	s := v.sheet()
	if got := told(s, "lookup.aaaa_", "reachable", "present", "unreachable", "none", "unknown"); got != "reachable[a.example] present[b.example] unreachable[c.example] none[d.example]" {
		t.Error(got)
	}
	if got := fmt.Sprint(value(s, "lookup.aaaa_control"), value(s, "lookup.aaaa_missing_share"), value(s, "lookup.aaaa_servers_without")); got != "true 0.8461538461538461 [a.example]" {
		t.Error(got)
	}
}

func TestZonesByTheirKeys(t *testing.T) {
	for want, data := range map[string][]string{
		"current (algorithm 8, 13)":        {"algorithms", "8 13", "digests", "1 2", "rsa", "2048"},
		"current (algorithm 15)":           {"algorithms", "15", "digests", "4", "iterations", "0"},
		"weak (RSA 1024)":                  {"algorithms", "8", "digests", "2", "rsa", "1024"},
		"weak (algorithm 10)":              {"algorithms", "10", "digests", "2", "rsa", "2048"},
		"weak (5 iterations of NSEC3)":     {"algorithms", "13", "digests", "2", "iterations", "5"},
		"outdated (algorithm 5)":           {"algorithms", "13 5", "digests", "2"},
		"outdated (algorithm 7)":           {"algorithms", "7", "digests", "2"},
		"outdated (the DS is SHA-1 alone)": {"algorithms", "13", "digests", "1"},
		"outdated (RSA 512)":               {"algorithms", "8", "digests", "2", "rsa", "512"},
		"unknown":                          {"algorithms", "", "digests", "2"},
		"unknown ":                         {"algorithms", "13"},
	} {
		v := newVendor(t)
		v.talk(camCloud, "cam.example", 10)
		v.say("dnssec", "cam.example.", "secure", "own", "secure", "zones", "cam.example.")
		v.say("zone", "cam.example.", "read", data...)
		got := oneOf(v.sheet(), "lookup.zones_", "current", "weak", "outdated", "unknown")
		if got != strings.TrimSpace(want) {
			t.Errorf("%v: got %s, want %s", data, got, want)
		}
	}
}

// oneOf is the word of the only thing that was sorted, with what there is to say.
func oneOf(s *fact.Sheet, prefix string, words ...string) string {
	for _, w := range words {
		f, ok := s.Get(prefix + w + "_names")
		if l, _ := f.Value.([]string); ok && len(l) == 1 {
			_, detail, found := strings.Cut(l[0], " ")
			if found {
				detail = " " + detail
			}
			return w + detail
		}
	}
	return ""
}

func TestServersByWhatTheyAccept(t *testing.T) {
	base := func(more ...string) []string {
		return append([]string{"offer_modern", "accepted", "offer_modern_version", "TLS 1.3", "offer_old", "refused", "offer_rsa", "refused",
			"offer_cbc", "refused", "keys", "ECDSA 256", "least_ec", "256"}, more...)
	}
	for _, c := range []struct {
		want string
		data []string
	}{
		{"good (TLS 1.3)", base()},
		{"good (TLS 1.3)", base("keys", "RSA 3072", "least_rsa", "3072", "least_ec", "")},
		{"good (TLS 1.3)", base("keys", "Ed25519", "least_ec", "")},
		{"phase_out (CBC)", base("offer_cbc", "accepted")},
		{"phase_out (CBC, RSA 2048)", base("offer_cbc", "accepted", "least_rsa", "2048")},
		{"phase_out (a curve of 224 bits)", base("least_ec", "224")},
		{"insufficient (TLS 1.0 with X)", base("offer_old", "accepted", "offer_old_version", "TLS 1.0", "offer_old_suite", "X")},
		{"insufficient (TLS 1.2 with Y)", base("offer_rsa", "accepted", "offer_rsa_version", "TLS 1.2", "offer_rsa_suite", "Y", "offer_old", "silent")},
		{"insufficient (RSA 1024)", base("least_rsa", "1024")},
		{"unknown", base("offer_old", "silent")},
		{"unknown", base("offer_cbc", "untried")},
		{"unknown", base("offer_modern", "refused")},
		{"unknown", base("keys", "")},
		{"unknown", nil},
	} {
		v := newVendor(t)
		v.talk(camCloud, "cam.example", 10)
		v.say("tls", "cam.example:443", "completed", c.data...)
		if got := oneOf(v.sheet(), "lookup.servers_", "good", "phase_out", "insufficient", "unknown"); got != c.want {
			t.Errorf("%v: got %s, want %s", c.data, got, c.want)
		}
	}
}

func TestRoutesAreSortedByTheirState(t *testing.T) {
	ages := []string{"vrps_age", "5400", "routes_age", "200000"}
	v := newVendor(t)
	for _, to := range []string{"203.0.113.1:443", "203.0.113.2:443", "203.0.113.3:443", "203.0.113.4:443", "[2001:db8::5]:443", "203.0.113.6:443"} {
		v.talk(to, "cam.example", 10)
	}
	v.say("rpki", "203.0.113.1", "valid", append(ages, "routes", "203.0.113.0/24 AS64500 valid")...)
	v.say("rpki", "203.0.113.2", "invalid", append(ages, "routes", "203.0.113.0/24 AS64501 invalid")...)
	v.say("rpki", "203.0.113.3", "not-found", ages...)
	v.say("rpki", "203.0.113.4", "no-route", ages...)
	v.say("rpki", "2001:db8::5", "valid", ages...)
	canary, err := json.Marshal(event.FaultedNote{Canary: netip.MustParseAddr("203.0.113.6")})
	if err != nil {
		t.Fatal(err)
	}
	v.put(event.Event{Body: event.NoteSeen{Kind: event.NoteFaulted, JSON: canary}})
	s := v.sheet()
	got := told(s, "lookup.rpki_", "valid", "invalid", "not_found", "unknown")
	want := "valid[2001:db8::5 203.0.113.1 (203.0.113.0/24 AS64500 valid)] invalid[203.0.113.2 (203.0.113.0/24 AS64501 invalid)] " +
		"not_found[203.0.113.3] unknown[203.0.113.4 (no route in the table)]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := fmt.Sprintf("%v, stale %v, missing %q", value(s, "lookup.rpki_age"), value(s, "lookup.rpki_stale"), value(s, "lookup.rpki_missing")); got != `VRPs 90 minutes old, routes 2 days old, stale false, missing ""` {
		t.Error(got)
	}
}

func TestOldRoutesAndNoRoutes(t *testing.T) {
	for _, c := range []struct {
		data []string
		want bool
	}{
		{[]string{"vrps_age", "172801", "routes_age", "0"}, true},
		{[]string{"vrps_age", "172800", "routes_age", "604800"}, false},
		{[]string{"vrps_age", "0", "routes_age", "604801"}, true},
		{[]string{"vrps_age", "0"}, true},
		{[]string{"vrps_age", "x", "routes_age", "0"}, true},
		{[]string{"vrps_age", "-60", "routes_age", "0"}, false},
	} {
		v := newVendor(t)
		v.talk(camCloud, "cam.example", 10)
		v.say("rpki", "203.0.113.10", "valid", c.data...)
		if got := value(v.sheet(), "lookup.rpki_stale"); got != c.want {
			t.Errorf("%v: stale is %v", c.data, got)
		}
	}
	v := newVendor(t)
	v.talk(camCloud, "cam.example", 10)
	js, err := json.Marshal(event.LookupNote{Kind: "rpki", Subject: "203.0.113.10", Outcome: "no-data", Why: "no VRPs are set\x1b"})
	if err != nil {
		t.Fatal(err)
	}
	v.put(event.Event{Body: event.NoteSeen{Kind: event.NoteLookup, JSON: js}})
	if s := v.sheet(); value(s, "lookup.rpki_missing") != `no VRPs are set\x1b` || value(s, "lookup.rpki_valid") != nil {
		t.Errorf("%v, %v", value(s, "lookup.rpki_missing"), value(s, "lookup.rpki_valid"))
	}
}

// A device behind NAT64 uses the IPv4 address that the prefix stands before.
func TestAddressesBehindNAT64(t *testing.T) {
	v := newVendor(t)
	v.put(event.Event{Body: event.RouterAdvertised{HopLimit: 255, PREF64: []netip.Prefix{netip.MustParsePrefix("2001:db8:64::/96")}}})
	v.talk("[2001:db8:64::cb00:710a]:443", "cam.example", 10)
	v.talk("[64:ff9b::cb00:710a]:443", "cam.example", 10)
	v.say("rpki", "203.0.113.10", "valid", "vrps_age", "0", "routes_age", "0")
	if s := v.sheet(); value(s, "lookup.addresses") != int64(1) || value(s, "lookup.rpki_valid") != int64(1) {
		t.Errorf("%v addresses, %v valid", value(s, "lookup.addresses"), value(s, "lookup.rpki_valid"))
	}
}

func TestUsed(t *testing.T) {
	v := newVendor(t)
	v.resolve("plain.example", "203.0.113.20")
	v.talk(camCloud, "cam.example", 10)
	v.talk(camCloud, "cam.example", 10)
	v.talk("203.0.113.20:1883", "", 10)
	v.talk("203.0.113.30:8883", "-", 10)
	v.begin("203.0.113.40:443", "open.example")
	v.begin("203.0.113.41:1883", "")
	got := fmt.Sprint(v.o.Used(sceneDevice))
	want := "[{cam.example [{203.0.113.10:443 false true}]} {plain.example [{203.0.113.20:1883 false false}]} " +
		"{open.example [{203.0.113.40:443 false true}]} { [{203.0.113.30:8883 false true} {203.0.113.41:1883 false false}]}]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if v.o.Used(event.HostID{}) != nil {
		t.Error("nobody used something")
	}
}
