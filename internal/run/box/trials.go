//go:build linux

package box

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/report"
	"assay/internal/gateway/intercept"
	"assay/internal/gateway/lan"
	"assay/internal/gateway/netos"
	"assay/internal/gateway/resolver/fault"
	"assay/internal/run/plan"
	"assay/internal/run/trial"
)

// trials is everything that is set up for the experiments with one device, and the
// device itself as they deal with it.
type trials struct {
	box  *Box
	mac  [6]byte
	id   string // of the run
	seed uint64
	told Next // what the run is about
	// after is above the number of every pair of answers in the run's log.
	after int

	conductor   *fault.Conductor
	interceptor *intercept.Interceptor
	port, last  uint16 // of the interceptor
	others      atomic.Pointer[[]netip.Addr]
	policy      atomic.Pointer[intercept.Policy]
	stop        context.CancelFunc
	running     sync.WaitGroup

	sender     *fault.Sender // nil where it cannot be opened
	unanswered int           // requests to the operator in a row

	mu    sync.Mutex
	paths map[string][]lan.Redirection // by who wants them
}

func newTrials(b *Box, mac [6]byte, id string) *trials {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // it cannot fail
	return &trials{box: b, mac: mac, id: id, seed: h.Sum64(), paths: map[string][]lan.Redirection{}}
}

// experiments are those that the box can do.
func (t *trials) experiments() map[string]trial.Experiment {
	dns := dnsTrial{t}
	return map[string]trial.Experiment{
		plan.DNSSEC: dns, plan.DNS: dns, plan.TLS: tlsTrial{t}, plan.Lookup: lookupTrial{t},
		plan.Probe: probeTrial{t}, plan.Manners: mannersTrial{t},
		plan.Renumber: renumberTrial{t}, plan.Clock: clockTrial{t},
	}
}

// othersEvery is how often it is looked which addresses are another device's.
const othersEvery = time.Second

