package manners

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"assay/internal/assess/evidence"
)

// Port sends to the device and hears its echo replies; OpenPort opens one.
type Port interface {
	// Send sends an ICMPv6 message without its checksum; hops is the hop limit.
	Send(from, to netip.Addr, hops int, message []byte) error
	// Receive waits for an echo reply until the deadline; b takes all of it.
	Receive(b []byte, deadline time.Time) (Reply, error)
	Close() error
}

// Reply is what came.
type Reply struct {
	From    netip.Addr
	Message []byte
	Pieces  bool // the packet came in fragments
}

// Config is what is needed to ask.
type Config struct {
	Open func() (Port, error)
	// Device tells the addresses of the device.
	Device func(ctx context.Context) ([]netip.Addr, error)
	// From gives the box's own address on the LAN port towards another, and whether
	// that is on the link.
	From func(to netip.Addr) (netip.Addr, bool)
	// Prefix is offered by the advertisement that must be ignored: a /64 that nothing
	// else uses.
	Prefix netip.Prefix
	Note   func(evidence.Note)
	// Tell takes what is done at the moment. May be nil.
	Tell func(words string)
	Pace Pace
}

// Pace is how long is waited. The zero value is that of a real device.
type Pace struct {
	Joined  time.Duration // for the IPv6 addresses of the device; 30 s
	Between time.Duration // two advertisements; 2 s
	Answer  time.Duration // for an echo reply; 3 s
}

func (p Pace) orUsual() Pace {
	if p.Joined == 0 {
		p.Joined = 30 * time.Second
	}
	if p.Between == 0 {
		p.Between = 2 * time.Second
	}
	if p.Answer == 0 {
		p.Answer = 3 * time.Second
	}
	return p
}

// What is sent at most.
const (
	advertisements = 3
	requests       = 6
	tellings       = 3
	confirmations  = 2 // replies in pieces that are enough
)

// The reasons why nothing can be found out.
var (
	// ErrNoIPv6 says that the device has no IPv6 address on the port.
	ErrNoIPv6 = errors.New("the device has no IPv6 address on the port")
	// ErrSilent says that the device answers no echo request.
	ErrSilent = errors.New("the device answers no large echo request")
)

// NoteManners is the kind of the note that says what is about to be sent.
const NoteManners = "manners"

// Note is its body.
type Note struct {
	What   string       `json:"what"` // "advertisement", "echo" or "too-big"
	To     netip.Addr   `json:"to"`
	From   netip.Addr   `json:"from"`
	Prefix netip.Prefix `json:"prefix,omitzero"`
}

// Run asks. It returns the cause of ctx when that is done first.
func Run(ctx context.Context, cfg Config) error {
	cfg.Pace = cfg.Pace.orUsual()
	if cfg.Tell == nil {
		cfg.Tell = func(string) {}
	}
	link, global, err := cfg.waitForIPv6(ctx)
	if err != nil {
		return err
	}
	p, err := cfg.Open()
	if err != nil {
		return fmt.Errorf("cannot send to the device: %w", err)
	}
	a := asker{cfg, p}
	err = a.advertise(ctx, link)
	if err == nil {
		err = a.echoes(ctx, global)
	}
	return errors.Join(err, p.Close())
}

// lookEvery is how often is looked for an address of the device.
const lookEvery = 250 * time.Millisecond

// waitForIPv6 waits until the device has an address of the link and one beyond. Where
// it has only one of them that one serves for both.
func (c Config) waitForIPv6(ctx context.Context) (link, global netip.Addr, err error) {
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	enough := time.After(c.Pace.Joined)
	for {
		all, err := c.Device(ctx)
		if err != nil {
			return link, global, err
		}
		link, global = c.choose(all)
		if link.IsValid() && global.IsValid() {
			return link, global, nil
		}
		select {
		case <-ticks.C:
		case <-enough:
			return either(link, global)
		case <-ctx.Done():
			return link, global, context.Cause(ctx)
		}
	}
}

func either(link, global netip.Addr) (netip.Addr, netip.Addr, error) {
	switch {
	case link.IsValid():
		return link, link, nil
	case global.IsValid():
		return global, global, nil
	}
	return link, global, ErrNoIPv6
}

// choose takes the device's address of the link and one beyond, on the LAN port.
func (c Config) choose(all []netip.Addr) (link, global netip.Addr) {
	for _, a := range all {
		a = a.WithZone("")
		if _, onLink := c.From(a); !a.Is6() || a.Is4In6() || a.IsMulticast() || !onLink {
			continue
		}
		if a.IsLinkLocalUnicast() {
			link = a
		} else {
			global = a
		}
	}
	return link, global
}

func (c Config) note(n Note) {
	body, err := json.Marshal(n)
	if err == nil { // it has nothing that cannot be written
		c.Note(evidence.Note{Kind: NoteManners, Body: body})
	}
}
