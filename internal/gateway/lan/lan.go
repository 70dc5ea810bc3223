package lan

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"assay/internal/gateway/netos"
)

// journalName names the journal in Config.StateDir.
const journalName = "lan"

// redirectionsLimit bounds the redirections, so that the table stays small.
const redirectionsLimit = 64

// LAN is a router that is up.
type LAN struct {
	cfg     Config
	kernel  netos.Kernel
	journal *netos.Journal

	home netip.Prefix // the usual IPv4 network

	mu     sync.Mutex
	wanted wanted
	down   bool
}

// Restore puts the host back as it was before an Up that ended without Down, or
// an uplink that ended without Stop. It is called before either starts.
func Restore(ctx context.Context, k netos.Kernel, stateDir string) error {
	return netos.Restore(ctx, k, stateDir)
}

// Up makes the router. When it fails it has put everything back.
func Up(ctx context.Context, k netos.Kernel, cfg Config) (*LAN, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if err := cfg.check(k); err != nil {
		return nil, err
	}
	w, err := plan(k, cfg)
	if err != nil {
		return nil, err
	}
	j, err := netos.OpenJournal(k, cfg.StateDir, journalName)
	if err != nil {
		return nil, err
	}
	j.Step = cfg.Step
	l := &LAN{cfg: cfg, kernel: k, journal: j, wanted: w, home: w.addresses.IPv4}
	if err := l.up(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot bring the LAN up: %w", err), j.Undo())
	}
	l.note("up")
	return l, nil
}

// check finds what would go wrong later, while nothing has been changed yet.
func (c Config) check(k netos.Kernel) error {
	if c.LAN == c.WAN {
		return fmt.Errorf("cannot use %q as LAN and WAN: name two links", c.LAN)
	}
	if c.StateDir == "" {
		return errors.New("cannot work without a state folder: set StateDir")
	}
	if err := errors.Join(checkNetwork4(c.Network4), checkDelegated(c.Delegated)); err != nil {
		return err
	}
	for _, name := range []string{c.LAN, c.WAN} {
		l, err := netos.LinkByName(k, name)
		if err != nil {
			return err
		}
		if l.Master != "" {
			return fmt.Errorf("cannot use link %s: it belongs to bridge %s; name the bridge", name, l.Master)
		}
	}
	return c.checkNotUplink(k)
}

func checkNetwork4(n netip.Prefix) error {
	if !n.IsValid() || n.Addr().Is4() && n.Bits() >= 8 && n.Bits() <= 29 && n.Masked().Addr() != n.Addr() && broadcast(n) != n.Addr() {
		return nil
	}
	return fmt.Errorf("cannot use %s as the network of the LAN: give the box's IPv4 address and a length of 8 to 29, like 192.168.77.1/24", n)
}

func checkDelegated(p netip.Prefix) error {
	if !p.IsValid() || p.Addr().Is6() && p.Bits() <= 64 {
		return nil
	}
	return fmt.Errorf("cannot use %s as the prefix of the LAN: it takes a /64 or more", p)
}

// checkNotUplink refuses a LAN port that looks like the way to the internet.
func (c Config) checkNotUplink(k netos.Kernel) error {
	routes, err := k.Routes()
	if err != nil {
		return err
	}
	for _, r := range routes {
		if r.Link == c.LAN && r.Default() {
			return fmt.Errorf("cannot use link %s as LAN: it has a default route (%s), so it looks like the uplink; swap LAN and WAN or remove the route", c.LAN, r)
		}
	}
	return nil
}

// up makes the changes in an order that leaves no moment in which a device can
// pass unfiltered: the firewall first, forwarding last.
func (l *LAN) up(ctx context.Context) error {
	steps := []func() error{
		l.bridgeFilterOff,
		func() error { return l.journal.ReplaceTable(l.wanted.table()) },
		l.quietLAN,
		func() error { return l.journal.SetLinkUp(l.cfg.LAN, true) },
		func() error { return l.journal.SetLinkUp(l.cfg.WAN, true) },
		l.linkLocal,
		func() error { return l.setAddresses(l.wanted.addresses, l.wanted.network) },
		l.keepUplinks,
		l.forwardingOn,
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// Renew gives the LAN port its settings and addresses anew after its adapter was
// taken away and put in again: the kernel has forgotten them. The firewall knows the
// port by its name and never left.
func (l *LAN) Renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return errors.New("cannot renew the LAN: it is down")
	}
	for _, step := range []func() error{
		ctx.Err,
		l.quietLAN,
		func() error { return l.journal.SetLinkUp(l.cfg.LAN, true) },
		l.linkLocal,
		func() error { return l.setAddresses(l.wanted.addresses, l.wanted.network) },
		l.forwardingOn,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("cannot set up the LAN port again: %w", err)
		}
	}
	l.note("changed")
	return nil
}

