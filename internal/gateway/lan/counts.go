package lan

import (
	"encoding/json"
	"net/netip"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/netos"
)

// Counts reads what the firewall refused since Up.
func (l *LAN) Counts() (Counts, error) {
	c, err := l.kernel.Counters(tableName)
	if err != nil {
		return Counts{}, err
	}
	n := func(name string) uint64 { return c[name].Packets }
	return Counts{
		Private: n(cPrivate), Input: n(cInput), Spoofed: n(cSpoofed), Inbound: n(cInbound), OtherLink: n(cOtherLink),
		NotOffered: n(cNotOffered), Invalid: n(cInvalid), New: n(cNew), ICMP: n(cICMP), UDP: n(cUDP), Mail: n(cMail),
	}, nil
}

// Tried lists the destinations in networks that are not the public internet that
// devices tried to reach during the last day, at most 1024 of each IP version.
func (l *LAN) Tried() ([]netip.Addr, error) {
	var out []netip.Addr
	for _, set := range []string{"tried4", "tried6"} {
		some, err := l.kernel.Elements(tableName, set)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// networkNote is the body of the notes "network".
type networkNote struct {
	What      string       `json:"what"` // "up", "changed", "down"
	Offered   string       `json:"offered"`
	LAN       string       `json:"lan"`
	WAN       string       `json:"wan"`
	MAC       string       `json:"mac"`
	IPv4      netip.Prefix `json:"ipv4,omitzero"`
	IPv6      netip.Prefix `json:"ipv6,omitzero"`
	LinkLocal netip.Addr   `json:"link_local,omitzero"`
	NAT66     bool         `json:"nat66,omitempty"`
	Delegated netip.Prefix `json:"delegated,omitzero"`
	NAT64     netip.Prefix `json:"nat64,omitzero"`    // what leads to IPv4
	Broken6   bool         `json:"broken6,omitempty"` // IPv6 to outside is lost
	Redirects []string     `json:"redirects,omitempty"`
}

// note tells which network is offered, in the words of Network and Addresses.
func (l *LAN) note(what string) {
	if l.cfg.Note == nil {
		return
	}
	w := l.wanted
	n := networkNote{What: what, Offered: w.network.String(), LAN: w.lan, WAN: w.wan, LinkLocal: w.addresses.LinkLocal}
	if link, err := netos.LinkByName(l.kernel, w.lan); err == nil {
		n.MAC = event.FormatMAC(link.MAC)
	}
	if w.network.IPv4() {
		n.IPv4 = w.addresses.IPv4
	}
	if w.network.IPv6() {
		n.IPv6, n.NAT66, n.Delegated = w.addresses.IPv6, w.addresses.NAT66, w.delegated
	}
	n.NAT64, n.Broken6 = w.translation.Prefix, w.network == N7
	for _, r := range w.redirections {
		n.Redirects = append(n.Redirects, r.String())
	}
	body, err := json.Marshal(n)
	if err != nil {
		return // a struct of texts and numbers always has a JSON form
	}
	l.cfg.Note(evidence.Note{Kind: "network", Body: body})
}
