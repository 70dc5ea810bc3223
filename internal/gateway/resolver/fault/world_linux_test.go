package fault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/resolver"
	"assay/internal/gateway/resolver/fault"
	"assay/testbench/internet"
	"assay/testbench/lab"
)

const (
	seed = 4035
	ours = "127.0.0.2" // the box's resolver
	stub = "127.0.0.3" // a validator in front of it
)

// world is a lab whose internet runs, with the box's resolver and a Conductor.
type world struct {
	t    *testing.T
	lab  *lab.Lab
	net  *internet.Internet
	c    *fault.Conductor
	pair int

	mu    sync.Mutex
	notes []evidence.Note
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
	w := &world{t: t, lab: l, net: i}
	w.serve()
	return w
}

func report(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

// serve starts the box's resolver with the Conductor's fault set.
func (w *world) serve() {
	w.t.Helper()
	r, err := resolver.New(resolver.Config{
		Addresses: []netip.AddrPort{netip.MustParseAddrPort(ours + ":53")},
		Upstreams: []resolver.Server{{Addr: netip.AddrPortFrom(w.net.ResolverAddrs()[0], 53)}},
		Listen:    w.lab.Gateway.Listen, ListenPacket: w.lab.Gateway.ListenPacket, Dial: w.lab.Gateway.Dial,
		Sockets: 1, Anchors: []dns.RR{w.net.RootDS()},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var sender *fault.Sender
	if err := w.lab.Gateway.Do(func() (err error) { sender, err = fault.OpenSender(""); return err }); err != nil {
		w.t.Fatal(err)
	}
	w.c = fault.New(fault.Config{
		Note: w.note, Lookup: r.Lookup, Send: sender.Send, Canaries: []netip.Prefix{netip.MustParsePrefix("198.18.7.0/24")},
	})
	r.SetFault(w.c.Fault())
	if err := r.Open(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		report(w.t, <-done)
		report(w.t, sender.Close())
	})
}

func (w *world) note(n evidence.Note) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, n)
}

// told is the notes on changed answers since the last call.
func (w *world) told() []event.FaultedNote {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []event.FaultedNote
	for _, n := range w.notes {
		var f event.FaultedNote
		if n.Kind == event.NoteFaulted && json.Unmarshal(n.Body, &f) == nil {
			out = append(out, f)
		}
	}
	w.notes = nil
	return out
}

// in does something within a round.
func (w *world) in(arm, name, variant string, do func()) fault.Outcome {
	w.t.Helper()
	w.pair++
	if err := w.c.Begin(fault.Round{Experiment: "test", Pair: w.pair, Arm: arm, Name: name, Variant: variant}); err != nil {
		w.t.Fatal(err)
	}
	do()
	return w.c.End("")
}

func (w *world) file(name, text string) string {
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// fresh runs something while a validating unbound with an empty cache forwards to the
// box's resolver.
func (w *world) fresh(do func()) {
	w.t.Helper()
	lab.NeedProgram(w.t, "unbound")
	config := w.file("unbound.conf", fmt.Sprintf(`server:
	interface: %s
	access-control: 127.0.0.0/8 allow
	username: ""
	chroot: ""
	pidfile: ""
	trust-anchor-file: %q
	use-syslog: no
	logfile: /dev/null
	module-config: "validator iterator"
	do-not-query-localhost: no
	num-threads: 1
	do-ip6: no
	val-sig-skew-min: 0
	val-sig-skew-max: 0
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: %s
`, stub, w.file("anchor", w.net.TrustAnchorFile()), ours))
	cmd := w.lab.Gateway.Command(w.t.Context(), "unbound", "-d", "-c", config)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	defer end(cmd)
	w.ready()
	do()
}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func (w *world) ready() {
	w.t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		if m := w.ask(stub, "localhost.", dns.TypeA, false); m != nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatal("unbound does not answer within 20 s")
		}
	}
}

// ask asks a server over UDP, and over TCP when it says so; nil without an answer.
func (w *world) ask(server, name string, qtype uint16, do bool) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, qtype)
	m.SetEdns0(1232, do)
	out := w.exchange("udp", server, m)
	if out != nil && out.Truncated {
		out = w.exchange("tcp", server, m)
	}
	return out
}

func (w *world) exchange(network, server string, m *dns.Msg) *dns.Msg {
	c, err := w.lab.Gateway.Dial(w.t.Context(), network, net.JoinHostPort(server, "53"))
	if err != nil {
		return nil
	}
	conn := &dns.Conn{Conn: c, UDPSize: dns.MaxMsgSize}
	defer func() { _ = conn.Close() }()
	if conn.SetDeadline(time.Now().Add(10*time.Second)) != nil || conn.WriteMsg(m) != nil {
		return nil
	}
	out, err := conn.ReadMsg()
	if err != nil {
		return nil
	}
	return out
}

// run is a program in the lab and what it writes.
func (w *world) run(name string, args ...string) (string, error) {
	w.t.Helper()
	lab.NeedProgram(w.t, name)
	out, err := w.lab.Gateway.Command(w.t.Context(), name, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
