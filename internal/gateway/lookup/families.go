package lookup

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
)

// triesOfName is how many IPv6 addresses of one name are tried.
const triesOfName = 2

// portDNS is where the root's servers are reached for the control.
const portDNS = 53

// families asks whether the names have IPv6 and whether it works.
func (l *Looker) families(ctx context.Context, names []named) {
	up := l.cfg.HasIPv6 != nil && l.cfg.HasIPv6()
	if up {
		l.reachRoot(ctx)
	}
	known := map[string]servers{}
	for _, n := range names {
		if ctx.Err() != nil {
			return
		}
		l.family(ctx, n, up, known)
	}
}

// reachRoot shows that IPv6 works from here: a connection to one of the root's name
// servers, which take TCP (RFC 7766).
func (l *Looker) reachRoot(ctx context.Context) {
	n := event.LookupNote{Kind: KindAAAA, Subject: ".", Outcome: StateFailed, Why: "the root's servers have no IPv6 address"}
	list := l.ask(ctx, ".", dns.TypeNS)
	tries := 0
	for _, rr := range list.Answer {
		ns, ok := rr.(*dns.NS)
		if !ok || tries >= nsLimit || n.Outcome == OutcomeReachable {
			continue
		}
		if addrs := sixes(l.ask(ctx, ns.Ns, dns.TypeAAAA).Answer); len(addrs) > 0 {
			tries++
			n.Outcome, n.Why = l.reach(ctx, addrs[:1], portDNS)
		}
	}
	l.note(n)
}

// family is one name: its AAAA, one connection, its name servers.
func (l *Looker) family(ctx context.Context, name named, up bool, known map[string]servers) {
	n := event.LookupNote{Kind: KindAAAA, Subject: name.name}
	a := l.ask(ctx, name.name, dns.TypeAAAA)
	addrs := sixes(a.Answer)
	switch {
	case a.State == StateFailed || len(addrs) == 0 && !a.settled():
		n.Outcome, n.Why = StateFailed, a.State+": "+a.Why
	case a.absent():
		n.Outcome, n.Why = StateAbsent, "the name does not exist now"
	case len(addrs) == 0:
		n.Outcome = OutcomeNone
	case !up:
		n.Outcome, n.Why = OutcomePresent, "the uplink has no IPv6"
	case name.port == 0:
		n.Outcome, n.Why = OutcomePresent, "the device used no TCP port of it"
	default:
		n.Outcome, n.Why = l.reach(ctx, addrs, name.port)
	}
	s := l.serversOf(ctx, name.name, known)
	n.Data = map[string]string{"addresses": joinAddrs(addrs), "ns": s.count, "ns_aaaa": s.six}
	if name.port != 0 {
		n.Data["port"] = strconv.Itoa(int(name.port))
	}
	l.note(n)
}

// reach tries the first addresses until one answers.
func (l *Looker) reach(ctx context.Context, addrs []netip.Addr, port uint16) (outcome, why string) {
	for _, a := range addrs[:min(len(addrs), triesOfName)] {
		c, err := l.connect(ctx, netip.AddrPortFrom(a, port))
		if err == nil {
			_ = c.Close() // nothing was said
			return OutcomeReachable, ""
		}
		why = err.Error()
	}
	return OutcomeUnreachable, why
}

// sixes are the IPv6 addresses of an answer; mapped and translated ones are none.
func sixes(rrs []dns.RR) []netip.Addr {
	var out []netip.Addr
	for _, rr := range rrs {
		if r, ok := rr.(*dns.AAAA); ok && len(out) < nsLimit {
			if a, ok := netip.AddrFromSlice(r.AAAA); ok && !a.Is4In6() {
				out = append(out, a)
			}
		}
	}
	return out
}

func joinAddrs(list []netip.Addr) string {
	var out []string
	for _, a := range list {
		out = append(out, a.String())
	}
	return strings.Join(out, " ")
}

// servers says how many name servers a zone has, and how many of the first few have
// an IPv6 address, as "2 of 4".
type servers struct{ count, six string }

// serversOf finds the name servers of the zone that a name lies in.
func (l *Looker) serversOf(ctx context.Context, name string, known map[string]servers) servers {
	for at, more := name, true; more; at, more = parent(at) {
		if s, ok := known[at]; ok {
			return s
		}
		a := l.ask(ctx, at, dns.TypeNS)
		if !a.settled() {
			return servers{}
		}
		if !has(a.Answer, dns.TypeNS) || has(a.Answer, dns.TypeCNAME) {
			continue
		}
		s := l.sixesOf(ctx, a.Answer)
		known[at] = s // at most one for each name
		return s
	}
	return servers{}
}

func (l *Looker) sixesOf(ctx context.Context, rrs []dns.RR) servers {
	count, asked, six := 0, 0, 0
	for _, rr := range rrs {
		ns, ok := rr.(*dns.NS)
		if !ok {
			continue
		}
		if count++; count > nsLimit {
			continue
		}
		if a := l.ask(ctx, ns.Ns, dns.TypeAAAA); a.settled() {
			asked++
			if len(sixes(a.Answer)) > 0 {
				six++
			}
		}
	}
	return servers{strconv.Itoa(count), strconv.Itoa(six) + " of " + strconv.Itoa(asked)}
}