// Down puts the host back as it was. The LAN cannot be used after it; a second
// Down does nothing.
func (l *LAN) Down(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil
	}
	if err := l.journal.Undo(); err != nil {
		return fmt.Errorf("cannot put the host back as it was: %w", err)
	}
	l.down = true
	l.note("down")
	return ctx.Err()
}

// Addresses gives the box's addresses on the LAN.
func (l *LAN) Addresses() Addresses {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wanted.addresses
}

// Offered gives the network that is offered.
func (l *LAN) Offered() Network {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wanted.network
}

// Check reads back whether the kernel still holds what was set: somebody else
// may have flushed the rules or taken the addresses away. An error says what is
// missing; the device must then not be trusted to be kept in.
func (l *LAN) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	have, err := l.kernel.Addresses(l.cfg.LAN)
	if err != nil {
		return err
	}
	for _, p := range l.wanted.addresses.offered(l.wanted.network) {
		if !slices.ContainsFunc(have, netos.Address{Link: l.cfg.LAN, Prefix: p}.Same) {
			return fmt.Errorf("the LAN port %s has lost its address %s: bring the LAN down and up", l.cfg.LAN, p)
		}
	}
	return l.kernel.CheckTable(l.wanted.table())
}

// SetDelegated changes the prefix that the uplink delegated; an invalid one
// means that there is none any more. The former IPv6 network leaves the port.
func (l *LAN) SetDelegated(ctx context.Context, p netip.Prefix) error {
	if err := checkDelegated(p); err != nil {
		return err
	}
	l.mu.Lock()
	cfg := l.cfg
	l.mu.Unlock()
	cfg.Delegated = p
	network6, nat66, err := network6(cfg)
	if err != nil {
		return err
	}
	return l.change(ctx, func(w *wanted) {
		w.delegated, w.addresses.IPv6, w.addresses.NAT66 = p, network6, nat66
	})
}

// RefuseUplink looks again which networks the box's other links are in, and
// refuses them. It is called whenever the uplink's addresses have changed.
func (l *LAN) RefuseUplink(ctx context.Context) error {
	refuse, err := refused(l.kernel, l.cfg)
	if err != nil {
		return err
	}
	return l.change(ctx, func(w *wanted) { w.refuse = refuse })
}

// Redirect puts these redirections in the place of the former ones; the first
// that fits a packet holds. Packets that are redirected reach the box whatever
// their destination was.
func (l *LAN) Redirect(ctx context.Context, list ...Redirection) error {
	if len(list) > redirectionsLimit {
		return fmt.Errorf("cannot redirect %d things: %d is the limit", len(list), redirectionsLimit)
	}
	for _, r := range list {
		if (r.Protocol != netos.TCP && r.Protocol != netos.UDP) || r.Port == 0 || r.Local == 0 {
			return fmt.Errorf("cannot redirect %s port %d to %d: give TCP or UDP and two ports", r.Protocol, r.Port, r.Local)
		}
		if r.Last != 0 && r.Last <= r.Local {
			return fmt.Errorf("cannot redirect port %d to the ports from %d to %d: the last is not after the first", r.Port, r.Local, r.Last)
		}
	}
	return l.change(ctx, func(w *wanted) { w.redirections = slices.Clone(list) })
}

// change sets addresses and table anew; when it fails the former ones hold.
func (l *LAN) change(ctx context.Context, edit func(*wanted)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return errors.New("cannot change the LAN: it is down")
	}
	next := l.wanted
	edit(&next)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.journal.ReplaceTable(next.table()); err != nil {
		return err
	}
	if err := l.setAddresses(next.addresses, next.network); err != nil {
		back := errors.Join(l.setAddresses(l.wanted.addresses, l.wanted.network), l.journal.ReplaceTable(l.wanted.table()))
		return errors.Join(err, back)
	}
	l.wanted = next
	l.note("changed")
	return nil
}
