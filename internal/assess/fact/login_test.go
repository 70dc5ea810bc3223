package fact_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

func loginOf(service, user, secret string, o event.LoginOutcome) event.Login {
	return event.Login{Service: service, User: user, Secret: event.NewSecret(secret), Outcome: o, Where: "/"}
}

// Each row differs from its neighbours in one trait.
func TestListedLogins(t *testing.T) {
	const accepted, refused, unseen = event.OutcomeAccepted, event.OutcomeRefused, event.OutcomeUnseen
	for name, c := range map[string]struct {
		build func(*clearScene)
		want  string // the only fact that counts 1
	}{
		"accepted by the device":        {func(s *clearScene) { s.put(with(s.atDevice(80), loginOf("http", "admin", "12345", accepted))) }, "login.listed_own"},
		"refused by the device":         {func(s *clearScene) { s.put(with(s.atDevice(80), loginOf("http", "admin", "12345", refused))) }, "login.listed_own_refused"},
		"answer not seen":               {func(s *clearScene) { s.put(with(s.atDevice(80), loginOf("http", "admin", "12345", unseen))) }, "login.listed_own_unseen"},
		"another secret":                {func(s *clearScene) { s.put(with(s.atDevice(80), loginOf("http", "admin", "123456", accepted))) }, ""},
		"another user":                  {func(s *clearScene) { s.put(with(s.atDevice(80), loginOf("http", "Admin", "12345", accepted))) }, ""},
		"listed for telnet, seen there": {func(s *clearScene) { s.put(with(s.atDevice(23), loginOf("telnet", "root", "xc3511", accepted))) }, "login.listed_own"},
		"listed for telnet, seen at http": {func(s *clearScene) {
			s.put(with(s.atDevice(80), loginOf("http", "root", "xc3511", accepted)))
		}, "login.listed_own"},
		"any is not a community":    {func(s *clearScene) { s.put(with(s.atDevice(161), loginOf("snmp", "admin", "12345", accepted))) }, ""},
		"community answered":        {func(s *clearScene) { s.put(with(s.atDevice(161), loginOf("snmp", "", "public", accepted))) }, "login.listed_own"},
		"the device asks a printer": {func(s *clearScene) { s.put(with(s.toGuest(161), loginOf("snmp", "", "public", accepted))) }, ""},
		"empty and accepted":        {func(s *clearScene) { s.put(with(s.atDevice(80), loginOf("http", "admin", "", accepted))) }, "login.listed_own"},
		"empty and not seen":        {func(s *clearScene) { s.put(with(s.atDevice(80), loginOf("http", "admin", "", unseen))) }, ""},
		"sent to the internet":      {func(s *clearScene) { s.put(with(s.toCloud(80), loginOf("http", "admin", "12345", accepted))) }, "login.listed_far"},
		"sent to a neighbour":       {func(s *clearScene) { s.put(with(s.toGuest(80), loginOf("http", "admin", "12345", accepted))) }, "login.listed_near"},
		"sent and refused":          {func(s *clearScene) { s.put(with(s.toCloud(80), loginOf("http", "admin", "12345", refused))) }, "login.listed_sent_refused"},
		"accepted in a later frame": {func(s *clearScene) {
			ev := s.atDevice(21)
			ref := s.put(with(ev, loginOf("ftp", "admin", "12345", unseen)))
			s.put(with(ev, event.LoginAnswered{Service: "ftp", Outcome: accepted, Login: ref}))
		}, "login.listed_own"},
		"accepted by an open page": {func(s *clearScene) {
			b := loginOf("http", "admin", "12345", accepted)
			b.Where = "/open"
			s.put(with(s.atDevice(80), b))
		}, "login.listed_own_open"},
		"sent to an open page": {func(s *clearScene) { s.put(with(s.toCloud(8080), loginOf("http", "admin", "12345", accepted))) }, "login.listed_sent"},
		"digest of it": {func(s *clearScene) {
			b := loginOf("http", "admin", "", accepted)
			b.Scheme = event.LoginDigest
			s.put(with(s.atDevice(80), b))
		}, ""},
		"somebody else's login through a router": {func(s *clearScene) {
			ev := s.toCloud(80)
			ev.Device, ev.Peer = sceneGuest, sceneDevice // the device forwards it
			s.put(with(ev, loginOf("http", "admin", "12345", accepted)))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClearScene()
			for _, ev := range []event.Event{s.atDevice(80), s.toCloud(80), s.toGuest(80)} {
				s.put(with(ev, event.HTTPResponse{Status: 401, Target: "/?x"}))
			}
			c.build(s)
			sheet := s.facts(nil)
			want := map[string]int64{}
			for _, k := range []string{"own", "own_open", "own_setup", "own_unseen", "own_refused", "far", "near", "sent"} {
				want["login.listed_"+k] = 0
			}
			if c.want != "" {
				want[c.want] = 1
			}
			wantInts(t, sheet, want)
		})
	}
}

