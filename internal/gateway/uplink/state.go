//go:build linux

package uplink

import (
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"assay/internal/gateway/netos"
)

// resolvConfLimit bounds the resolver configuration that is read, in bytes.
const resolvConfLimit = 64 << 10

// read puts together what the kernel and the clients know. What cannot be read
// counts as not there.
func (u *Uplink) read(known found) State {
	s := State{Link: u.cfg.Link, Delegated: known.delegated, DelegatedUntil: known.until}
	s.Resolvers = u.resolvers(known)
	link, err := netos.LinkByName(u.cfg.Kernel, u.cfg.Link)
	if err != nil {
		return s
	}
	s.Carrier = link.Up && link.Carrier
	s.Addresses, s.Gateways = u.addresses(), u.gateways()
	s.Up = s.Carrier && reachable(s)
	return s
}

// reachable says whether some IP version has both an address and a gateway.
func reachable(s State) bool {
	for _, g := range s.Gateways {
		if slices.ContainsFunc(s.Addresses, func(p netip.Prefix) bool { return p.Addr().Is4() == g.Is4() }) {
			return true
		}
	}
	return false
}

func (u *Uplink) addresses() []netip.Prefix {
	all, err := u.cfg.Kernel.Addresses(u.cfg.Link)
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, a := range all {
		if !a.Prefix.Addr().IsLinkLocalUnicast() && !a.Tentative {
			out = append(out, a.Prefix)
		}
	}
	return out
}

func (u *Uplink) gateways() []netip.Addr {
	all, err := u.cfg.Kernel.Routes()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, r := range all {
		if r.Link == u.cfg.Link && r.Default() && r.Via.IsValid() && !slices.Contains(out, r.Via) {
			out = append(out, r.Via)
		}
	}
	return out
}

func (u *Uplink) resolvers(known found) []netip.Addr {
	switch {
	case len(u.cfg.Resolvers) > 0:
		return u.cfg.Resolvers
	case u.cfg.Mode == Existing:
		return hostResolvers(u.cfg.ResolvConf)
	case len(known.resolvers4)+len(known.resolvers6) > 0:
		return append(slices.Clone(known.resolvers4), known.resolvers6...)
	default:
		return known.advertised
	}
}

// hostResolvers reads the name servers of resolv.conf(5).
func hostResolvers(path string) []netip.Addr {
	if path == "" {
		path = "/etc/resolv.conf"
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(f, resolvConfLimit))
	if err := f.Close(); err != nil {
		return nil
	}
	if err != nil {
		return nil
	}
	return parseResolvConf(string(text))
}

func parseResolvConf(text string) []netip.Addr {
	var out []netip.Addr
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func equal(a, b State) bool {
	return a.Link == b.Link && a.Carrier == b.Carrier && a.Up == b.Up && a.Delegated == b.Delegated &&
		a.DelegatedUntil.Equal(b.DelegatedUntil) && slices.Equal(a.Addresses, b.Addresses) &&
		slices.Equal(a.Gateways, b.Gateways) && slices.Equal(a.Resolvers, b.Resolvers)
}
