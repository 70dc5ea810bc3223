package uplink

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/netos"
	"assay/testbench/lab"
)

// bench is an uplink in a lab.
type bench struct {
	*testing.T
	lab    *lab.Lab
	kernel netos.Kernel
	uplink *Uplink
	states chan State
	notes  chan evidence.Note
	pulled bool // at the end the cable is out
}

func start(t *testing.T, bare bool, cfg Config) *bench {
	t.Helper()
	return startBeside(t, bare, cfg, (*bench).serve)
}

// startBeside starts an uplink; of one with DHCP the provider's end is made before.
func startBeside(t *testing.T, bare bool, cfg Config, provide func(*bench)) *bench {
	t.Helper()
	lab.Need(t)
	l, err := lab.New(t.Context(), lab.Options{BareUplink: bare})
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	k, err := netos.New(netos.Options{Do: l.Gateway.Do})
	must(t, err)
	t.Cleanup(k.Close)
	b := &bench{T: t, lab: l, kernel: k, states: make(chan State, 100), notes: make(chan evidence.Note, 100)}
	if cfg.Mode == DHCP {
		// So that the kernel learns nothing before and after by itself.
		must(t, k.SetSysctl("net/ipv6/conf/"+lab.WANLink+"/accept_ra", "0"))
		provide(b)
	}
	before := lab.Snapshot(l.Gateway)
	cfg.Kernel, cfg.Link, cfg.StateDir = k, lab.WANLink, t.TempDir()
	cfg.Changed, cfg.Note = func(s State) { b.states <- s }, func(n evidence.Note) { b.notes <- n }
	b.uplink, err = Start(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() {
		must(t, b.uplink.Stop(context.Background()))
		if diff := cmp.Diff(before, lab.Snapshot(l.Gateway)); diff != "" && !b.pulled {
			t.Errorf("the host is not as it was:\n%s", diff)
		}
	})
	return b
}

// wait gives the first state told that is as wanted.
func (b *bench) wait(what string, ok func(State) bool) State {
	b.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case s := <-b.states:
			if ok(s) {
				return s
			}
		case <-deadline:
			b.Fatalf("never %s; now %+v", what, b.uplink.State())
		}
	}
}

func up(s State) bool { return s.Up }

func TestExistingUplinkComesAndGoes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	must(t, os.WriteFile(file, []byte("# made by hand\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver 192.0.2.53\nsearch x\n"), 0o600))
	b := start(t, false, Config{Mode: Existing, ResolvConf: file})
	s := b.wait("up", up)
	if !slices.Contains(s.Addresses, netip.MustParsePrefix(lab.UplinkV4)) || !slices.Contains(s.Gateways, netip.MustParseAddr("198.51.100.1")) {
		t.Errorf("state %+v", s)
	}
	if diff := cmp.Diff("[192.0.2.53 2001:db8::53]", strings.Join(strings.Fields(sprint(s.Resolvers)), " ")); diff != "" {
		t.Error(diff)
	}
	must(t, b.lab.Uplink(false))
	b.wait("down", func(s State) bool { return !s.Up && !s.Carrier })
	must(t, b.lab.Uplink(true))
	b.wait("up again", up)
	var first State
	n := <-b.notes
	must(t, json.Unmarshal(n.Body, &first))
	if n.Kind != "uplink" || first.Link != lab.WANLink {
		t.Errorf("note %s %s", n.Kind, n.Body)
	}
}

func sprint(list []netip.Addr) string {
	var words []string
	for _, a := range list {
		words = append(words, a.String())
	}
	return "[" + strings.Join(words, " ") + "]"
}

func TestStaticUplink(t *testing.T) {
	b := start(t, true, Config{
		Mode:      Static,
		Addresses: []netip.Prefix{netip.MustParsePrefix(lab.UplinkV4), netip.MustParsePrefix(lab.UplinkV6)},
		Gateways:  []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8:100::1")},
		Resolvers: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
	})
	s := b.wait("up with both versions", func(s State) bool { return s.Up && len(s.Addresses) == 2 && len(s.Gateways) == 2 })
	if sprint(s.Resolvers) != "[192.0.2.53]" {
		t.Errorf("resolvers %v", s.Resolvers)
	}
}

// serve gives the provider's end a DHCPv4 server and router advertisements.
func (b *bench) serve() {
	b.Helper()
	b.dnsmasq("--enable-ra", "--dhcp-range=198.51.100.2,198.51.100.2,255.255.255.0,2m", "--dhcp-range=2001:db8:100::,ra-only,64,2m",
		"--dhcp-option=option:router,198.51.100.1", "--dhcp-option=option:dns-server,192.0.2.53")
}

// dnsmasq starts a server at the provider's end.
func (b *bench) dnsmasq(args ...string) (stop func()) {
	b.Helper()
	lab.NeedProgram(b, "dnsmasq")
	own := []string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--leasefile-ro", "--interface=" + lab.InternetLink,
		"--bind-interfaces", "--dhcp-authoritative", "--no-ping",
	}
	cmd := b.lab.Internet.Command(context.Background(), "dnsmasq", append(own, args...)...)
	must(b.T, cmd.Start())
	stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	b.Cleanup(stop)
	return stop
}

func TestDHCPUplinkComesAndGoes(t *testing.T) {
	b := start(t, true, Config{Mode: DHCP})
	b.wait("up by DHCPv4 and by router advertisement", func(s State) bool {
		return s.Up && slices.Contains(s.Addresses, netip.MustParsePrefix(lab.UplinkV4)) &&
			slices.Contains(s.Gateways, netip.MustParseAddr("198.51.100.1")) && sprint(s.Resolvers) == "[192.0.2.53]" &&
			slices.ContainsFunc(s.Addresses, func(p netip.Prefix) bool { return p.Addr().Is6() })
	})
	must(t, b.lab.Uplink(false))
	b.wait("down", func(s State) bool { return !s.Carrier })
	must(t, b.lab.Uplink(true))
	b.wait("up again", up)
}
