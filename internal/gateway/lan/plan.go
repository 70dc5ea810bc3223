package lan

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"assay/internal/gateway/netos"
)

// networks4 are tried in this order for the LAN.
var networks4 = prefixes("192.168.77.1/24", "192.168.177.1/24", "172.31.77.1/24", "10.77.77.1/24")

// plan works out addresses and rules without changing anything but the file
// that keeps the ULA.
func plan(k netos.Kernel, cfg Config) (wanted, error) {
	taken, err := networks(k, cfg.LAN)
	if err != nil {
		return wanted{}, err
	}
	w := wanted{
		lan: cfg.LAN, wan: cfg.WAN, network: N2, delegated: cfg.Delegated, limits: cfg.Limits,
		allow: cfg.Allow, refuse: append(taken, cfg.Refuse...),
	}
	if w.addresses.IPv4, err = network4(cfg, taken); err != nil {
		return wanted{}, err
	}
	w.addresses.IPv6, w.addresses.NAT66, err = network6(cfg)
	return w, err
}

// refused are the networks of other links and those of the configuration.
func refused(k netos.Kernel, cfg Config) ([]netip.Prefix, error) {
	taken, err := networks(k, cfg.LAN)
	return append(taken, cfg.Refuse...), err
}

// networks are those the box's other links are in.
func networks(k netos.Kernel, lan string) ([]netip.Prefix, error) {
	all, err := k.Addresses("")
	if err != nil {
		return nil, err
	}
	var out []netip.Prefix
	for _, a := range all {
		if a.Link != lan {
			out = append(out, a.Prefix.Masked())
		}
	}
	return out, nil
}

func network4(cfg Config, taken []netip.Prefix) (netip.Prefix, error) {
	if cfg.Network4.IsValid() {
		if t, ok := overlaps(cfg.Network4, taken); ok {
			return netip.Prefix{}, fmt.Errorf("cannot use %s on the LAN: another link is in %s; choose another network", cfg.Network4, t)
		}
		return cfg.Network4, nil
	}
	for _, n := range networks4 {
		if _, ok := overlaps(n, taken); !ok {
			return n, nil
		}
	}
	return netip.Prefix{}, errors.New("cannot find a free IPv4 network for the LAN: name one in the configuration")
}

func overlaps(p netip.Prefix, taken []netip.Prefix) (netip.Prefix, bool) {
	for _, t := range taken {
		if t.Overlaps(p) {
			return t, true
		}
	}
	return netip.Prefix{}, false
}

// network6 is the first /64 of the delegated prefix, or else a ULA, with the
// box's address ::1 in it.
func network6(cfg Config) (p netip.Prefix, nat66 bool, err error) {
	network := cfg.Delegated
	if !network.IsValid() {
		nat66 = true
		if network, err = ula(cfg); err != nil {
			return netip.Prefix{}, false, err
		}
	}
	b := network.Masked().Addr().As16()
	b[15] = 1
	return netip.PrefixFrom(netip.AddrFrom16(b), 64), nat66, nil
}

// ula reads the network of RFC 4193 that this box made up once, or makes it up:
// fd, 40 random bits, subnet 1.
func ula(cfg Config) (netip.Prefix, error) {
	path := filepath.Join(cfg.StateDir, "ula")
	text, err := os.ReadFile(path)
	if err == nil {
		p, err := netip.ParsePrefix(strings.TrimSpace(string(text)))
		if err == nil && p.Bits() == 64 && p.Addr().Is6() && p.Addr().As16()[0] == 0xfd {
			return p.Masked(), nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return netip.Prefix{}, fmt.Errorf("cannot read the box's own IPv6 network: %w", err)
	}
	p, err := newULA(cfg.Rand)
	if err == nil {
		err = os.MkdirAll(cfg.StateDir, 0o700)
	}
	if err == nil {
		err = renameio.WriteFile(path, []byte(p.String()+"\n"), 0o600)
	}
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("cannot keep an IPv6 network of our own: %w", err)
	}
	return p, nil
}

func newULA(random io.Reader) (netip.Prefix, error) {
	if random == nil {
		random = rand.Reader
	}
	b := [16]byte{0: 0xfd, 7: 1}
	if _, err := io.ReadFull(random, b[1:6]); err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), 64), nil
}
