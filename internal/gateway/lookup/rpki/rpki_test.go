package rpki

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testNow = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)

func addrs(list ...string) Interest {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return NewInterest(out)
}

func vrp(prefix string, most int, as uint32) VRP {
	return VRP{netip.MustParsePrefix(prefix), most, as}
}

// The table follows RFC 6811 sections 2 and 2.1 and RFC 6483 section 4 (AS 0).
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		prefix string
		origin Origin
		vrps   []VRP
		want   State
	}{
		{"no VRP at all", "192.0.2.0/24", Origin{AS: 64500}, nil, NotFound},
		{"a VRP for a neighbour", "192.0.2.0/24", Origin{AS: 64500}, []VRP{vrp("192.0.3.0/24", 24, 64500)}, NotFound},
		{"a VRP for a part of the route does not cover it", "192.0.2.0/24", Origin{AS: 64500}, []VRP{vrp("192.0.2.0/25", 25, 64500)}, NotFound},
		{"matched", "192.0.2.0/24", Origin{AS: 64500}, []VRP{vrp("192.0.2.0/24", 24, 64500)}, Valid},
		{"matched by a shorter one", "192.0.2.0/24", Origin{AS: 64500}, []VRP{vrp("192.0.0.0/16", 24, 64500)}, Valid},
		{"longer than the maximum", "192.0.2.0/24", Origin{AS: 64500}, []VRP{vrp("192.0.0.0/16", 23, 64500)}, Invalid},
		{"another origin", "192.0.2.0/24", Origin{AS: 64501}, []VRP{vrp("192.0.2.0/24", 24, 64500)}, Invalid},
		{"one of two matches", "192.0.2.0/24", Origin{AS: 64501}, []VRP{vrp("192.0.2.0/24", 24, 64500), vrp("192.0.0.0/16", 24, 64501)}, Valid},
		{"the first matches, the second does not", "192.0.2.0/24", Origin{AS: 64501}, []VRP{vrp("192.0.0.0/16", 24, 64501), vrp("192.0.2.0/24", 24, 64500)}, Valid},
		{"AS 0 covers and never matches", "192.0.2.0/24", Origin{AS: 64500}, []VRP{vrp("192.0.2.0/24", 24, 0)}, Invalid},
		{"AS 0 does not match AS 0", "192.0.2.0/24", Origin{AS: 0}, []VRP{vrp("192.0.2.0/24", 24, 0)}, Invalid},
		{"AS 0 beside a match", "192.0.2.0/24", Origin{AS: 64500}, []VRP{vrp("192.0.2.0/24", 24, 0), vrp("192.0.2.0/24", 24, 64500)}, Valid},
		{"an AS_SET never matches", "192.0.2.0/24", Origin{Set: true}, []VRP{vrp("192.0.2.0/24", 24, 64500)}, Invalid},
		{"an AS_SET does not match AS 0", "192.0.2.0/24", Origin{Set: true}, []VRP{vrp("192.0.2.0/24", 24, 0)}, Invalid},
		{"an AS_SET that nothing covers", "192.0.2.0/24", Origin{Set: true}, nil, NotFound},
		{"IPv6 matched", "2001:db8::/48", Origin{AS: 64500}, []VRP{vrp("2001:db8::/32", 48, 64500)}, Valid},
		{"IPv6 longer than the maximum", "2001:db8::/49", Origin{AS: 64500}, []VRP{vrp("2001:db8::/32", 48, 64500)}, Invalid},
		{"IPv4 does not cover IPv6", "2001:db8::/48", Origin{AS: 64500}, []VRP{vrp("0.0.0.0/0", 32, 64501)}, NotFound},
		{"a VRP for everything", "2001:db8::/48", Origin{AS: 64500}, []VRP{vrp("::/0", 0, 64500)}, Invalid},
		{"a 32-bit AS number", "192.0.2.0/24", Origin{AS: 4200000000}, []VRP{vrp("192.0.2.0/24", 24, 4200000000)}, Valid},
	} {
		got, covering := Validate(Route{netip.MustParsePrefix(c.prefix), c.origin}, c.vrps)
		if got != c.want || (got == NotFound) != (len(covering) == 0) {
			t.Errorf("%s: %s with %v, want %s", c.name, got, covering, c.want)
		}
	}
}

