//go:build linux

package internet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"assay/testbench/internet"
	"assay/testbench/internet/zone"
	"assay/testbench/lab"
)

const seed = 20261123

// world is a lab whose internet runs.
func world(t *testing.T, o internet.Options, lo lab.Options) (*lab.Lab, *internet.Internet) {
	t.Helper()
	lab.Need(t)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := lab.New(t.Context(), lo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Seed = seed
	i, err := internet.Start(t.Context(), l.Internet.Host(lab.InternetLink), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, i
}

// unbound runs an iterating, validating unbound on the gateway's side of the
// uplink and returns a way to ask it.
func unbound(t *testing.T, l *lab.Lab, i *internet.Internet, more string) func(name string, rrtype uint16, cd bool) *dns.Msg {
	t.Helper()
	lab.NeedProgram(t, "unbound")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hints, anchor := write("hints", i.RootHints()), write("anchor", i.TrustAnchorFile())
	config := write("unbound.conf", fmt.Sprintf(`server:
	interface: 127.0.0.1
	username: ""
	chroot: ""
	pidfile: ""
	directory: "%s"
	root-hints: "%s"
	trust-anchor-file: "%s"
	use-syslog: no
	logfile: "%s/log"
	val-log-level: 2
	verbosity: 0
	rrset-roundrobin: no
	local-zone: "ip6.arpa." nodefault
%s
remote-control:
	control-enable: no
`, dir, hints, anchor, dir, more))
	cmd := l.Gateway.Command(t.Context(), "unbound", "-d", "-c", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if log, err := os.ReadFile(dir + "/log"); err == nil && t.Failed() {
			t.Logf("unbound says:\n%s", log)
		}
	})
	ask := func(name string, rrtype uint16, cd bool) *dns.Msg {
		q := new(dns.Msg)
		q.SetQuestion(name, rrtype)
		q.SetEdns0(1232, true)
		q.CheckingDisabled = cd
		return exchange(t, l.Gateway, "127.0.0.1:53", q)
	}
	ready(t, func() bool {
		q := new(dns.Msg)
		q.SetQuestion(".", dns.TypeSOA)
		_, err := try(t.Context(), l.Gateway, "udp", "127.0.0.1:53", q)
		return err == nil
	})
	return ask
}

// ready waits until a condition holds.
func ready(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("not ready within 20 s")
		}
	}
}

func try(ctx context.Context, from *lab.Site, network, server string, q *dns.Msg) (*dns.Msg, error) {
	c, err := from.Dial(ctx, network, server)
	if err != nil {
		return nil, err
	}
	conn := &dns.Conn{Conn: c, UDPSize: dns.MaxMsgSize}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		return nil, err
	}
	if err := conn.WriteMsg(q); err != nil {
		return nil, err
	}
	return conn.ReadMsg()
}

// exchange asks by UDP and, where the answer was cut, by TCP.
func exchange(t *testing.T, from *lab.Site, server string, q *dns.Msg) *dns.Msg {
	t.Helper()
	m, err := try(t.Context(), from, "udp", server, q)
	if err == nil && m.Truncated {
		m, err = try(t.Context(), from, "tcp", server, q)
	}
	if err != nil {
		t.Fatalf("%s: %v", q.Question[0].String(), err)
	}
	return m
}

// state is what a validating resolver's answer says about a name.
func state(ask func(string, uint16, bool) *dns.Msg, name string, rrtype uint16) string {
	m := ask(name, rrtype, false)
	switch {
	case m.AuthenticatedData:
		return zone.Secure
	case m.Rcode != dns.RcodeServerFailure:
		return zone.Insecure
	case ask(name, rrtype, true).Rcode != dns.RcodeServerFailure:
		return zone.Bogus
	}
	return "broken"
}

func below(zone, label string) string { return label + "." + strings.TrimPrefix(zone, ".") }

// strict is unbound's option for the SHOULD of RFC 4509, section 3.
const strict = "\tharden-algo-downgrade: yes\n"

