//go:build linux

package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/netos"
)

// journalName names the journal in Config.StateDir.
const journalName = "uplink"

// watchAgain is how long the uplink waits when the kernel's messages broke off;
// it looks for itself meanwhile.
const watchAgain = 2 * time.Second

// Numbers of rtnetlink(7) for who made a route, and the metric of ours.
const (
	protoStatic = 4
	protoDHCP   = 16
	ownMetric   = 50
)

// Uplink is a running uplink.
type Uplink struct {
	cfg     Config
	journal *netos.Journal
	link    netos.Link
	cancel  context.CancelFunc
	done    sync.WaitGroup
	kick    chan struct{} // something may have changed

	// talk4 and talk6 are one conversation each with DHCP servers.
	talk4 func(context.Context, way4, *lease4) (lease4, error)
	talk6 func(context.Context, way6, delegation) (delegation, error)

	mu    sync.Mutex
	state State
	turn  chan struct{} // closed and made anew at each change of state
	found found
}

// found is what the clients know beyond what the kernel shows.
type found struct {
	resolvers4, resolvers6 []netip.Addr // by DHCP
	advertised             []netip.Addr // by router advertisements
	delegated              netip.Prefix
	until                  time.Time
	lease4                 *lease4     // in force, to be released
	delegation             *delegation // as well
}

// Start begins to keep the uplink working and returns at once; the first state
// is told by Changed. The end of ctx ends the work but leaves the link as it is:
// Stop, or netos.Restore after a crash, puts it back.
func Start(ctx context.Context, cfg Config) (*Uplink, error) {
	u, err := newUplink(cfg)
	if err != nil {
		return nil, err
	}
	if err := u.start(ctx); err != nil {
		return nil, err
	}
	return u, nil
}

func newUplink(cfg Config) (*Uplink, error) {
	link, err := netos.LinkByName(cfg.Kernel, cfg.Link)
	if err != nil {
		return nil, err
	}
	if cfg.Mode == Static && len(cfg.Addresses) == 0 {
		return nil, errors.New("cannot start a static uplink without addresses: give at least one")
	}
	j, err := netos.OpenJournal(cfg.Kernel, cfg.StateDir, journalName)
	if err != nil {
		return nil, err
	}
	j.Step = cfg.Step
	u := &Uplink{cfg: cfg, journal: j, link: link, kick: make(chan struct{}, 1), turn: make(chan struct{})}
	u.talk4, u.talk6 = u.ask4, u.ask6
	return u, nil
}

func (u *Uplink) start(ctx context.Context) error {
	ctx, u.cancel = context.WithCancel(ctx)
	if err := u.begin(ctx); err != nil {
		u.cancel()
		return errors.Join(fmt.Errorf("cannot start the uplink: %w", err), u.journal.Undo())
	}
	return nil
}

func (u *Uplink) begin(ctx context.Context) error {
	var clients []func(context.Context)
	switch u.cfg.Mode {
	case Existing:
	case Static:
		if err := u.setStatic(); err != nil {
			return err
		}
	case DHCP:
		if err := u.acceptAdvertisements(); err != nil {
			return err
		}
		clients = append(clients, u.runDHCP4, u.runDelegation, u.runAdvertised)
	default:
		return fmt.Errorf("there is no mode %q: use existing, dhcp or static", u.cfg.Mode)
	}
	for _, work := range append(clients, u.watch, u.observe) {
		u.done.Go(func() { work(ctx) })
	}
	u.wake()
	return nil
}

// Stop ends everything, gives back what was lent, and puts the link back as it was.
func (u *Uplink) Stop(ctx context.Context) error {
	u.cancel()
	u.done.Wait()
	u.release(ctx)
	return errors.Join(u.journal.Undo(), ctx.Err())
}

// State gives what is known now.
func (u *Uplink) State() State {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state
}

