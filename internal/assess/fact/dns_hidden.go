package fact

import (
	"net/netip"
	"slices"
	"sort"
	"strings"

	"assay/internal/assess/event"
)

// portDoT is the port of DNS over TLS (RFC 7858) and over QUIC (RFC 9250).
const portDoT = 853

// hiddenPart keeps the resolvers that a host talks to over an encrypted channel.
type hiddenPart struct {
	found []hiddenResolver
	// invited are the names of resolvers that the network itself designates
	// (RFC 9463).
	invited []string
	crowded bool
}

// hiddenResolver is one encrypted resolver in use.
type hiddenResolver struct {
	server netip.AddrPort
	kind   string // "DNS over TLS", ...
	name   string
	b      Because
}

const hiddenLimit = 32

func (p *hiddenPart) learn(names []string) {
	for _, n := range names {
		n = strings.TrimSuffix(strings.ToLower(n), ".")
		if n != "" && len(p.invited) < hiddenLimit && !slices.Contains(p.invited, n) {
			p.invited = append(p.invited, n)
		}
	}
}

func (p *hiddenPart) see(ev *sighting, b event.ClientHello) {
	kind := encryptedDNS(ev.Server, b)
	if kind == "" {
		return
	}
	for i := range p.found {
		if f := &p.found[i]; f.server == ev.Server && f.name == b.SNI && f.kind == kind {
			f.b.See(ev)
			return
		}
	}
	if len(p.found) >= hiddenLimit {
		p.crowded = true
		return
	}
	f := hiddenResolver{server: ev.Server, kind: kind, name: b.SNI}
	f.b.See(ev)
	p.found = append(p.found, f)
}

// encryptedDNS names the kind of encrypted DNS that a TLS client begins, or is
// empty: by port and application protocol (RFC 7858, RFC 9250), else by the name
// or address of a known public resolver.
func encryptedDNS(server netip.AddrPort, b event.ClientHello) string {
	quic := b.Transport == event.QUIC || b.Transport == event.DTLS
	switch {
	case slices.Contains(b.ALPN, "doq"), server.Port() == portDoT && quic:
		return "DNS over QUIC"
	case slices.Contains(b.ALPN, "dot"), server.Port() == portDoT:
		return "DNS over TLS"
	case isPublicResolver(b.SNI), isPublicResolverAddr(server.Addr()):
		return "DNS over HTTPS"
	default:
		return ""
	}
}

// isServer says that encrypted DNS was seen with that server.
func (p *hiddenPart) isServer(a netip.Addr, port uint16) bool {
	for i := range p.found {
		if s := p.found[i].server; s.Addr().Unmap() == a && s.Port() == port {
			return true
		}
	}
	return false
}

// isInvited says that the network offered this resolver, by address or name.
func (p *hiddenPart) isInvited(w *world, f *hiddenResolver) bool {
	name := strings.TrimSuffix(strings.ToLower(f.name), ".")
	return offered(w, f.server.Addr()) || name != "" && slices.Contains(p.invited, name)
}

func (p *hiddenPart) state(w *world, out *Sheet) {
	var all, foreign Because
	var list, foreignList []string
	n := 0
	for i := range p.found {
		f := &p.found[i]
		line := f.kind + " to " + f.server.String()
		if f.name != "" {
			line += " (" + event.Clean(f.name) + ")"
		}
		all.Join(f.b)
		list = append(list, line)
		if !p.isInvited(w, f) {
			n++
			foreign.Join(f.b)
			foreignList = append(foreignList, line)
		}
	}
	sort.Strings(list)
	sort.Strings(foreignList)
	out.Int("dns.encrypted", len(list), all)
	out.List("dns.encrypted_list", list, all)
	out.Int("dns.encrypted_foreign", n, foreign)
	out.List("dns.encrypted_foreign_list", foreignList, foreign)
}
