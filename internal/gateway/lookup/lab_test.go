//go:build linux

package lookup_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/lookup"
	"assay/internal/gateway/resolver"
	"assay/testbench/internet"
	"assay/testbench/internet/zone"
	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// net of a test: the small internet with the box's resolver, seen from the gateway.
type world struct {
	t     *testing.T
	l     *lab.Lab
	i     *internet.Internet
	cfg   lookup.Config
	notes []event.LookupNote
}

func newWorld(t *testing.T) *world {
	t.Helper()
	lab.Need(t)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := lab.New(t.Context(), lab.Options{GatewayHere: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	i, err := internet.Start(t.Context(), l.Internet.Host(lab.InternetLink), internet.Options{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	r, err := resolver.New(resolver.Config{
		Upstreams: []resolver.Server{{Addr: netip.AddrPortFrom(i.ResolverAddrs()[0], 53)}}, Anchors: []dns.RR{i.RootDS()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	w := &world{t: t, l: l, i: i}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(i.CAPEM())
	w.cfg = lookup.Config{
		Ask: lookup.Resolve(r.Lookup), Dial: new(net.Dialer).DialContext, Roots: roots, Servers: true,
		HasIPv6: func() bool { return true }, Pause: time.Millisecond, Note: w.note,
	}
	return w
}

func (w *world) note(n evidence.Note) {
	var b event.LookupNote
	if err := json.Unmarshal(n.Body, &b); err != nil || n.Kind != event.NoteLookup {
		w.t.Errorf("note of kind %q cannot be read: %v", n.Kind, err)
	}
	w.notes = append(w.notes, b)
}

func (w *world) run(names ...lookup.Name) {
	w.t.Helper()
	k, err := lookup.New(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := k.Run(w.t.Context(), lookup.Subjects{Names: names}); err != nil {
		w.t.Fatal(err)
	}
}

// said is the one note of a kind about a subject.
func (w *world) said(kind, subject string) event.LookupNote {
	w.t.Helper()
	var found []event.LookupNote
	for _, n := range w.notes {
		if n.Kind == kind && n.Subject == subject {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		w.t.Errorf("%d notes of kind %s about %s, want 1", len(found), kind, subject)
		return event.LookupNote{Data: map[string]string{}}
	}
	return found[0]
}

// used is a name with one TLS end.
func used(name string, at netip.Addr, port uint16) lookup.Name {
	return lookup.Name{Name: name, Ends: []lookup.End{{Addr: netip.AddrPortFrom(at, port), TLS: true}}}
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, outcome, own, breaks, zones, caa, aaaa string }{
		{"www.cam.example", "secure", "secure", "", "cam.example.", "issue", "reachable"},
		{"www.sensor.example", "secure", "secure", "", "sensor.example.", "issue", "reachable"},
		{"www.plug.example", "insecure", "insecure", "www.plug.example.", "", "issue", "reachable"},
		{"toy.legacy", "insecure", "insecure", "toy.legacy.", "", "none", "none"},
		{"www.flipped.example", "bogus", "bogus", "www.flipped.example.", "", "failed", "reachable"},
		{"to-secure.cam.example", "secure", "secure", "", "cam.example. hub.example.", "issue", "reachable"},
		{"to-unsigned.cam.example", "insecure", "secure", "www.plug.example.", "cam.example.", "issue", "reachable"},
		{"to-legacy.cam.example", "insecure", "secure", "www.toy.legacy.", "cam.example.", "issue", "none"},
		{"v6only.cam.example", "secure", "secure", "", "cam.example.", "issue", "reachable"},
		{"v4only.cam.example", "secure", "secure", "", "cam.example.", "issue", "none"},
		{"nothing.here.cam.example", "absent", "secure", "", "cam.example.", "absent", "absent"},
		{"branch.cam.example", "secure", "secure", "", "cam.example.", "issue", "none"},
		{"host.branch.cam.example", "secure", "secure", "", "cam.example. hub.example.", "issue", "reachable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t, w.notes = t, nil
			w.run(lookup.Name{Name: c.name, Ends: []lookup.End{{Addr: netip.MustParseAddrPort("203.0.113.10:443")}}})
			if n := w.said("dnssec", "."); n.Outcome != "secure" {
				t.Errorf("the control is %s: %s", n.Outcome, n.Why)
			}
			if n := w.said("aaaa", "."); n.Outcome != "reachable" {
				t.Errorf("the control over IPv6 is %s: %s", n.Outcome, n.Why)
			}
			n := w.said("dnssec", c.name+".")
			if n.Outcome != c.outcome || n.Data["own"] != c.own || n.Data["breaks"] != c.breaks || n.Data["zones"] != c.zones {
				t.Errorf("got %+v, want %+v", n, c)
			}
			if n := w.said("caa", c.name+"."); n.Outcome != c.caa {
				t.Errorf("got %+v, want %s", n, c.caa)
			}
			if n := w.said("aaaa", c.name+"."); n.Outcome != c.aaaa {
				t.Errorf("got %+v, want %s", n, c.aaaa)
			}
		})
	}
}

func TestZones(t *testing.T) {
	w := newWorld(t)
	w.run(lookup.Name{Name: "WWW.cam.example."}, lookup.Name{Name: "hub.example"}, lookup.Name{Name: "cam.things"}, lookup.Name{Name: "plug.example"})
	for zone, want := range map[string]map[string]string{
		"cam.example.": {"algorithms": "13", "digests": "2"},
		"hub.example.": {"algorithms": "8", "digests": "2", "rsa": "2048"},
		"cam.things.":  {"algorithms": "13", "digests": "2", "iterations": "5"},
	} {
		n := w.said("zone", zone)
		if n.Outcome != "read" || fmt.Sprint(n.Data) != fmt.Sprint(want) {
			t.Errorf("%s: got %+v, want %v", zone, n, want)
		}
	}
	for _, n := range w.notes {
		if n.Kind == "zone" && n.Subject == "plug.example." {
			t.Errorf("an unsigned zone is said to have keys: %+v", n)
		}
	}
}

func TestServers(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		host zone.Host
		want string
	}{
		{"www.cam.example", zone.CamHost, "completed modern=accepted old=refused rsa=refused cbc=accepted public match valid"},
		{"tls13.tls.example", zone.TLS13Host, "completed modern=accepted old=refused rsa=refused cbc=refused public match valid"},
		{"tls12.tls.example", zone.TLS12Host, "completed modern=accepted old=refused rsa=refused cbc=accepted public match valid"},
		{"tls11.tls.example", zone.TLS11Host, "completed modern=refused old=accepted rsa=refused cbc=refused public match valid"},
		{"tls10.tls.example", zone.TLS10Host, "completed modern=refused old=accepted rsa=refused cbc=refused public match valid"},
		{"expired.tls.example", zone.ExpiredHost, "completed modern=accepted old=refused rsa=refused cbc=accepted public match expired"},
		{"self-signed.tls.example", zone.SelfHost, "completed modern=accepted old=refused rsa=refused cbc=accepted self-signed match valid"},
		{"wrong-name.tls.example", zone.WrongHost, "completed modern=accepted old=refused rsa=refused cbc=accepted public mismatch valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t, w.notes = t, nil
			w.run(used(c.name, c.host.V4, 443))
			n := w.said("tls", c.name+":443")
			d := n.Data
			got := fmt.Sprintf("%s modern=%s old=%s rsa=%s cbc=%s %s %s %s", n.Outcome, d["offer_modern"], d["offer_old"], d["offer_rsa"], d["offer_cbc"],
				d["chain"], d["host"], d["dates"])
			if got != c.want || d["keys"] != "ECDSA 256" || d["least_ec"] != "256" {
				t.Errorf("got  %s\nwant %s\n%+v", got, c.want, n)
			}
		})
	}
}

func TestServersThatAreOdd(t *testing.T) {
	w := newWorld(t)
	w.run(used("", zone.GoogleHost.V6, 443), used("no.tls.example", zone.CamHost.V4, 80), used("gone.example", netip.MustParseAddr("203.0.113.200"), 443))
	if n := w.said("tls", "[2001:4860:4860::8888]:443"); n.Outcome != "completed" || n.Data["host"] != "match" {
		t.Errorf("a server without a name: %+v", n)
	}
	if n := w.said("tls", "no.tls.example:80"); n.Outcome != "refused" || n.Data["offer_modern"] != "refused" {
		t.Errorf("a server without TLS: %+v", n)
	}
	if n := w.said("tls", "gone.example:443"); n.Outcome != "unreachable" || n.Data["offer_modern"] != "untried" || n.Why == "" {
		t.Errorf("a server that is not there: %+v", n)
	}
}

func TestWithoutIPv6AndLeaveOnlyNamesAreAsked(t *testing.T) {
	w := newWorld(t)
	w.cfg.HasIPv6 = nil
	w.cfg.Servers = false
	w.run(used("www.cam.example", zone.CamHost.V4, 443), lookup.Name{Name: "toy.legacy"})
	for _, n := range w.notes {
		if n.Kind == "tls" {
			t.Errorf("a server was asked although nobody allowed it: %+v", n)
		}
	}
	if n := w.said("aaaa", "www.cam.example."); n.Outcome != "present" || n.Data["ns_aaaa"] != "1 of 1" {
		t.Errorf("%+v", n)
	}
	if n := w.said("aaaa", "toy.legacy."); n.Outcome != "none" {
		t.Errorf("%+v", n)
	}
}

// What is not of the internet, or is the device's own network, is never touched,
// whatever a name points to.
func TestTheDeviceIsNeverTouched(t *testing.T) {
	w := newWorld(t)
	w.cfg.Forbidden = []netip.Prefix{netip.MustParsePrefix("2001:db8:cafe::/64"), netip.MustParsePrefix("203.0.113.10/32")}
	var dialled []string
	dial := w.cfg.Dial
	w.cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return dial(ctx, network, address)
	}
	w.run(
		used("www.cam.example", zone.CamHost.V4, 443), used("a.example", netip.MustParseAddr("192.168.77.5"), 443),
		used("b.example", netip.MustParseAddr("127.0.0.1"), 443), used("c.example", netip.MustParseAddr("fe80::1"), 443),
		used("d.example", netip.MustParseAddr("::ffff:10.1.2.3"), 443), used("e.example", netip.MustParseAddr("64:ff9b::a01:203"), 443),
		used("f.example", netip.MustParseAddr("255.255.255.255"), 443), used("g.example", netip.MustParseAddr("ff02::1"), 443),
		used("h.example", netip.MustParseAddr("100.64.1.1"), 443), used("i.example", netip.MustParseAddr("fd00::1"), 443),
	)
	for _, a := range dialled {
		if !strings.HasSuffix(a, ":53") {
			t.Errorf("%s was connected to", a)
		}
	}
	if n := w.said("aaaa", "www.cam.example."); n.Outcome != "unreachable" || !strings.Contains(n.Why, "left alone") {
		t.Errorf("%+v", n)
	}
	for _, n := range w.notes {
		if n.Kind == "tls" || n.Kind == "rpki" && n.Subject != "203.0.113.10" {
			t.Errorf("asked about what is not of the internet: %+v", n)
		}
	}
}

func TestRoutesWithoutData(t *testing.T) {
	w := newWorld(t)
	w.run(at("203.0.113.10:443"))
	if n := w.said("rpki", "203.0.113.10"); n.Outcome != "no-data" || !strings.Contains(n.Why, "pfx2as") {
		t.Errorf("without data: %+v", n)
	}
}

// written is a file with a time of its last change.
func written(t *testing.T, name, text string, at time.Time) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	return path
}

func at(text string) lookup.Name {
	return lookup.Name{Ends: []lookup.End{{Addr: netip.MustParseAddrPort(text)}}}
}

func TestRoutesOfAddresses(t *testing.T) {
	w := newWorld(t)
	made := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	w.cfg.Now = func() time.Time { return made.Add(90 * time.Minute) }
	w.cfg.Routes = []string{
		written(t, "v4", "203.0.113.0\t24\t64500\n198.51.100.0\t24\t64501_64502\n8.8.8.0\t24\t15169\n", made.Add(time.Hour)),
		written(t, "v6-20261124-0000.pfx2as", "2001:db8:cafe::\t48\t64500\n", made.Add(time.Hour)),
	}
	w.cfg.VRPs = written(t, "vrps.json", `{"metadata":{"buildtime":"2026-11-24T00:00:00Z"},"roas":[
		{"asn":64500,"prefix":"203.0.113.0/24","maxLength":24,"ta":"x","expires":4000000000},
		{"asn":64501,"prefix":"198.51.100.0/24","maxLength":24,"ta":"x","expires":4000000000},
		{"asn":64500,"prefix":"2001:db8::/32","maxLength":40,"ta":"x","expires":4000000000}]}`, made.Add(time.Hour))
	w.run(at("203.0.113.10:443"), at("198.51.100.53:53"), at("8.8.8.8:53"), at("[2001:db8:cafe::10]:443"), at("9.9.9.9:53"))
	for subject, want := range map[string][2]string{
		"203.0.113.10":      {"valid", "203.0.113.0/24 AS64500 valid"},
		"198.51.100.53":     {"invalid", "198.51.100.0/24 AS64501 valid, 198.51.100.0/24 AS64502 invalid"},
		"8.8.8.8":           {"not-found", "8.8.8.0/24 AS15169 not-found"},
		"2001:db8:cafe::10": {"invalid", "2001:db8:cafe::/48 AS64500 invalid"}, // longer than the maximum
		"9.9.9.9":           {"no-route", ""},
	} {
		n := w.said("rpki", subject)
		if n.Outcome != want[0] || n.Data["routes"] != want[1] || n.Data["vrps_age"] != "5400" || n.Data["routes_age"] != "5400" {
			t.Errorf("%s: got %+v, want %v", subject, n, want)
		}
	}
	w.cfg.VRPs = written(t, "broken.json", `{"roas":[{"asn":1,"prefix":"203.0.113.0/24","maxLength":24},{"asn":`, made)
	w.notes = nil
	w.run(at("203.0.113.10:443"))
	if n := w.said("rpki", "203.0.113.10"); n.Outcome != "no-data" || !strings.Contains(n.Why, "entry 2") {
		t.Errorf("with a file that is cut off: %+v", n)
	}
}