func TestNoListNoFact(t *testing.T) {
	s := newClearScene()
	s.put(with(s.atDevice(80), loginOf("http", "admin", "12345", event.OutcomeAccepted)))
	sheet := s.facts(func(c *fact.Closing) { c.Credentials = nil })
	if _, ok := sheet.Get("login.listed_own"); ok {
		t.Error("a fact about a list that was not loaded")
	}
}

// A factory password that opens the device while it is being set up may be
// replaced a minute later; one that still works a while later was not.
func TestFactoryPasswordDuringSetup(t *testing.T) {
	setup := func(c *fact.Closing) { c.Statements["setup-captured"] = "yes" }
	s := newClearScene()
	s.put(with(s.atDevice(80), event.HTTPResponse{Status: 401, Target: "/"}))
	s.put(with(s.atDevice(80), loginOf("http", "admin", "12345", event.OutcomeAccepted)))
	s.wait(time.Minute)
	s.put(with(s.atDevice(80), loginOf("http", "admin", "12345", event.OutcomeAccepted)))
	wantInts(t, s.facts(setup), map[string]int64{"login.listed_own": 0, "login.listed_own_setup": 1})
	wantInts(t, s.facts(nil), map[string]int64{"login.listed_own": 1, "login.listed_own_setup": 0})
	s.wait(time.Hour)
	s.put(with(s.atDevice(80), loginOf("http", "admin", "12345", event.OutcomeAccepted)))
	wantInts(t, s.facts(setup), map[string]int64{"login.listed_own": 1, "login.listed_own_setup": 0})
}

func TestClearLogins(t *testing.T) {
	token := loginOf("http", "", "abcdefghijklmnop", event.OutcomeUnseen)
	token.Scheme = event.LoginToken
	digest := loginOf("http", "admin", "", event.OutcomeAccepted)
	digest.Scheme = event.LoginDigest
	for name, c := range map[string]struct {
		build func(*clearScene)
		want  map[string]int64
	}{
		"nothing":            {func(*clearScene) {}, map[string]int64{"login.total": 0, "login.clear": 0, "login.digest": 0}},
		"sent":               {func(s *clearScene) { s.put(with(s.toCloud(21), loginOf("ftp", "u", "geheim77", 0))) }, map[string]int64{"login.clear_out": 1, "login.clear_in": 0, "login.clear": 1}},
		"own service":        {func(s *clearScene) { s.put(with(s.atDevice(80), loginOf("http", "u", "geheim77", 1))) }, map[string]int64{"login.clear_out": 0, "login.clear_in": 1, "login.clear": 1}},
		"token":              {func(s *clearScene) { s.put(with(s.toCloud(80), token)) }, map[string]int64{"login.clear": 1}},
		"digest":             {func(s *clearScene) { s.put(with(s.toCloud(80), digest)) }, map[string]int64{"login.clear": 0, "login.digest": 1}},
		"user name only":     {func(s *clearScene) { s.put(with(s.toCloud(1883), loginOf("mqtt", "u", "", 1))) }, map[string]int64{"login.clear": 0, "login.total": 1}},
		"anonymous ftp":      {func(s *clearScene) { s.put(with(s.toCloud(21), loginOf("ftp", "anonymous", "a@b", 1))) }, map[string]int64{"login.clear": 0, "login.total": 1}},
		"community unheard":  {func(s *clearScene) { s.put(with(s.atDevice(161), loginOf("snmp", "", "geheim77", 0))) }, map[string]int64{"login.clear": 0, "login.total": 1}},
		"community answered": {func(s *clearScene) { s.put(with(s.atDevice(161), loginOf("snmp", "", "geheim77", 1))) }, map[string]int64{"login.clear": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClearScene()
			c.build(s)
			wantInts(t, s.facts(nil), c.want)
		})
	}
}