func routesOf(t *testing.T, want Interest, files ...string) *Routes {
	t.Helper()
	r := NewRoutes(want)
	for _, f := range files {
		if err := r.Read(strings.NewReader(f)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestRoutes(t *testing.T) {
	const caida = "192.0.0.0\t16\t64496\n192.0.2.0\t24\t64500_64501\n192.0.2.128\t25\t64502,64503\n0.0.0.0\t0\t64999\n2001:db8::\t32\t64504\n"
	const ris = `% This is RIPE NCC's Routing Information Service

64500	192.0.2.0/24	389
{64502,64503}	192.0.2.128/25	377
64666	192.0.2.0/26	9
64496	192.0.0.0/16	10
64504	2001:db8::/32	401
`
	want := addrs("192.0.2.1", "192.0.2.200", "192.0.77.1", "203.0.113.1", "::ffff:192.0.2.1", "2001:db8::1")
	for name, c := range map[string]struct {
		table *Routes
		want  map[string]string
	}{
		"pfx2as": {routesOf(t, want, caida), map[string]string{
			"192.0.2.1": "[{192.0.2.0/24 AS64500} {192.0.2.0/24 AS64501}]", "192.0.2.200": "[{192.0.2.128/25 an AS_SET}]",
			"192.0.77.1": "[{192.0.0.0/16 AS64496}]", "203.0.113.1": "[]", "2001:db8::1": "[{2001:db8::/32 AS64504}]", "::ffff:192.0.2.1": "[{192.0.2.0/24 AS64500} {192.0.2.0/24 AS64501}]"}},
		"riswhoisdump; what few peers see does not count": {routesOf(t, want, ris), map[string]string{
			"192.0.2.1": "[{192.0.2.0/24 AS64500}]", "192.0.2.200": "[{192.0.2.128/25 an AS_SET}]", "192.0.77.1": "[{192.0.0.0/16 AS64496}]", "203.0.113.1": "[]"}},
		"both": {routesOf(t, want, ris, caida), map[string]string{"192.0.2.1": "[{192.0.2.0/24 AS64500} {192.0.2.0/24 AS64501}]"}},
	} {
		for a, w := range c.want {
			if got := fmt.Sprint(c.table.Of(netip.MustParseAddr(a))); got != w {
				t.Errorf("%s: %s: got %s, want %s", name, a, got, w)
			}
		}
	}
	if r := routesOf(t, want, ris); r.Local != 1 || r.Skipped != 0 || r.Lines != 5 {
		t.Errorf("%d lines, %d local, %d skipped", r.Lines, r.Local, r.Skipped)
	}
}

func TestRoutesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "no route",
		"% only words\n":                    "no route",
		"<html>not found</html>":            "neither pfx2as nor riswhoisdump",
		"192.0.2.1\t24\t64500\n":            "1 of 1 lines",
		"192.0.2.0\t33\t64500\n":            "1 of 1 lines",
		"192.0.2.0\t24\t64500_x\n":          "1 of 1 lines",
		"192.0.2.0\t24\t4294967296\n":       "1 of 1 lines",
		"\x1f\x8bnot gzip":                  "cannot unpack",
		strings.Repeat("x", lineLimit+1):    "cannot read line 1",
		"::ffff:192.0.2.0\t120\t64500\n":    "1 of 1 lines",
		"192.0.2.0\t24\t" + manyOrigins(65): "1 of 1 lines",
	} {
		err := NewRoutes(addrs("192.0.2.1")).Read(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %s", text, err, want)
		}
	}
}

func manyOrigins(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint(64496+i))
	}
	return strings.Join(out, "_")
}