// TestZonesAreWhatTheyWereMadeFor lets unbound iterate from the root hints with
// the root's key, and then ask the provider's resolver instead, and compares
// its word on each zone with ours.
func TestZonesAreWhatTheyWereMadeFor(t *testing.T) {
	l, i := world(t, internet.Options{}, lab.Options{})
	for _, way := range []struct{ name, config string }{
		{"from the root", strict},
		{"by the provider's resolver", strict + forward("198.51.100.53")},
		{"by a public resolver over IPv6", strict + forward("2001:4860:4860::8888")},
	} {
		t.Run(way.name, func(t *testing.T) { compareZones(t, i, unbound(t, l, i, way.config)) })
	}
}

func forward(to string) string {
	return "forward-zone:\n\tname: \".\"\n\tforward-addr: " + to + "\n"
}

func compareZones(t *testing.T, i *internet.Internet, ask func(string, uint16, bool) *dns.Msg) {
	for _, z := range i.Zones() {
		if got := state(ask, z.Name, dns.TypeSOA); got != z.Want {
			t.Errorf("%s: unbound says %s, made to be %s: %s", z.Name, got, z.Want, z.Why)
		}
		for _, q := range []struct {
			name   string
			rrtype uint16
		}{{below(z.Name, "absent"), dns.TypeA}, {z.Name, dns.TypeLOC}} {
			want := z.WantDenied
			if want == zone.Insecure && z.Want == zone.Secure && q.rrtype == dns.TypeLOC && strings.Count(z.Name, ".") == 1 {
				want = zone.Secure // opt-out leaves only absent names open, not absent types
			}
			if got := state(ask, q.name, q.rrtype); got != want {
				t.Errorf("%s %s: unbound says %s, made to be %s: %s", q.name, dns.TypeToString[q.rrtype], got, want, z.Why)
			}
		}
	}
}

// TestAnswersAreThoseOfAResolver compares what the provider's resolver says to
// every question there is data for, and to some there is none for, with what
// unbound finds out at the name servers.
func TestAnswersAreThoseOfAResolver(t *testing.T) {
	l, i := world(t, internet.Options{}, lab.Options{})
	// Without a validator that remembers faults; and without minimised questions,
	// whose NXDOMAIN at the end of an alias unbound 1.17 gives to the alias itself.
	ask := unbound(t, l, i, "\tmodule-config: \"iterator\"\n\tqname-minimisation: no\n")
	questions := i.Names()
	for _, z := range i.Zones() {
		for _, label := range []string{"absent", "x.dev", "y.z.dev", "a.caught", "deep.old", "empty.names", "deep.branch", "deep.branch-bogus"} {
			questions = append(questions, zone.Question{Name: below(z.Name, label), Type: dns.TypeAAAA, Zone: z.Name},
				zone.Question{Name: below(z.Name, label), Type: dns.TypeTXT, Zone: z.Name})
		}
		questions = append(questions, zone.Question{Name: z.Name, Type: dns.TypeDS})
	}
	if len(questions) < 1000 {
		t.Errorf("only %d questions", len(questions))
	}
	for _, q := range questions {
		if q.Type == dns.TypeNSEC || q.Type == dns.TypeNSEC3 {
			continue
		}
		theirs := ask(q.Name, q.Type, true)
		m := new(dns.Msg)
		m.SetQuestion(q.Name, q.Type)
		m.SetEdns0(1232, true)
		ours := i.Answer(m)
		if d := cmp.Diff(gist(theirs), gist(ours)); d != "" {
			t.Errorf("%s %s (-unbound +ours):\n%s", q.Name, dns.TypeToString[q.Type], d)
		}
	}
}

// gist is what two resolvers must agree on: the code and the answer, without
// times to live and order.
func gist(m *dns.Msg) []string {
	out := []string{dns.RcodeToString[m.Rcode]}
	for _, rr := range m.Answer {
		rr = dns.Copy(rr)
		rr.Header().Ttl = 0
		rr.Header().Name = dns.CanonicalName(rr.Header().Name)
		out = append(out, rr.String())
	}
	slices.Sort(out[1:])
	return out
}