// The expected digests were computed with md5sum, sha1sum and python3 zlib.crc32
// over the device's address 02:1a:2b:3c:4d:5e.
func TestDerivedSecrets(t *testing.T) {
	for secret, want := range map[string]string{
		"021a2b3c4d5e":            "equals the MAC address",
		"02-1A-2B-3C-4D-5E":       "equals the MAC address",
		"Cam3c4d5e!":              "contains the second half of the MAC address",
		"3c4d5e":                  "is a part of the MAC address",
		"x021a2b3c4d5ex":          "contains the MAC address",
		"e5d4c3b2a120":            "equals the reversed MAC address",
		"2310879038814":           "",
		"2311417777502":           "equals the MAC address in decimal",
		"7fd7b4d3":                "is taken from the MD5 digest of the MAC address",
		"A5D9E356":                "is taken from the MD5 digest of the MAC address",
		"7386746581":              "is taken from the SHA-1 digest of the MAC address",
		"fb10546e":                "is taken from the CRC-32 of the MAC address",
		"74bea67d":                "is taken from the CRC-32 of the MAC address",
		"fb10546f":                "",
		"3951966":                 "equals the lower half of the MAC address in decimal",
		"SN12345678":              "equals the announced serial number",
		"correcthorsebatterystap": "",
		"aaaaaa":                  "",
		"12345":                   "",
		"Tr0ub4dor":               "",
		"pass5e":                  "",
	} {
		t.Run(secret, func(t *testing.T) {
			s := newClearScene()
			s.put(event.Event{Device: sceneDevice, Body: event.Announced{Protocol: "mdns", Texts: []string{"sn=SN12345678"}}})
			s.put(with(s.atDevice(80), event.HTTPResponse{Status: 401, Target: "/"}))
			s.put(with(s.atDevice(80), loginOf("http", "u", secret, event.OutcomeAccepted)))
			got := derivedRule(s.facts(nil))
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func derivedRule(sheet *fact.Sheet) string {
	f, _ := sheet.Get("login.derived_list")
	for _, line := range f.Value.([]string) {
		_, rule, _ := strings.Cut(line, ": ")
		return rule
	}
	return ""
}

// What somebody tried in vain says nothing about the device's password.
func TestGuessIsNotDerived(t *testing.T) {
	for _, o := range []event.LoginOutcome{event.OutcomeRefused, event.OutcomeUnseen} {
		s := newClearScene()
		s.put(with(s.atDevice(80), loginOf("http", "u", "021a2b3c4d5e", o)))
		wantInts(t, s.facts(nil), map[string]int64{"login.derived": 0, "login.compared": 0})
	}
}

// drawLogin draws a login with a secret that can be recognised anywhere.
func drawLogin(t *rapid.T, i int) event.Login {
	return event.Login{
		Service: rapid.SampledFrom([]string{"http", "ftp", "telnet", "mqtt", "rtsp", "snmp"}).Draw(t, "service"),
		Scheme:  rapid.SampledFrom([]event.LoginScheme{event.LoginPlain, event.LoginToken, event.LoginDigest}).Draw(t, "scheme"),
		User:    rapid.SampledFrom([]string{"admin", "", "u\x1b[31m"}).Draw(t, "user"),
		Secret:  event.NewSecret(fmt.Sprintf("Zx%dQ", i) + rapid.StringMatching(`[a-z0-9\n%:]{3,12}`).Draw(t, "secret") + "021a2b3c4d5e"),
		Outcome: rapid.SampledFrom([]event.LoginOutcome{0, 1, 2}).Draw(t, "outcome"),
		Where:   "/login",
	}
}

func drawLogins(t *rapid.T) (*clearScene, []event.Login) {
	s := newClearScene()
	var all []event.Login
	for i := range rapid.IntRange(0, 12).Draw(t, "n") {
		b := drawLogin(t, i)
		all = append(all, b)
		ev := s.atDevice(80)
		if rapid.Bool().Draw(t, "sent") {
			ev = s.toCloud(80)
		}
		s.put(with(ev, b))
	}
	return s, all
}

func TestNoSecretLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, logins := drawLogins(t)
		for _, f := range s.facts(nil).All() {
			text := fmt.Sprintf("%v %+v %#v", f.Value, f.Because, f.Because)
			for _, ev := range f.Because {
				text += ev.Body.Describe()
			}
			for _, b := range logins {
				if strings.Contains(text, b.Secret.Reveal()) {
					t.Fatalf("fact %s holds a secret", f.Key)
				}
			}
		}
	})
}

// Faults may only grow when one more clear login is seen.
func TestMoreLoginsNeverLookBetter(t *testing.T) {
	faults := []string{"login.clear", "login.clear_in", "login.clear_out", "login.listed_own", "login.listed_far", "login.derived", "exposed.proven"}
	rapid.Check(t, func(t *rapid.T) {
		s, _ := drawLogins(t)
		before := s.facts(nil)
		ev := s.atDevice(23)
		if rapid.Bool().Draw(t, "last sent") {
			ev = s.toCloud(23)
		}
		b := loginOf("telnet", "root", rapid.SampledFrom([]string{"xc3511", "geheim77", "021a2b3c4d5e"}).Draw(t, "last"), event.OutcomeAccepted)
		s.put(with(ev, b))
		after := s.facts(nil)
		for _, key := range faults {
			x, _ := before.Get(key)
			y, _ := after.Get(key)
			if y.Value.(int64) < x.Value.(int64) {
				t.Fatalf("%s fell from %v to %v", key, x.Value, y.Value)
			}
		}
		if x, _ := after.Get("login.clear"); x.Value.(int64) == 0 {
			t.Fatal("a clear login was not counted")
		}
	})
}
