//go:build linux

package resolver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/testbench/lab"
)

// serving is a resolver on real sockets of the loopback.
func serving(t *testing.T, cfg Config) (*world, *Resolver, netip.AddrPort) {
	t.Helper()
	if cfg.Addresses == nil {
		cfg.Addresses = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	}
	w, r := onInternet(t, cfg)
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	at := r.Addrs()[0]
	go func() { done <- r.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return w, r, at
}

func exchange(t *testing.T, network string, at netip.AddrPort, m *dns.Msg) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, Timeout: 10 * time.Second}
	reply, _, err := c.Exchange(m, at.String())
	if err != nil {
		t.Fatalf("%s: %v", network, err)
	}
	return reply
}

func TestServesOverUDPAndTCP(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"} {
		_, r, at := serving(t, Config{Addresses: []netip.AddrPort{netip.MustParseAddrPort(address)}})
		ask := at
		switch at.Addr() {
		case netip.IPv4Unspecified():
			ask = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.77"), at.Port()) // the answer must come from here
		case netip.IPv6Unspecified():
			ask = netip.AddrPortFrom(netip.IPv6Loopback(), at.Port())
		}
		for _, network := range []string{"udp", "tcp"} {
			for range 2 {
				m := exchange(t, network, ask, question{name: "cam.example.", qtype: dns.TypeSOA, do: true}.msg())
				if !m.AuthenticatedData || len(m.Answer) == 0 {
					t.Errorf("%s over %s: %v", address, network, m)
				}
			}
		}
		if c := r.Counts(); c.Queries != 4 || c.Hits != 3 {
			t.Errorf("%s: counts %+v", address, c)
		}
	}
}

// TestManyQuestionsOnOneConnection: answers come as they are ready.
func TestManyQuestionsOnOneConnection(t *testing.T) {
	_, _, at := serving(t, Config{})
	c, err := dns.DialTimeout("tcp", at.String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := map[uint16]string{}
	for i := range 40 {
		m := question{name: fmt.Sprintf("n%d.cam.example.", i), qtype: dns.TypeA}.msg()
		m.Id = uint16(i)
		want[m.Id] = m.Question[0].Name
		if err := c.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for range 40 {
		m, err := c.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		if want[m.Id] != m.Question[0].Name {
			t.Errorf("id %d: %s, asked %s", m.Id, m.Question[0].Name, want[m.Id])
		}
		delete(want, m.Id)
	}
	if len(want) > 0 {
		t.Errorf("no answer to %v", want)
	}
}

func TestConnectionsOfOneClientAreBounded(t *testing.T) {
	w, _, at := serving(t, Config{Limits: Limits{ClientConns: 2}})
	var open []net.Conn
	for range 5 {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	closed := 0
	for _, c := range open[2:] {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err != nil && !strings.Contains(err.Error(), "timeout") {
			closed++
		}
	}
	if closed != 3 || len(w.noted("refused")) == 0 {
		t.Errorf("%d of 3 were closed, notes %v", closed, w.noted("refused"))
	}
}

func TestSecondResolverIsNoticed(t *testing.T) {
	_, _, at := serving(t, Config{})
	_, second := onInternet(t, Config{Addresses: []netip.AddrPort{at}})
	if err := second.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "another DNS server") {
		t.Errorf("error %v", err)
	}
}

// program runs a real client and gives what it printed.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	lab.NeedProgram(t, name)
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Logf("%s: %v", name, err)
	}
	return string(out)
}

// TestRealClients: what others' programs make of the answers.
func TestRealClients(t *testing.T) {
	_, r, at := serving(t, Config{Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}})
	port := fmt.Sprint(at.Port())
	host := at.Addr().String()
	anchor := r.cfg.Anchors[0].(*dns.DS)
	file := t.TempDir() + "/anchor"
	statement := fmt.Sprintf("trust-anchors { . static-ds %d %d %d \"%s\"; };\n", anchor.KeyTag, anchor.Algorithm, anchor.DigestType, anchor.Digest)
	write(t, file, statement)
	for _, tc := range []struct {
		name string
		args []string
		want string // regular expression
	}{
		{"dig", []string{"@" + host, "-p", port, "cam.example.", "SOA", "+dnssec"}, `flags: qr rd ra ad;[^$]*RRSIG`},
		{"dig", []string{"@" + host, "-p", port, "cam.example.", "DNSKEY", "+tcp", "+dnssec"}, `flags: qr rd ra ad;`},
		{"dig", []string{"@" + host, "-p", port, "flipped.example.", "SOA"}, `status: SERVFAIL[^$]*EDE: 6 \(DNSSEC Bogus\)`},
		{"dig", []string{"@" + host, "-p", port, "flipped.example.", "SOA", "+cd"}, `status: NOERROR`},
		{"dig", []string{"@" + host, "-p", port, "cam.example.", "SOA", "+edns=5", "+noednsneg"}, `BADVERS`},
		{"dig", []string{"@" + host, "-p", port, "version.bind.", "TXT", "CH"}, `REFUSED`},
		{"dig", []string{"@" + host, "-p", port, "-x", "192.168.1.1"}, `NXDOMAIN`},
		{"delv", []string{"@" + host, "-p", port, "-a", file, "+root=.", "cam.example.", "SOA"}, `fully validated`},
		{"delv", []string{"@" + host, "-p", port, "-a", file, "+root=.", "absent.cam.example.", "A"}, `negative response, fully validated`},
		{"delv", []string{"@" + host, "-p", port, "-a", file, "+root=.", "toy.legacy.", "SOA"}, `unsigned answer`},
		{"delv", []string{"@" + host, "-p", port, "-a", file, "+root=.", "flipped.example.", "SOA"}, `RRSIG failed to verify|resolution failed`},
		{"drill", []string{"-D", "-p", port, "@" + host, "cam.example.", "SOA"}, `flags: qr rd ra ad[^$]*RRSIG`},
	} {
		t.Run(tc.name+" "+strings.Join(tc.args[3:], " "), func(t *testing.T) {
			if out := program(t, tc.name, tc.args...); !regexp.MustCompile(tc.want).MatchString(out) {
				t.Errorf("want %s, got\n%s", tc.want, out)
			}
		})
	}
}