// open starts what the experiments need.
func (t *trials) open(ctx context.Context) error {
	b := t.box
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	t.stop = stop
	cfg := fault.Config{Note: b.note, Seed: t.seed, Serves: t.serves, Lookup: b.resolver.Lookup, Canaries: canaries, After: t.after}
	if cfg.Send = t.openSender(); cfg.Send == nil {
		cfg.Canaries = nil
	}
	t.conductor = fault.New(cfg)
	b.resolver.SetFault(t.conductor.Fault())
	listener, err := t.listen(ctx)
	if err != nil {
		return fmt.Errorf("cannot open the ports of the interceptor: %w", err)
	}
	t.interceptor, err = intercept.New(intercept.Config{
		Listener: listener, Policy: t, Note: b.note, Operator: b.cfg.Operator,
		Dial:    func(ctx context.Context, to netip.AddrPort) (net.Conn, error) { return b.dial(ctx, "tcp", to.String()) },
		Secrets: func(_ netip.AddrPort, line string) { b.desk.Secrets(t.mac, line) },
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	t.running.Go(func() {
		if err := t.interceptor.Serve(own); err != nil {
			b.cfg.warn(err)
		}
	})
	t.running.Go(func() { t.watchOthers(own) })
	return nil
}

// close ends them.
func (t *trials) close() error {
	t.box.resolver.SetFault(nil)
	t.stop()
	t.running.Wait()
	err := t.redirect(context.Background(), "", nil)
	if t.sender != nil {
		err = errors.Join(err, t.sender.Close())
	}
	return err
}

// watchOthers keeps the list of addresses that are another device's.
func (t *trials) watchOthers(ctx context.Context) {
	ticks := time.NewTicker(othersEvery)
	defer ticks.Stop()
	for {
		if list, err := t.box.desk.Others(ctx, t.mac); err == nil {
			t.others.Store(&list)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// serves says whether an address may be the device's: it is no other's.
func (t *trials) serves(a netip.Addr) bool {
	list := t.others.Load()
	return list == nil || !slices.Contains(*list, a.Unmap().WithZone(""))
}

// Decide is the interceptor's policy: that of the present experiment.
func (t *trials) Decide(h intercept.Hello) intercept.Decision {
	if p := t.policy.Load(); p != nil && t.serves(h.Client.Addr()) {
		return (*p).Decide(h)
	}
	return intercept.Decision{}
}

// Ended tells the present experiment how a connection ended.
func (t *trials) Ended(h intercept.Hello, d intercept.Decision, outcome string) {
	if p := t.policy.Load(); p != nil && t.serves(h.Client.Addr()) {
		(*p).Ended(h, d, outcome)
	}
}

func (t *trials) use(p intercept.Policy) {
	if p == nil {
		t.policy.Store(nil)
		return
	}
	t.policy.Store(&p)
}

// redirect puts the redirections that one experiment wants in the place of those it
// wanted before; "" ends all.
func (t *trials) redirect(ctx context.Context, who string, list []lan.Redirection) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.paths[who] = list
	if who == "" {
		clear(t.paths)
	}
	var all []lan.Redirection
	for _, l := range t.paths {
		all = append(all, l...)
	}
	return t.box.lan.Redirect(ctx, all...)
}

// dnsTrial is the experiments with DNS answers.
type dnsTrial struct{ t *trials }

func (e dnsTrial) Run(ctx context.Context, d trial.Device, s plan.Step, turn plan.Turn) error {
	every := []lan.Redirection{{Protocol: netos.UDP, Port: portDNS, Local: portDNS}, {Protocol: netos.TCP, Port: portDNS, Local: portDNS}}
	return trial.DNS{Conductor: e.t.conductor, Redirect: func(ctx context.Context, on bool) error {
		if !on {
			every = nil
		}
		return e.t.redirect(ctx, plan.DNS, every)
	}}.Run(ctx, d, s, turn)
}

// tlsTrial is the experiment with flawed servers.
type tlsTrial struct{ t *trials }

// usualPorts are those on which TLS is looked for whether the device was seen to use
// them or not; portQUIC is shut, so that devices fall back to TCP.
var usualPorts = []uint16{443, 465, 853, 990, 993, 995, 5061, 5223, 5671, 8443, 8883, 8886}

const (
	portQUIC   = 443
	portClosed = 9 // nobody listens there, and the sender is told so
)

func (e tlsTrial) Run(ctx context.Context, d trial.Device, s plan.Step, turn plan.Turn) error {
	paths := []lan.Redirection{{Protocol: netos.UDP, Port: portQUIC, Local: portClosed}}
	ports, seen := e.ports(ctx)
	for _, p := range ports {
		paths = append(paths, lan.Redirection{Protocol: netos.TCP, Port: p, Local: e.t.port, Last: e.t.last})
	}
	return trial.TLS{Seen: seen, Use: e.t.use, Operator: e.t.box.cfg.Operator != nil, Redirect: func(ctx context.Context, on bool) error {
		if !on {
			paths = nil
		}
		return e.t.redirect(ctx, plan.TLS, paths)
	}}.Run(ctx, d, s, turn)
}

// portLimit bounds the ports that are looked at for TLS.
const portLimit = 64

// ports are the usual ones and those on which the device spoke TLS over TCP; seen says
// that it spoke TLS at all, over QUIC perhaps.
func (e tlsTrial) ports(ctx context.Context) (out []uint16, seen bool) {
	snap, err := e.t.box.desk.Grade(ctx, e.t.mac)
	if err != nil {
		return usualPorts, false // the run ended, and the experiment with it
	}
	return tlsPorts(snap.Report.Destinations)
}

func tlsPorts(list []report.Destination) (out []uint16, seen bool) {
	out = slices.Clone(usualPorts)
	for _, d := range list {
		seen = seen || d.Protocol == "tls" || d.Protocol == "quic"
		if overTLS(d) && !slices.Contains(out, d.Port) && len(out) < portLimit {
			out = append(out, d.Port)
		}
	}
	return out, seen
}

// overTLS says that a device spoke TLS over TCP to a destination.
func overTLS(d report.Destination) bool {
	return d.Transport == event.TCP.String() && d.Protocol == "tls"
}

// Seen is what was seen of the device.
func (t *trials) Seen(ctx context.Context) (trial.Seen, error) {
	h, err := t.box.desk.Device(ctx, t.mac)
	return trial.Seen{Addresses: h.Addresses, Events: h.Events, Opens: h.Opens}, err
}

// Resting tells when the device will do nothing more.
func (t *trials) Resting() <-chan struct{} {
	if t.box.cfg.Resting == nil {
		return nil
	}
	return t.box.cfg.Resting()
}
