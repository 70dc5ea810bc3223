//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"

	"assay/internal/gateway/resolver"
	"assay/testbench/internet/zone"
)

// Addresses on the loopback of the namespace.
const (
	upstreamAddress = "127.0.0.2:53"
	oursAddress     = "127.0.0.10"
	dnsmasqAddress  = "127.0.0.11"
	unboundAddress  = "127.0.0.12"
	universeSeed    = 1
)

// server is one program to measure.
type server struct {
	name    string
	address string
	args    []string
	cmd     *exec.Cmd
}

// bench is the upstream, the servers and a folder for their files.
type bench struct {
	s        settings
	folder   string
	universe *zone.Universe
	upstream []*dns.Server
	servers  []*server
}

func newBench(ctx context.Context, s settings) (*bench, error) {
	folder, err := os.MkdirTemp("", "assay-bench-dns")
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder for the servers' files: %w", err)
	}
	b := &bench{s: s, folder: folder}
	if err := b.prepare(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) path(name string) string { return filepath.Join(b.folder, name) }

func (b *bench) prepare(ctx context.Context) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("cannot find the loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("cannot bring the loopback up: %w", err)
	}
	if b.universe, err = zone.NewUniverse(universeSeed, nil); err != nil {
		return err
	}
	if err := b.startUpstream(); err != nil {
		return err
	}
	if err := b.writeFiles(); err != nil {
		return err
	}
	if err := b.startServers(ctx); err != nil {
		return err
	}
	return b.writeQuestions(ctx)
}

func (b *bench) startUpstream() error {
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := b.universe.Answer(q)
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			m.Truncate(1232)
		}
		_ = w.WriteMsg(m) // a client that is gone asks again
	})
	for _, network := range []string{"udp", "tcp"} {
		ready := make(chan struct{})
		s := &dns.Server{Addr: upstreamAddress, Net: network, Handler: handler, NotifyStartedFunc: func() { close(ready) }}
		failed := make(chan error, 1)
		go func() { failed <- s.ListenAndServe() }()
		select {
		case <-ready:
			b.upstream = append(b.upstream, s)
		case err := <-failed:
			return fmt.Errorf("cannot start the upstream: %w", err)
		}
	}
	return nil
}

func (b *bench) writeFiles() error {
	ds, ok := b.universe.RootDS().(*dns.DS)
	if !ok {
		return errors.New("the small internet has no trust anchor")
	}
	files := map[string]string{
		"root.ds": ds.String() + "\n",
		"unbound.conf": fmt.Sprintf(`server:
 interface: %s
 port: 53
 access-control: 127.0.0.0/8 allow
 do-daemonize: no
 username: ""
 chroot: ""
 directory: "%s"
 pidfile: ""
 use-syslog: no
 num-threads: 2
 so-reuseport: yes
 do-not-query-localhost: no
 trust-anchor-file: "%s/root.ds"
forward-zone:
 name: "."
 forward-addr: 127.0.0.2
remote-control:
 control-enable: no
`, unboundAddress, b.folder, b.folder),
	}
	for name, text := range files {
		if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("cannot write a server's file: %w", err)
		}
	}
	return nil
}

func (b *bench) startServers(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ds, _ := b.universe.RootDS().(*dns.DS) // writeFiles has looked
	anchor := fmt.Sprintf("--trust-anchor=.,%d,%d,%d,%s", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
	b.servers = []*server{
		{name: "assay", address: oursAddress, args: []string{self, "-serve", b.folder}},
		{name: "dnsmasq", address: dnsmasqAddress, args: []string{"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root",
			"--no-resolv", "--no-hosts", "--server=127.0.0.2", "--bind-interfaces", "--listen-address=" + dnsmasqAddress, "--cache-size=10000", "--dnssec", anchor, "--dns-forward-max=1000"}},
		{name: "unbound", address: unboundAddress, args: []string{"unbound", "-d", "-c", b.path("unbound.conf")}},
	}
	for _, v := range b.servers {
		if err := v.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (v *server) start(ctx context.Context) error {
	v.cmd = exec.CommandContext(ctx, v.args[0], v.args[1:]...)
	if err := v.cmd.Start(); err != nil {
		return fmt.Errorf("cannot start %s (is it installed?): %w", v.name, err)
	}
	m := new(dns.Msg)
	m.SetQuestion("example.", dns.TypeSOA)
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		reply, _, err := new(dns.Client).ExchangeContext(ctx, m, v.address+":53")
		if err == nil && reply.Rcode == dns.RcodeSuccess {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %v", v.name, err)
		}
	}
}

func (b *bench) close() {
	for _, v := range b.servers {
		if v.cmd != nil && v.cmd.Process != nil {
			_ = v.cmd.Process.Kill() // it may have ended already
			_ = v.cmd.Wait()         // killed: an error is what is expected
		}
	}
	for _, s := range b.upstream {
		_ = s.Shutdown()
	}
	_ = os.RemoveAll(b.folder)
}

// serveOurs is the measured process of this project: the resolver and nothing
// else.
func serveOurs(ctx context.Context, s settings) error {
	text, err := os.ReadFile(filepath.Join(s.serve, "root.ds"))
	if err != nil {
		return err
	}
	anchor, err := dns.NewRR(string(text))
	if err != nil {
		return err
	}
	r, err := resolver.New(resolver.Config{
		Addresses: []netip.AddrPort{netip.MustParseAddrPort(oursAddress + ":53")},
		Upstreams: []resolver.Server{{Addr: netip.MustParseAddrPort(upstreamAddress)}},
		Anchors:   []dns.RR{anchor},
		Limits:    resolver.Limits{ClientRate: -1},
	})
	if err != nil {
		return err
	}
	return r.Serve(ctx)
}
