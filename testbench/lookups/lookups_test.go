//go:build linux

package lookups_test

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/assess/fact"
	"assay/internal/assess/rule"
	"assay/internal/gateway/lookup"
	"assay/internal/gateway/resolver"
	"assay/rules"
	"assay/testbench/internet"
	"assay/testbench/internet/zone"
	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// world is the lab's internet with the box's resolver and data about its routes.
type world struct {
	cfg  lookup.Config
	book rule.Book
}

func newWorld(t *testing.T) world {
	t.Helper()
	lab.Need(t)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := lab.New(t.Context(), lab.Options{GatewayHere: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	i, err := internet.Start(t.Context(), l.Internet.Host(lab.InternetLink), internet.Options{Seed: 11})
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
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(i.CAPEM())
	w := world{cfg: lookup.Config{
		Ask: lookup.Resolve(r.Lookup), Dial: new(net.Dialer).DialContext, Roots: roots, Servers: true,
		HasIPv6: func() bool { return true }, Pause: time.Millisecond,
	}}
	if w.book, err = rule.Load(rules.FS, fact.Schema(), "VE"); err != nil {
		t.Fatal(err)
	}
	w.routes(t)
	return w
}

// routes makes the routes of the lab's clouds: those up to .127 valid, those from .128
// invalid, IPv6 not covered, and the public resolver at 8.8.8.8 in no table.
func (w *world) routes(t *testing.T) {
	t.Helper()
	write := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	w.cfg.Routes = []string{write("ris", "64500\t203.0.113.0/25\t300\n64501\t203.0.113.128/25\t300\n64500\t2001:db8:cafe::/48\t300\n")}
	w.cfg.VRPs = write("vrps.csv", "ASN,IP Prefix,Max Length,Trust Anchor\nAS64500,203.0.113.0/24,25,lab\n")
}

var (
	device  = event.HostByMAC([6]byte{0, 0, 0x5e, 0, 0x53, 1})
	router  = event.HostByMAC([6]byte{0, 0, 0x5e, 0, 0x53, 2})
	address = netip.MustParseAddr("192.168.77.10")
)

// contact is one conversation of a device.
type contact struct {
	name string // server name
	to   netip.Addr
	port uint16
}

// judge lets a device make its conversations, looks up what it used, and gives the
// verdicts with their sentences.
func (w world) judge(t *testing.T, contacts ...contact) map[string]rule.Finding {
	t.Helper()
	o := fact.NewObserver()
	ref := event.Ref(0)
	put := func(e event.Event) {
		ref++
		e.At, e.Ref, e.First, e.Device, e.Peer = time.Now(), ref, ref, device, router
		o.Add(e)
	}
	put(event.Event{Body: event.AddressUsed{Addr: address}})
	for i, c := range contacts {
		for _, b := range []event.Body{
			event.FlowStarted{Transport: event.TCP}, event.ClientHello{Transport: event.TCP, HasSNI: true, SNI: c.name},
			event.FlowEnded{Transport: event.TCP, Protocol: "tls", Client: event.Half{Bytes: 900}, Server: event.Half{Bytes: 100}},
		} {
			put(event.Event{Flow: event.FlowID(i + 1), Client: netip.AddrPortFrom(address, 40000), Server: netip.AddrPortFrom(c.to, c.port), Body: b})
		}
	}
	cfg := w.cfg
	cfg.Note = func(n evidence.Note) { put(event.Event{Body: event.NoteSeen{Kind: n.Kind, JSON: n.Body}}) }
	k, err := lookup.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Run(t.Context(), subjects(o.Used(device))); err != nil {
		t.Fatal(err)
	}
	out := map[string]rule.Finding{}
	for _, f := range w.book.Judge(o.Sheet(device, fact.Closing{})) {
		out[f.Check] = f
	}
	return out
}

// subjects are what a device used, as the look-ups take it.
func subjects(used []fact.Used) lookup.Subjects {
	var out lookup.Subjects
	for _, u := range used {
		n := lookup.Name{Name: u.Name}
		for _, e := range u.Ends {
			n.Ends = append(n.Ends, lookup.End(e))
		}
		out.Names = append(out.Names, n)
	}
	return out
}

// Each line is a device and what must be said of its cloud. The first is right in all
// that the lab's internet can be right in; the others differ from it in one trait.
func TestVerdicts(t *testing.T) {
	w := newWorld(t)
	cam := contact{"tls13.tls.example", zone.TLS13Host.V4, 443}
	for _, c := range []struct {
		name     string
		contacts []contact
		want     string // of VE-01 to VE-06 and VE-08
	}{
		{"a good cloud", []contact{{"www.cam.example", zone.CamHost.V4, 443}},
			"VE-01 PASS, VE-02 PASS, VE-03 PASS, VE-04 PASS, VE-05 PASS, VE-06 PARTIAL, VE-08 PASS"}, // CBC with TLS 1.2
		{"TLS 1.3 alone; no CAA", []contact{cam},
			"VE-01 PASS, VE-02 PASS, VE-03 PASS, VE-04 PASS, VE-05 PASS, VE-06 PASS, VE-08 FAIL"},
		{"TLS 1.0", []contact{{"tls10.tls.example", zone.TLS10Host.V4, 443}},
			"VE-01 PASS, VE-02 PASS, VE-03 PASS, VE-04 PASS, VE-05 PASS, VE-06 FAIL, VE-08 FAIL"},
		{"a port where nobody answers", []contact{{"www.cam.example", zone.CamHost.V4, 444}},
			"VE-01 PASS, VE-02 PASS, VE-03 FAIL, VE-04 PASS, VE-05 PASS, VE-06 INCONCLUSIVE, VE-08 PASS"},
		{"not signed", []contact{{"www.plug.example", zone.PlugHost.V4, 443}},
			"VE-01 FAIL, VE-02 NOT APPLICABLE, VE-03 PASS, VE-04 PASS, VE-05 PASS, VE-06 PARTIAL, VE-08 PASS"},
		{"signatures that do not hold", []contact{{"www.flipped.example", zone.WebHost.V4, 443}},
			"VE-01 FAIL, VE-02 NOT TESTED, VE-03 PASS, VE-04 PASS, VE-05 PASS, VE-06 PARTIAL, VE-08 INCONCLUSIVE"},
		{"signed with NSEC3 iterations", []contact{{"www.cam.things", zone.ThingsHost.V4, 443}},
			"VE-01 PASS, VE-02 PARTIAL, VE-03 PASS, VE-04 PASS, VE-05 PASS, VE-06 PARTIAL, VE-08 PASS"},
		{"half of it signed", []contact{{"www.cam.example", zone.CamHost.V4, 443}, {"www.plug.example", zone.PlugHost.V4, 443}},
			"VE-01 PARTIAL, VE-02 PASS, VE-03 PASS, VE-04 PASS, VE-05 PASS, VE-06 PARTIAL, VE-08 PASS"},
		{"an alias to what is not signed", []contact{{"to-unsigned.cam.example", zone.PlugHost.V4, 443}},
			"VE-01 PARTIAL, VE-02 PASS, VE-03 PASS, VE-04 PASS, VE-05 PASS, VE-06 PARTIAL, VE-08 PASS"},
		{"IPv4 only", []contact{{"v4only.cam.example", zone.CamHost.V4, 443}},
			"VE-01 PASS, VE-02 PASS, VE-03 FAIL, VE-04 PASS, VE-05 PASS, VE-06 PARTIAL, VE-08 PASS"},
		{"an invalid route", []contact{{"www.firmware.example", zone.UpdateHost.V4, 443}},
			"VE-01 PASS, VE-02 PASS, VE-03 PASS, VE-04 PASS, VE-05 FAIL, VE-06 PARTIAL, VE-08 FAIL"},
		{"a route that is not covered", []contact{{"www.cam.example", zone.CamHost.V6, 443}},
			"VE-01 PASS, VE-02 PASS, VE-03 PASS, VE-04 FAIL, VE-05 NOT APPLICABLE, VE-06 PARTIAL, VE-08 PASS"},
		{"a name that is gone", []contact{{"gone.cam.example", zone.CamHost.V4, 443}},
			"VE-01 INCONCLUSIVE, VE-02 INCONCLUSIVE, VE-03 INCONCLUSIVE, VE-04 PASS, VE-05 PASS, VE-06 PARTIAL, VE-08 INCONCLUSIVE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := w.judge(t, c.contacts...)
			var got []string
			for _, id := range []string{"VE-01", "VE-02", "VE-03", "VE-04", "VE-05", "VE-06", "VE-08"} {
				got = append(got, fmt.Sprintf("%s %s", id, found[id].Verdict))
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
				for _, id := range slices.Sorted(keys(found)) {
					t.Logf("%s: %s", id, found[id].Why)
				}
			}
		})
	}
}

func keys(found map[string]rule.Finding) func(func(string) bool) {
	return func(yield func(string) bool) {
		for id := range found {
			if !yield(id) {
				return
			}
		}
	}
}

// What is missing on the box's side never speaks against the vendor.
func TestWithoutMeansNothingIsHeldAgainstTheVendor(t *testing.T) {
	w := newWorld(t)
	good := contact{"tls13.tls.example", zone.TLS13Host.V4, 443}
	for _, c := range []struct {
		name, rule, want, why string
		change                func(*lookup.Config)
	}{
		{"no VRPs", "VE-04", "NOT TESTED", "no VRPs are set", func(c *lookup.Config) { c.VRPs = "" }},
		{"no routes", "VE-05", "NOT TESTED", "no table of routes is set", func(c *lookup.Config) { c.Routes = nil }},
		{"a file that is not there", "VE-04", "NOT TESTED", "no such file", func(c *lookup.Config) { c.VRPs += ".gone" }},
		{"old data", "VE-04", "INCONCLUSIVE", "routes 10 days old", func(c *lookup.Config) {
			c.Now = func() time.Time { return time.Now().Add(10 * 24 * time.Hour) }
		}},
		{"no IPv6 on the uplink", "VE-03", "INCONCLUSIVE", "was not tried", func(c *lookup.Config) { c.HasIPv6 = nil }},
		{"no leave to ask servers", "VE-06", "NOT TESTED", "were not asked", func(c *lookup.Config) { c.Servers = false }},
		{"a resolver that is down", "VE-01", "INCONCLUSIVE", "did not find the root signed", func(c *lookup.Config) {
			dead, err := resolver.New(resolver.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(dead.Close)
			c.Ask = lookup.Resolve(dead.Lookup)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := w
			c.change(&changed.cfg)
			f := changed.judge(t, good)[c.rule]
			if f.Verdict.String() != c.want || !strings.Contains(f.Why, c.why) {
				t.Errorf("%s is %s: %s\nwant %s: %s", c.rule, f.Verdict, f.Why, c.want, c.why)
			}
		})
	}
}