func (u *Uplink) setStatic() error {
	if err := u.journal.SetLinkUp(u.cfg.Link, true); err != nil {
		return err
	}
	for _, p := range u.cfg.Addresses {
		if err := u.journal.AddAddress(netos.Address{Link: u.cfg.Link, Prefix: p}); err != nil {
			return err
		}
	}
	for _, g := range u.cfg.Gateways {
		if err := u.addDefault(g, u.cfg.Addresses, protoStatic); err != nil {
			return err
		}
	}
	return nil
}

// addDefault adds a default route, and the way to a gateway outside our networks.
func (u *Uplink) addDefault(gateway netip.Addr, own []netip.Prefix, proto int) error {
	near := gateway.IsLinkLocalUnicast() || slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(gateway) })
	if !near {
		way := netos.Route{To: netip.PrefixFrom(gateway, gateway.BitLen()), Link: u.cfg.Link, Metric: ownMetric, Protocol: proto}
		if err := u.journal.AddRoute(way); err != nil {
			return err
		}
	}
	return u.journal.AddRoute(u.defaultBy(gateway, proto))
}

func (u *Uplink) defaultBy(gateway netip.Addr, proto int) netos.Route {
	everything := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if gateway.Is6() {
		everything = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netos.Route{To: everything, Via: gateway, Link: u.cfg.Link, Metric: ownMetric, Protocol: proto}
}

// acceptAdvertisements lets the kernel configure IPv6, forwarding or not.
func (u *Uplink) acceptAdvertisements() error {
	if err := u.journal.Learn(u.cfg.Link); err != nil {
		return err
	}
	conf := "net/ipv6/conf/" + u.cfg.Link + "/"
	for _, s := range []struct{ key, value string }{{"accept_ra", "2"}, {"autoconf", "1"}, {"disable_ipv6", "0"}} {
		if err := u.journal.SetSysctl(conf+s.key, s.value); err != nil {
			return err
		}
	}
	return u.journal.SetLinkUp(u.cfg.Link, true)
}

// wake asks for a new look at the state; several requests are one.
func (u *Uplink) wake() {
	select {
	case u.kick <- struct{}{}:
	default:
	}
}

// watch wakes the observer at every change the kernel tells of.
func (u *Uplink) watch(ctx context.Context) {
	for ctx.Err() == nil {
		if err := u.cfg.Kernel.Watch(ctx, u.wake); err != nil {
			u.wake()
			wait(ctx, watchAgain)
		}
	}
}

// observe is the one goroutine that tells of changes.
func (u *Uplink) observe(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.kick:
			u.look()
		}
	}
}

// look compares the state with the former one and tells of a difference.
func (u *Uplink) look() {
	u.mu.Lock()
	known := u.found
	u.mu.Unlock()
	now := u.read(known)
	u.mu.Lock()
	same := equal(u.state, now)
	u.state = now
	if !same {
		close(u.turn)
		u.turn = make(chan struct{})
	}
	u.mu.Unlock()
	if same {
		return
	}
	if u.cfg.Changed != nil {
		u.cfg.Changed(now)
	}
	u.note(now)
}

func (u *Uplink) note(s State) {
	if u.cfg.Note == nil {
		return
	}
	body, err := json.Marshal(s)
	if err != nil {
		return // a struct of texts and addresses always has a JSON form
	}
	u.cfg.Note(evidence.Note{Kind: "uplink", Body: body})
}

// learn changes what the clients know and asks for a new look.
func (u *Uplink) learn(change func(*found)) {
	u.mu.Lock()
	change(&u.found)
	u.mu.Unlock()
	u.wake()
}

// until waits for a state; false when ctx has ended.
func (u *Uplink) until(ctx context.Context, ok func(State) bool) bool {
	for ctx.Err() == nil {
		u.mu.Lock()
		reached, turn := ok(u.state), u.turn
		u.mu.Unlock()
		if reached {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-turn:
		}
	}
	return false
}

func plugged(s State) bool { return s.Carrier }

// wait returns after d, or false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
