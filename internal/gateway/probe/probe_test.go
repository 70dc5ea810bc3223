package probe

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"assay/internal/assess/evidence"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// onCable is a box at 10.0.0.1/24 with one device.
func onCable(t *testing.T, d Device) *Prober {
	t.Helper()
	net4 := netip.MustParsePrefix("10.0.0.1/24")
	p, err := New(Config{
		Interface: "lan0", Do: func(func() error) error { t.Error("a socket was opened"); return errors.ErrUnsupported },
		Device: func(context.Context) (Device, error) { return d, nil },
		From:   func(to netip.Addr) (netip.Addr, bool) { return net4.Addr(), net4.Contains(to) },
		Note:   func(evidence.Note) { t.Error("a note was written") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNothingButTheDeviceIsAsked(t *testing.T) {
	own := []netip.Addr{addr("10.0.0.7"), addr("93.184.216.34")}
	cases := []struct {
		name, to string
		device   Device
	}{
		{"a routed address, though the device uses it", "93.184.216.34:80", Device{Addresses: own}},
		{"a neighbour", "10.0.0.8:80", Device{Addresses: own}},
		{"the box itself", "10.0.0.1:80", Device{Addresses: own}},
		{"a second device is there", "10.0.0.7:80", Device{Addresses: own, Others: 1}},
		{"a name", "localhost:80", Device{Addresses: own}},
		{"a loopback address", "127.0.0.1:80", Device{Addresses: append(own, addr("127.0.0.1"))}},
	}
	for _, c := range cases {
		for _, network := range []string{"tcp", "udp"} {
			if conn, err := onCable(t, c.device).dial(t.Context(), network, c.to); !errors.Is(err, ErrForbidden) || conn != nil {
				t.Errorf("%s over %s: %v, want it forbidden", c.name, network, err)
			}
		}
	}
}

func TestRunRefusesBeforeAnythingIsSent(t *testing.T) {
	for _, d := range []Device{
		{Addresses: []netip.Addr{addr("93.184.216.34")}}, {}, {Addresses: []netip.Addr{addr("10.0.0.7")}, Others: 2},
	} {
		if err := onCable(t, d).Run(t.Context()); !errors.Is(err, ErrForbidden) {
			t.Errorf("%+v: %v, want it forbidden", d, err)
		}
	}
}

func TestCandidatesAreFewAndOfTheVendorFirst(t *testing.T) {
	all := []Pair{{"Axis", "http", "root", "pass"}, {"Zyxel", "ftp", "x", "1234"}}
	for _, secret := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} {
		all = append(all, Pair{"many", "any", "admin", secret})
	}
	got := candidates(all, "http", []string{"AXIS M1065 camera"})
	if len(got) != 1+genericMost || got[0] != (Pair{User: "root", Secret: "pass"}) {
		t.Errorf("got %v, want the vendor's and ten others", got)
	}
	for range 20 {
		if again := candidates(all, "http", []string{"AXIS M1065 camera"}); len(again) != len(got) || again[5] != got[5] {
			t.Fatal("the order is not always the same")
		}
	}
}

func TestGreetingsNameTheirService(t *testing.T) {
	for said, want := range map[string]string{
		"SSH-2.0-dropbear_2022.83\r\n": "ssh", "\xff\xfd\x01": "telnet", "\r\ncam login: ": "telnet", "220 (vsFTPd 3.0.3)": "ftp",
		"220 mail ESMTP": "smtp", "RFB 003.008\n": "vnc", "CNXN\x00": "adb", "hello": "",
	} {
		if got := greeted([]byte(said), 4000); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
	if got := greeted([]byte("BusyBox v1.35"), 23); got != "telnet" {
		t.Errorf("a greeting on port 23 is %q", got)
	}
}

func TestPagesAreUnderstood(t *testing.T) {
	cases := []struct{ name, answer, login, content string }{
		{"basic", "HTTP/1.1 401 Password wanted\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n", "basic", "nothing"},
		{"digest", "HTTP/1.1 401 Password wanted\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\nContent-Length: 0\r\n\r\n", "digest", "nothing"},
		{"form", "HTTP/1.1 200 OK\r\n\r\n<form><input TYPE=\"password\"></form>", "form", "nothing"},
		{"settings", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"ssid\": \"home\"}", "none", "settings"},
		{"page", "HTTP/1.1 200 OK\r\n\r\n<h1>hello</h1>", "none", "page"},
		{"missing", "HTTP/1.1 404 Not Found\r\n\r\nno", "none", "nothing"},
	}
	for _, c := range cases {
		if g, ok := understand([]byte(c.answer)); !ok || g.login != c.login || g.content != c.content {
			t.Errorf("%s: %+v %v", c.name, g, ok)
		}
	}
	if _, ok := understand([]byte("garbage")); ok {
		t.Error("garbage was understood")
	}
}

func FuzzUnderstand(f *testing.F) {
	f.Add([]byte("HTTP/1.1 401 Password wanted\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if g, ok := understand(answer); ok && g.login == "" {
			t.Errorf("%q is understood without saying how it asks for a password", answer)
		}
	})
}

func FuzzServerHello(f *testing.F) {
	f.Add([]byte("\x16\x03\x03\x00\x31\x02\x00\x00\x2d\x03\x03aaaaaaaabbbbbbbbccccccccdddddddd\x00\xc0\x2f\x00"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		into := map[string]string{}
		if outcome := takeHello(answer, into); (outcome == "accepted") != (into["suite"] != "") {
			t.Errorf("%q: %s with %v", answer, outcome, into)
		}
	})
}