// A few lines that nobody understands do not make a table of a million useless.
func TestStrayLinesAreLeftOut(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "10.%d.0.0\t16\t64500\n", i)
	}
	r := routesOf(t, addrs("10.7.0.1"), b.String()+"what\n")
	if r.Skipped != 1 || len(r.Of(netip.MustParseAddr("10.7.0.1"))) != 1 {
		t.Errorf("%d skipped, routes %v", r.Skipped, r.Of(netip.MustParseAddr("10.7.0.1")))
	}
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func TestCompressedFiles(t *testing.T) {
	if got := routesOf(t, addrs("192.0.2.1"), packed("192.0.2.0\t24\t64500\n")).Of(netip.MustParseAddr("192.0.2.1")); len(got) != 1 {
		t.Errorf("routes of a compressed file: %v", got)
	}
	whole := packed(strings.Repeat("192.0.2.0\t24\t64500\n", 10))
	if err := NewRoutes(addrs("192.0.2.1")).Read(strings.NewReader(whole[:len(whole)-6])); err == nil {
		t.Error("a compressed file that is cut off is taken")
	}
}

// What Interest leaves out can change no state: the routes and VRPs that are kept are
// those that a search through everything would find.
func TestWhatIsKeptIsWhatMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(1, 32)
		prefix := rapid.Custom(func(t *rapid.T) netip.Prefix {
			b := rapid.ByteRange(0, 3)
			a := netip.AddrFrom4([4]byte{10, b.Draw(t, "b"), b.Draw(t, "c"), b.Draw(t, "d")})
			return netip.PrefixFrom(a, bits.Draw(t, "bits")).Masked()
		})
		want := rapid.SliceOfN(prefix, 1, 5).Draw(t, "addresses")
		announced := rapid.SliceOfN(prefix, 1, 12).Draw(t, "announced")
		allowed := rapid.SliceOfN(prefix, 0, 12).Draw(t, "allowed")
		var list []netip.Addr
		for _, p := range want {
			list = append(list, p.Addr())
		}
		table, vrps := NewRoutes(NewInterest(list)), NewVRPs(NewInterest(list), testNow)
		for _, p := range announced {
			table.add(p, []string{"64500"})
		}
		var all []VRP
		for _, p := range allowed {
			v := VRP{p, p.Bits(), 64500}
			all = append(all, v)
			if err := vrps.take(v, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range list {
			got, best := table.Of(a), longest(announced, a)
			if len(got) == 0 && best.IsValid() || len(got) > 0 && got[0].Prefix != best {
				t.Fatalf("%s: got %v, want %s", a, got, best)
			}
			sameStates(t, got, vrps.List, all)
		}
	})
}

// sameStates says that routes have the same state by some VRPs as by all.
func sameStates(t *rapid.T, routes []Route, some, all []VRP) {
	for _, r := range routes {
		kept, _ := Validate(r, some)
		if full, _ := Validate(r, all); kept != full {
			t.Fatalf("%v is %s by what was kept and %s by all", r, kept, full)
		}
	}
}

// longest is the longest of the prefixes that holds an address.
func longest(all []netip.Prefix, a netip.Addr) netip.Prefix {
	best := netip.Prefix{}
	for _, p := range all {
		if p.Contains(a) && p.Bits() > best.Bits() {
			best = p
		}
	}
	return best
}

func FuzzRoutes(f *testing.F) {
	f.Add([]byte("192.0.2.0\t24\t64500_64501\n{1,2}\t192.0.2.0/24\t20\n"))
	f.Add([]byte("% x\n64500\t2001:db8::/32\t20\n"))
	f.Add([]byte(packed("192.0.2.0\t24\t64500\n")))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewRoutes(addrs("192.0.2.1", "2001:db8::1"))
		_ = r.Read(bytes.NewReader(text))
		for _, a := range r.want.addrs {
			for _, route := range r.Of(a) {
				if !route.Prefix.Contains(a) || route.Prefix != route.Prefix.Masked() || route.Prefix.Bits() == 0 {
					t.Errorf("%s is said to lead to %s", route.Prefix, a)
				}
			}
		}
	})
}
