//go:build linux

package oracle_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/testbench/internet"
	"assay/testbench/internet/zone"
	"assay/testbench/lab"
)

const seed = 4035

// world is a lab whose internet runs, and a place for files.
type world struct {
	t   *testing.T
	lab *lab.Lab
	net *internet.Internet
	dir string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	lab.Need(t)
	l, err := lab.New(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { report(t, l.Close()) })
	i, err := internet.Start(t.Context(), l.Internet.Host(lab.InternetLink), internet.Options{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { report(t, i.Close()) })
	return &world{t: t, lab: l, net: i, dir: t.TempDir()}
}

func report(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

func (w *world) file(name, text string) string {
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// unbound starts a validating unbound that forwards everything to the
// provider's resolver, as the gateway does, and returns what it says of a
// question.
func (w *world) unbound() func(dns.Question) string {
	lab.NeedProgram(w.t, "unbound")
	config := w.file("unbound.conf", fmt.Sprintf(`server:
	interface: 127.0.0.1
	username: ""
	chroot: ""
	pidfile: ""
	directory: %q
	trust-anchor-file: %q
	use-syslog: no
	logfile: "%s/unbound.log"
	val-log-level: 2
	module-config: "validator iterator"
	aggressive-nsec: no
	val-sig-skew-min: 0
	val-sig-skew-max: 0
	val-bogus-ttl: 0
	harden-algo-downgrade: yes
	num-threads: 1
	local-zone: "ip6.arpa." nodefault
	local-zone: "8.8.8.8.in-addr.arpa." nodefault
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: %s
`, w.dir, w.file("anchor", w.net.TrustAnchorFile()), w.dir, w.net.ResolverAddrs()[0]))
	cmd := w.lab.Gateway.Command(w.t.Context(), "unbound", "-d", "-c", config)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	w.ready()
	return func(q dns.Question) string {
		m := w.exchange(q, false)
		switch {
		case m.AuthenticatedData:
			return zone.Secure
		case m.Rcode != dns.RcodeServerFailure:
			return zone.Insecure
		case w.exchange(q, true).Rcode != dns.RcodeServerFailure:
			return zone.Bogus
		}
		return "indeterminate"
	}
}

func (w *world) ready() {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := w.try("udp", dns.Question{Name: ".", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}, false); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatal("unbound does not answer within 20 s")
		}
	}
}

func (w *world) try(network string, q dns.Question, cd bool) (*dns.Msg, error) {
	c, err := w.lab.Gateway.Dial(w.t.Context(), network, "127.0.0.1:53")
	if err != nil {
		return nil, err
	}
	conn := &dns.Conn{Conn: c, UDPSize: dns.MaxMsgSize}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	m.SetQuestion(q.Name, q.Qtype)
	m.SetEdns0(4096, true)
	m.CheckingDisabled = cd
	if err := conn.WriteMsg(m); err != nil {
		return nil, err
	}
	return conn.ReadMsg()
}

func (w *world) exchange(q dns.Question, cd bool) *dns.Msg {
	w.t.Helper()
	m, err := w.try("udp", q, cd)
	if err == nil && m.Truncated {
		m, err = w.try("tcp", q, cd)
	}
	if err != nil {
		w.t.Fatalf("unbound, %s: %v", q.String(), err)
	}
	return m
}

// delv returns what BIND's validator says of a question: one process each,
// which asks the provider's resolver for the whole chain.
func (w *world) delv() func(dns.Question) (status, words string) {
	lab.NeedProgram(w.t, "delv")
	anchor := w.file("delv.anchor", w.net.AnchorStatement())
	return func(q dns.Question) (string, string) {
		cmd := w.lab.Gateway.Command(w.t.Context(), "delv", "@"+w.net.ResolverAddrs()[0].String(),
			"-a", anchor, "+root=.", "+nomultiline", "-q", q.Name, "-t", dns.Type(q.Qtype).String())
		out, _ := cmd.CombinedOutput() // it exits with 0 and tells failures in words
		return delvStatus(string(out)), string(out)
	}
}

// delvStatus reads delv's verdict. An answer with aliases into several zones has
// one per part; the weakest counts.
func delvStatus(out string) string {
	switch {
	case strings.Contains(out, "resolution failed: SERVFAIL"):
		return "indeterminate"
	case strings.Contains(out, "resolution failed: ") && !strings.Contains(out, "resolution failed: ncache"):
		return zone.Bogus // an answer that says no is told as a failure too, by "ncache"
	case strings.Contains(out, "unsigned answer"):
		return zone.Insecure
	case strings.Contains(out, "fully validated"):
		return zone.Secure
	}
	return "silent"
}
