package intercept

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
)

var camera = Hello{Server: netip.MustParseAddrPort("192.0.2.1:443"), Name: "cam.example"}

// meet lets a device open a connection and says what it met.
func meet(c *Campaign, h Hello, react func(flaw string, attempt int) string) string {
	d := c.Decide(h)
	outcome := event.InterceptPassed
	if d.Case != event.CasePass {
		outcome = react(d.Case, d.Attempt)
	}
	c.Ended(h, d, outcome)
	return d.Case
}

func refuses(string, int) string { return event.InterceptRefused }

func TestOrderOfACampaign(t *testing.T) {
	c := NewCampaign(Wish{Cases: []string{event.CaseUnknownCA, event.CaseSelfSigned, event.CaseTLS11}, Attempts: 3, Boots: 2})
	var got []string
	for range 10 {
		got = append(got, meet(c, camera, refuses))
	}
	want := "pass unknown-ca unknown-ca unknown-ca self-signed self-signed self-signed tls-1.1 tls-1.1 pass"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("first boot\n%s\nwant\n%s", s, want)
	}
	if s, want := c.Standing(), (Standing{Places: 1, Tried: 1, Tries: 8, Wanted: 3}); s != want {
		t.Errorf("after the first boot: %+v", s)
	}
	c.Boot()
	got = nil
	for range 4 {
		got = append(got, meet(c, camera, refuses))
	}
	if s := strings.Join(got, " "); s != "unknown-ca self-signed tls-1.1 pass" {
		t.Errorf("second boot %s", s)
	}
	if s := c.Standing(); s.Wanted != 0 || s.Controls != 0 {
		t.Errorf("at the end: %+v", s)
	}
}

func TestARowBeginsAnewWithABoot(t *testing.T) {
	c := NewCampaign(Wish{Cases: []string{event.CaseUnknownCA}, Attempts: 3, Boots: 2})
	for range 3 { // the control, and two tries
		meet(c, camera, refuses)
	}
	c.Boot()
	for i := range 3 {
		if got := meet(c, camera, refuses); got != event.CaseUnknownCA {
			t.Errorf("try %d: %s", i, got)
		}
	}
	if s := c.Standing(); s.Wanted != 0 || s.Controls != 1 {
		t.Errorf("%+v", s)
	}
}

// TestAConnectionOnItsWayIsTold: a device that is switched off in the middle of one
// leaves a try without an outcome.
func TestAConnectionOnItsWayIsTold(t *testing.T) {
	c := NewCampaign(Wish{Cases: []string{event.CaseUnknownCA}})
	meet(c, camera, refuses)
	d := c.Decide(camera)
	if s, want := c.Standing(), (Standing{Places: 1, Tried: 1, Tries: 1, Open: 1, Controls: 1}); s != want {
		t.Errorf("on its way: %+v", s)
	}
	c.Ended(camera, d, event.InterceptRefused)
	if s := c.Standing(); s.Open != 0 {
		t.Errorf("ended: %+v", s)
	}
}

func TestNoFlawBeforeTheControlWorked(t *testing.T) {
	c := NewCampaign(Wish{Cases: []string{event.CaseUnknownCA}})
	d := c.Decide(camera)
	c.Ended(camera, d, event.InterceptSilent)
	if d := c.Decide(camera); d.Case != event.CasePass {
		t.Errorf("a flaw at a server that did not answer: %+v", d)
	}
}

func TestAcceptedOnceIsEnough(t *testing.T) {
	c := NewCampaign(Wish{Cases: []string{event.CaseUnknownCA, event.CaseSelfSigned}, Attempts: 10, Boots: 2})
	fourth := func(flaw string, attempt int) string {
		if flaw == event.CaseUnknownCA && attempt == 4 {
			return event.InterceptAccepted
		}
		return event.InterceptRefused
	}
	var got []string
	for range 6 {
		got = append(got, meet(c, camera, fourth))
	}
	if slices.Index(got, event.CaseSelfSigned) != 5 {
		t.Errorf("met %v", got)
	}
}

func TestOthersPass(t *testing.T) {
	c := NewCampaign(Wish{Cases: []string{event.CaseUnknownCA}, Serves: func(h Hello) bool { return h.Name == camera.Name }})
	other := camera
	other.Name = "else.example"
	for range 3 {
		if got := meet(c, other, refuses); got != event.CasePass {
			t.Errorf("another device met %s", got)
		}
	}
}

// TestCampaigns: whatever a device does, a destination is not attacked more often than
// allowed, never before it worked untouched, and closing ends all flaws.
func TestCampaigns(t *testing.T) {
	outcomes := []string{event.InterceptAccepted, event.InterceptBroken, event.InterceptCompleted, event.InterceptNoHello, event.InterceptRefused}
	rapid.Check(t, func(rt *rapid.T) {
		c := NewCampaign(Wish{Cases: flaws(), Attempts: rapid.IntRange(1, 5).Draw(rt, "attempts"), Boots: rapid.IntRange(1, 3).Draw(rt, "boots"), Most: 12})
		flawed := map[string]int{}
		closed := false
		for range rapid.IntRange(0, 120).Draw(rt, "steps") {
			h := camera
			h.Name = rapid.SampledFrom([]string{"a", "b", ""}).Draw(rt, "name")
			switch rapid.IntRange(0, 20).Draw(rt, "what") {
			case 0:
				c.Boot()
			case 1:
				closed = true
				c.Close()
			}
			got := meet(c, h, func(string, int) string { return rapid.SampledFrom(outcomes).Draw(rt, "outcome") })
			if got == event.CasePass {
				continue
			}
			if flawed[h.Name]++; flawed[h.Name] > 12 || closed {
				rt.Fatalf("%d flawed connections, closed %v", flawed[h.Name], closed)
			}
		}
	})
}
