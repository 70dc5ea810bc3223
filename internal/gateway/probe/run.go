package probe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// Run asks the device everything. It returns the cause of ctx when that is done first,
// ErrForbidden when the rules of caution do not allow it to go on.
func (p *Prober) Run(ctx context.Context) error {
	d, err := p.cfg.Device(ctx)
	if err != nil {
		return err
	}
	targets := p.targets(d.Addresses)
	if len(targets) == 0 {
		return fmt.Errorf("cannot ask the device: %w: none of its addresses %v is on the LAN port", ErrForbidden, d.Addresses)
	}
	for _, to := range targets { // before anything is sent
		if _, err := p.allowed(ctx, to); err != nil {
			return err
		}
	}
	if p.consented() {
		p.say(event.NoteConsent, p.cfg.Consent)
	}
	for _, to := range targets {
		if err := p.scan(ctx, to); err != nil {
			return err
		}
		p.udp(ctx, to)
	}
	p.behind(ctx, d.Words)
	return context.Cause(ctx)
}

// behind looks behind the open doors: the careful questions first, passwords last.
func (p *Prober) behind(ctx context.Context, words []string) {
	found := p.services(ctx)
	for _, s := range found {
		words = append(words, s.banner)
		if s.tls {
			p.handshakes(ctx, s)
		}
		if strings.HasPrefix(s.name, "http") {
			p.get(ctx, s)
		}
	}
	p.passwords(ctx, distinct(append(found, p.ports.udp...)), words)
}

// passwords tries the factory passwords at every service before wrong ones at any.
func (p *Prober) passwords(ctx context.Context, found []service, words []string) {
	var asking []service
	for _, s := range found {
		if p.logins(ctx, s, words) && !s.udp { // over UDP a refusal is silence, and nothing can be locked
			asking = append(asking, s)
		}
	}
	for _, s := range asking {
		if p.consented() && p.cfg.Reset != "" && ctx.Err() == nil {
			p.lockout(ctx, s)
		}
	}
}

func (p *Prober) services(ctx context.Context) (found []service) {
	for i, at := range p.ports.open {
		p.cfg.Tell(i, len(p.ports.open), "what speaks at "+at.String())
		if s := p.identify(ctx, at); s.name != "" || s.tls {
			found = append(found, s)
		}
	}
	return found
}

// distinct keeps one of the doors that lead to the same service over IPv4 and IPv6: it
// counts attempts for both.
func distinct(all []service) (out []service) {
	for _, s := range all {
		if !slices.ContainsFunc(out, func(o service) bool { return o.at.Port() == s.at.Port() && o.name == s.name && o.udp == s.udp }) {
			out = append(out, s)
		}
	}
	return out
}

// targets are the addresses to ask: one IPv4 address and one of IPv6, a global one
// rather than one of the link.
func (p *Prober) targets(own []netip.Addr) (out []netip.Addr) {
	var best [3]netip.Addr
	for _, a := range own {
		kind := 2
		switch {
		case a.Is4():
			kind = 0
		case !a.IsLinkLocalUnicast():
			kind = 1
		default:
			a = a.WithZone(p.cfg.Interface)
		}
		if _, onLink := p.cfg.From(a); onLink && !best[kind].IsValid() {
			best[kind] = a
		}
	}
	if best[1].IsValid() {
		best[2] = netip.Addr{}
	}
	for _, a := range best {
		if a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}
