package fact_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
)

func exposed(k event.ExposedKind, from event.Side, shown string) event.Exposed {
	return event.Exposed{Kind: k, From: from, Sample: event.NewSecret("Zx-sample-7"), Shown: shown}
}

// What a find proves depends on its kind and on who sent it.
func TestFinds(t *testing.T) {
	const client, server = event.FromClient, event.FromServer
	for _, c := range []struct {
		kind  event.ExposedKind
		own   bool // at the device's own service, else the device is the client
		from  event.Side
		shown string
		want  string
	}{
		{event.ExposedCanary, false, client, "", "proven"},
		{event.ExposedCanary, false, server, "", "proven"},
		{event.ExposedJWT, false, client, "HS256", "proven"},
		{event.ExposedJWT, false, server, "HS256", ""},
		{event.ExposedKey, false, client, "", "proven"},
		{event.ExposedH264, true, server, "", "proven"},
		{event.ExposedH264, true, client, "", "review"},
		{event.ExposedRTP, false, client, "", "proven"},
		{event.ExposedJPEG, false, client, "", "proven"},
		{event.ExposedJPEG, true, server, "", "review"}, // may be a logo
		{event.ExposedJPEG, false, server, "", ""},      // somebody publishes a picture
		{event.ExposedCookie, false, client, "", "proven"},
		{event.ExposedCookie, false, server, "", "identifiers"},
		{event.ExposedMAC, false, client, "02:1a:2b:3c:4d:5e", "identifiers"},
		{event.ExposedMAC, false, client, "021A2B3C4D5E", "identifiers"},
		{event.ExposedMAC, false, client, "02:00:00:00:00:01", ""}, // the router's
		{event.ExposedSerial, false, client, "", "identifiers"},
		{event.ExposedWiFi, false, client, "", "identifiers"},
		{event.ExposedEmail, false, client, "", "review"},
		{event.ExposedEmail, false, server, "", ""},
		{event.ExposedGeo, false, client, "", "review"},
		{event.ExposedPersonal, false, client, "", "review"},
	} {
		t.Run(fmt.Sprintf("%s own=%t from=%s %s", c.kind, c.own, c.from, c.shown), func(t *testing.T) {
			s := newClearScene()
			ev := s.toCloud(80)
			if c.own {
				ev = s.atDevice(80)
			}
			s.put(with(ev, exposed(c.kind, c.from, c.shown)))
			want := map[string]int64{"exposed.proven": 0, "exposed.identifiers": 0, "exposed.review": 0}
			if c.want != "" {
				want["exposed."+c.want] = 1
			}
			wantInts(t, s.facts(nil), want)
		})
	}
}

func TestCredentialIsExposed(t *testing.T) {
	for _, c := range []struct {
		own  bool
		user string
		want int64
	}{{false, "u", 1}, {true, "u", 0}, {false, "anonymous", 0}} {
		s := newClearScene()
		ev := s.toCloud(21)
		if c.own {
			ev = s.atDevice(21)
		}
		s.put(with(ev, loginOf("ftp", c.user, "geheim77", event.OutcomeAccepted)))
		wantInts(t, s.facts(nil), map[string]int64{"exposed.proven": c.want})
	}
}

func TestSearchedConversations(t *testing.T) {
	s := newClearScene()
	s.ended(s.toCloud(80), "http", nil)
	s.ended(s.toGuest(1883), "mqtt", nil)
	s.ended(s.toCloud(443), "tls", nil)
	wantInts(t, s.facts(nil), map[string]int64{"exposed.searched": 2})
}

// No fact, and nothing a finding shows of its evidence, holds what was found.
func TestNoSampleLeaves(t *testing.T) {
	kinds := []event.ExposedKind{event.ExposedMAC, event.ExposedEmail, event.ExposedJWT, event.ExposedCanary, event.ExposedWiFi, event.ExposedCookie, event.ExposedJPEG}
	rapid.Check(t, func(t *rapid.T) {
		s := newClearScene()
		for range rapid.IntRange(1, 10).Draw(t, "n") {
			ev := s.toCloud(80)
			if rapid.Bool().Draw(t, "own") {
				ev = s.atDevice(80)
			}
			s.put(with(ev, exposed(rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.SampledFrom([]event.Side{0, 1}).Draw(t, "from"), "")))
			s.ended(ev, "http", nil)
		}
		for _, f := range s.facts(nil).All() {
			text := fmt.Sprintf("%v %+v", f.Value, f.Because)
			if strings.Contains(text, "Zx-sample") {
				t.Fatalf("fact %s holds a sample", f.Key)
			}
		}
	})
}
