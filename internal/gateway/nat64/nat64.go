package nat64

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"assay/internal/gateway/nat64/siit"
)

// ErrUnavailable says that this machine has no TUN devices, so that networks without
// IPv4 cannot be offered.
var ErrUnavailable = errors.New("this machine gives no TUN device")

// Config is what a translator needs.
type Config struct {
	// Link names the TUN device that is made.
	Link string
	// Prefix leads to IPv4; 64:ff9b::/96 when zero, else one of RFC 6052 section 2.2,
	// for example of 64:ff9b:1::/48 (RFC 8215).
	Prefix netip.Prefix
	// Pool is the IPv4 address that packets get; private, and no address of the box.
	Pool netip.Addr
	// Own is the box's own IPv6 address, from which errors come. It is asked for each
	// time, because it changes with the uplink.
	Own func() netip.Addr
	// Allow are IPv4 networks that may be reached though they would be refused; Refuse
	// are more that may not.
	Allow, Refuse []netip.Prefix
	// MTU is that of the LAN and of the TUN device, 1500 when 0.
	MTU int
	// Do runs a function where the TUN device is to be (netos.Kernel.Do); nil: here.
	Do func(func() error) error
	// Now is the clock; time.Now when nil, used with its monotonic reading.
	Now func() time.Time
}

const defaultMTU = 1500

func (c Config) withDefaults() Config {
	if !c.Prefix.IsValid() {
		c.Prefix = siit.WellKnown
	}
	if c.MTU == 0 {
		c.MTU = defaultMTU
	}
	if c.Do == nil {
		c.Do = func(f func() error) error { return f() }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Own == nil {
		c.Own = func() netip.Addr { return netip.Addr{} }
	}
	return c
}

func (c Config) check() error {
	switch {
	case c.Link == "":
		return errors.New("cannot translate without a name for the TUN device: set Config.Link")
	case !c.Pool.Is4():
		return errors.New("cannot translate without an IPv4 address to send from: set Config.Pool")
	case c.MTU < siit.LeastMTUIPv6:
		return fmt.Errorf("cannot translate with an MTU of %d: IPv6 needs %d", c.MTU, siit.LeastMTUIPv6)
	}
	return siit.CheckPrefix(c.Prefix)
}

// NAT64 is a translator with its TUN device, which exists until Close.
type NAT64 struct {
	cfg        Config
	device     io.ReadWriteCloser
	translator *translator
}

// Open makes the TUN device, which the caller has to set up and route to. The error
// wraps ErrUnavailable where there can be none.
func Open(cfg Config) (*NAT64, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	var device *os.File
	if err := cfg.Do(func() (err error) { device, err = openTUN(cfg.Link); return err }); err != nil {
		return nil, err
	}
	return newNAT64(cfg, device), nil
}

func newNAT64(cfg Config, device io.ReadWriteCloser) *NAT64 {
	n := &NAT64{cfg: cfg, device: device}
	n.translator = newTranslator(cfg, func(b []byte) {
		_, _ = device.Write(b) // a packet that the kernel does not take is lost, as packets are
	})
	return n
}

// Serve translates until ctx ends or Close is called, and returns nil then.
func (n *NAT64) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = n.device.Close() })
	defer stop()
	began, buf := n.cfg.Now(), make([]byte, 1<<16)
	for {
		size, err := n.device.Read(buf)
		switch {
		case ctx.Err() != nil || errors.Is(err, os.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("cannot read the TUN device %s: %w", n.cfg.Link, err)
		}
		n.translator.handle(buf[:size], n.cfg.Now().Sub(began))
	}
}

// Close ends Serve; the TUN device goes, with its addresses and routes.
func (n *NAT64) Close() error {
	if err := n.device.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("cannot close the TUN device %s: %w", n.cfg.Link, err)
	}
	return nil
}

// Counts is what was translated and refused so far.
func (n *NAT64) Counts() Counts { return n.translator.read() }

// Prefix is the one that leads to IPv4.
func (n *NAT64) Prefix() netip.Prefix { return n.cfg.Prefix }
