package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sameValues = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
}

func TestTheExampleIsTheDefault(t *testing.T) {
	for name, text := range map[string]string{"example": Example, "empty": "", "comment": "# nothing\n", "empty sections": "lan:\ndns:\n"} {
		got, err := Read(strings.NewReader(text), "assay.yaml")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(Default(), got, sameValues); d != "" {
			t.Errorf("%s (-default +got):\n%s", name, d)
		}
	}
}

func TestRead(t *testing.T) {
	const text = `
ports: {lan: eth1, wan: eth0}
uplink: {mode: static, addresses: [192.0.2.10/24, "2001:db8::10/64"], gateways: 192.0.2.1}
lan: {ipv4: 10.9.8.1/22, ipv6: off, dhcpv6: off, lease: 30m}
dns: {upstreams: [9.9.9.9, "[2620:fe::fe]:5353", 9.9.9.9#dns.quad9.net], anchors: root.key}
lookups: {servers: on, rtr: "validator.example:8282", routes: [riswhoisdump.IPv4.gz, /data/v6]}
run: {label: "Caméra 7", observe: off, gone: 90s, devices: 2}
store: {folder: /r, state: /s, runs: 9, size: 1.5GB}
`
	want := Config{
		Ports: Ports{"eth1", "eth0"},
		Uplink: Uplink{
			Mode:      "static",
			Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24"), netip.MustParsePrefix("2001:db8::10/64")},
			Gateways:  []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		},
		LAN: LAN{IPv4: netip.MustParsePrefix("10.9.8.1/22"), IPv6: "off", DHCPv6: "off", Lease: 30 * time.Minute},
		DNS: DNS{Anchors: "root.key", Upstreams: []Upstream{
			{netip.MustParseAddrPort("9.9.9.9:53"), ""},
			{netip.MustParseAddrPort("[2620:fe::fe]:5353"), ""},
			{netip.MustParseAddrPort("9.9.9.9:853"), "dns.quad9.net"},
		}},
		Lookups: Lookups{Servers: true, RTR: "validator.example:8282", Routes: []string{"riswhoisdump.IPv4.gz", "/data/v6"}},
		Run:     Run{Label: "Caméra 7", Profile: "internet-standards", Plan: "observe", Gone: 90 * time.Second, Fresh: "link", Devices: 2},
		Board:   Board{Kind: "auto"},
		Page:    Page{Reach: PageNetwork, Port: 8643},
		Store:   Store{Folder: "/r", State: "/s", Runs: 9, Bytes: 1_500_000_000},
	}
	got, err := Read(strings.NewReader(text), "assay.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, sameValues); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"lan: {ipv5: x}":                                  `a.yaml:1:7: there is no setting "ipv5" here: there are ipv4, ipv6, dhcpv6, lease`,
		"lan: [1]":                                        "a.yaml:1:6: here stand settings, one 'name: value' on a line, and not a list",
		"- x":                                             "a.yaml:1:1: here stand settings",
		"lan:\n  lease: [1h]":                             "a.yaml:2:10: here stands one value, and not a list",
		"lan:\n  lease: soon":                             `a.yaml:2:10: "soon" is no time: write it like 90s, 15m or 2h`,
		"lan:\n  lease: 1s":                               "a.yaml:2:10: lease lies between 2m0s and 168h0m0s",
		"lan: {ipv4: 8.8.8.8/24}":                         "8.8.8.8 is no private IPv4 address",
		"lan: {ipv4: 10.0.0.1/8}":                         "length 8 does not suit: take 16 to 29",
		"lan: {ipv4: 192.168.7.0/24}":                     "the first or the last address",
		"lan: {ipv4: 192.168.7.255/24}":                   "the first or the last address",
		"lan: {ipv4: 192.168.7.1}":                        "no address with a network",
		"lan: {ipv6: off, dhcpv6: stateful}":              "a.yaml:1:6: dhcpv6 is stateful and ipv6 is off",
		"ports: {lan: eth0, wan: eth0}":                   "a.yaml:1:8: lan and wan are both eth0",
		"ports: {lan: 'a b'}":                             "no name of a network port",
		"ports: {lan: a, lan: b}":                         "a.yaml:1:17: lan is set a second time",
		"uplink: {mode: static}":                          "mode static needs addresses and gateways",
		"uplink: {gateways: 192.0.2.1}":                   "belong to mode static, and the mode is auto",
		"uplink: {mode: wifi}":                            `mode is one of auto, existing, dhcp, static, and not "wifi"`,
		"dns: {upstreams: [dns.example]}":                 `"dns.example" is no resolver`,
		"dns: {upstreams: ['9.9.9.9#']}":                  `"" is no name of a server`,
		"dns: {upstreams: ['fe80::1%x']}":                 "is no resolver",
		"run: {certificate: a.pem}":                       "certificate and key belong together",
		"lookups: {servers: maybe}":                       `servers is on or off, and not "maybe"`,
		"lookups: {rtr: 192.0.2.8}":                       `"192.0.2.8" is no service`,
		"lookups: {rtr: 'a b:323'}":                       "is no service",
		"lookups: {rtr: '192.0.2.8:0'}":                   "is no service",
		"lookups: {rtr: 'a:323', vrps: b}":                "a.yaml:1:10: vrps and rtr are both set",
		"lookups: {routes: ''}":                           "routes names one to 8 files",
		"lookups: {routes: [1,2,3,4,5,6,7,8,9]}":          "routes names one to 8 files",
		"run: {devices: 17}":                              "devices is a whole number from 1 to 16",
		"run: {label: \"a\\x1b[31mb\"}":                   "label holds a control character",
		"store: {size: big}":                              "size is a size like 500MB or 20GB",
		"store: {size: -1GB}":                             "size is a size",
		"store: {folder: ''}":                             "folder names no folder",
		"store: {folder: /x/, state: /x}":                 "a folder each",
		"lan: {ipv6: off}\n---\nlan: {}":                  "there is a second document",
		"lan: {":                                          "a.yaml:",
		"lan: &a {ipv6: off}\ndns: *a":                    "a.yaml:2:6: here stand settings, one 'name: value' on a line, and not an alias",
		strings.Repeat("x", fileLimit+1):                  "larger than 1048576 bytes",
		"run: {serial: " + strings.Repeat("x", 201) + "}": "serial is longer than 200 characters",
	} {
		_, err := Read(strings.NewReader(text), "a.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %s", text, err, want)
		}
	}
}

func TestAllMistakesAreToldAtOnceInTheirOrder(t *testing.T) {
	_, err := Read(strings.NewReader("store: {runs: 0}\nlan: {lease: x, ipv6: y}\nbox: 1\n"), "a.yaml")
	if err == nil {
		t.Fatal("four mistakes are taken")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, at := range []string{"a.yaml:1:15:", "a.yaml:2:14:", "a.yaml:2:23:", "a.yaml:3:1:"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], at) {
			t.Fatalf("got %q, want line %d to begin with %s", lines, i+1, at)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(Example)
	f.Add("lan: {ipv4: 10.0.0.1/24}")
	f.Add("a: &a [*a]")
	f.Add("? [x]\n: y")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Read(strings.NewReader(text), "f")
		if err == nil && (c.Run.Devices < 1 || c.Store.Folder == "" || c.LAN.Lease < 2*time.Minute || c.Uplink.Mode == "") {
			t.Errorf("settings that cannot work were taken: %+v", c)
		}
		if err != nil && strings.Contains(err.Error(), "\x1b") {
			t.Errorf("a control character is printed: %q", err)
		}
	})
}
