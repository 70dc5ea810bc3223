package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/assess"
	"assay/internal/panel"
	"assay/internal/panel/door"
	"assay/internal/panel/page"
	"assay/internal/run/box"
	"assay/internal/run/config"
	"assay/internal/run/health"
	"assay/internal/run/session"
	"assay/internal/run/show"
)

// boxPage is the page of a box, with what it is reached by.
type boxPage struct {
	show    *show.Show
	door    *door.Door
	servers []*door.Server
	lamps   *lamps // nil without a board
}

// newBoxPage makes what the page shows; serve opens it.
func newBoxPage(set config.Config, book assess.Book) *boxPage {
	r := set.Run
	told := panel.Details{
		Operator: r.Operator, Label: r.Label, Serial: r.Serial, Firmware: r.Firmware, Profile: r.Profile, Plan: r.Plan,
		Tester: r.Tester, Owner: r.Owner, Model: r.Model, Reset: r.Reset,
	}
	about := func(ctx context.Context) panel.About {
		a := aboutBox(book, set.Ports)
		for _, c := range health.Examine(ctx, checks(set)) {
			a.Checks = append(a.Checks, panel.Check{Title: c.Title, State: toneOf(c.State), Says: c.Says, Do: c.Do})
		}
		return a
	}
	b := &boxPage{}
	b.show = show.New(show.Config{Told: told, About: func(ctx context.Context) panel.About {
		a := about(ctx)
		if b.lamps != nil {
			a.Board = b.lamps.driver.Name()
		}
		return a
	}})
	return b
}

// join lets the page and the lamps hear of what goes on in the box that is to start.
func (b *boxPage) join(cfg *box.Config, c *console, set config.Config, asJSON bool) (err error) {
	b.lamps, err = openLamps(set.Board)
	if err != nil && (set.Board.Kind != "auto" || set.Board.Relay) {
		return err
	}
	if err != nil { // nobody asked for lamps
		c.tell("assay: the box works without its lamps: %v\n", err)
	}
	if b.lamps != nil && set.Board.Relay {
		cfg.Power = b.lamps.cycle
	}
	said := &teller{console: c, asJSON: asJSON, said: map[string]string{}}
	cfg.Beat, cfg.Progress = b.show.Beat, progressTeller(c)
	cfg.Publish = func(s session.Snapshot) {
		said.take(s)
		b.show.Run(s)
	}
	cfg.Warn = func(err error) { c.tell("assay: %v\n", err) }
	return nil
}

// begin lets people give orders to the box, by the page and by the button.
func (b *boxPage) begin(ctx context.Context, c *console, set config.Config, up *box.Box, cfg box.Config, newKey bool) error {
	b.show.Keep(up.Store())
	orders := controls{box: up, lamps: b.lamps, base: box.Next{
		Run: set.Run, Plan: cfg.Plan, Steps: cfg.Steps, Consent: cfg.Consent, Reset: cfg.Reset,
	}}
	b.show.Use(orders)
	if b.lamps != nil {
		b.lamps.follow(b.show, orders, cfg.Warn)
	}
	if err := b.serve(ctx, c, set, newKey); err != nil {
		return fmt.Errorf("cannot show the page: %w", err)
	}
	return nil
}

// toneOf is how the page shows a state of health.
func toneOf(s health.State) string {
	return map[health.State]string{health.Good: "good", health.Remark: "remarks", health.Bad: "bad"}[s]
}

// serve opens the page where the settings want it, and tells how to get in.
func (b *boxPage) serve(ctx context.Context, c *console, set config.Config, newKey bool) (err error) {
	if set.Page.Reach == config.PageOff {
		return nil
	}
	if b.door, err = door.New(door.Config{Folder: set.Store.State}); err != nil {
		return err
	}
	if newKey {
		if err := b.door.NewToken(); err != nil {
			return err
		}
	}
	addresses := append(portAddresses(set.Ports.WAN), netip.MustParseAddr("127.0.0.1"))
	host, _ := os.Hostname() // a box without a name is reached by its address
	id, err := door.LoadIdentity(set.Store.State, host, addresses, time.Now())
	if err != nil {
		return err
	}
	p, err := page.New(page.Config{Source: b.show, Leave: true})
	if err != nil {
		return err
	}
	h := b.door.Wrap(p, p.Login(id.CertificateFingerprint(), door.Reason))
	sockets, err := pageSockets(ctx, set)
	if err != nil {
		return err
	}
	for _, s := range sockets {
		server, err := door.Serve(context.WithoutCancel(ctx), s, h, &id)
		if err != nil {
			return err
		}
		b.servers = append(b.servers, server)
	}
	b.tell(c, set, id, addresses[0])
	return nil
}

// tell says where the page is and how to get in.
func (b *boxPage) tell(c *console, set config.Config, id door.Identity, at netip.Addr) {
	if set.Page.Reach == config.PageLocal {
		at = netip.MustParseAddr("127.0.0.1")
	}
	base := "https://" + netip.AddrPortFrom(at, uint16(set.Page.Port)).String() //nolint:gosec // the settings bound it
	c.tell("assay: the page is at %s/\nassay: its certificate has the fingerprint (SHA-256) %s\n", base, id.CertificateFingerprint())
	link := b.door.Link(base)
	if link == "" {
		c.tell("assay: it asks for the key of the box; 'assay gateway --new-key' makes another when it is lost\n")
		return
	}
	c.tell("assay: the key of the box, shown this once: %s\n", b.door.Token())
	if picture, err := door.QR(link); err == nil && c.progress {
		c.tell("%s", picture)
	}
}

// pageSockets are where the page listens: on loopback, and on the WAN port. Each socket
// is bound to its port, whatever addresses that has, so that nothing from the device's
// port reaches it.
func pageSockets(ctx context.Context, set config.Config) (list []net.Listener, err error) {
	at := map[string]string{config.PageLocal: "127.0.0.1", config.PageNetwork: ""}
	ports := map[string]string{config.PageLocal: "lo", config.PageNetwork: set.Ports.WAN}
	for _, reach := range []string{config.PageLocal, config.PageNetwork} {
		socket, err := listenOn(ctx, ports[reach], net.JoinHostPort(at[reach], strconv.Itoa(set.Page.Port)))
		if err != nil {
			for _, s := range list {
				err = errors.Join(err, s.Close())
			}
			return nil, fmt.Errorf("cannot open the page's port on %s: %w; set another one under page.port", ports[reach], err)
		}
		list = append(list, socket)
		if reach == set.Page.Reach {
			break
		}
	}
	return list, nil
}

// listenOn listens on one port of the machine.
func listenOn(ctx context.Context, link, at string) (net.Listener, error) {
	bound := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), link) })
		return errors.Join(failed, err)
	}}
	return bound.Listen(ctx, "tcp", at)
}

// portAddresses are those of a port, global ones first; none while it has none.
func portAddresses(name string) (list []netip.Addr) {
	port, err := net.InterfaceByName(name)
	if err != nil {
		return nil
	}
	all, err := port.Addrs()
	if err != nil {
		return nil
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			list = append(list, p.Addr())
		}
	}
	return list
}

// close ends the page.
func (b *boxPage) close() error {
	all := b.lamps.close()
	for _, s := range b.servers {
		all = errors.Join(all, s.Close())
	}
	return all
}
