package assess

import (
	"net/netip"
	"slices"
	"strings"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
	"assay/internal/assess/report"
)

// device tells who was graded, as it showed itself.
func (a *Assessor) device(id event.HostID, why string) report.Device {
	d := report.Device{ChosenBecause: why}
	for _, h := range a.Hosts() {
		if h.ID != id || id.IsZero() {
			continue
		}
		if mac, named := id.MAC(); named {
			d.MAC = event.FormatMAC(mac)
		}
		d.Vendor = h.VendorClass
		d.Name = plainName(h.Names)
		d.Addresses = addressTexts(h)
	}
	return d
}

// plainName prefers a host name to the names of services that the host announced.
// Names of the reverse zones, which mDNS announces too (RFC 6762 section 4), name
// addresses.
func plainName(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return strings.HasSuffix(strings.TrimSuffix(strings.ToLower(n), "."), ".arpa")
	})
	for _, n := range names {
		if !strings.Contains(n, "_") && !strings.HasSuffix(n, ".local") {
			return n
		}
	}
	for _, n := range names {
		if !strings.Contains(n, "_") {
			return n
		}
	}
	return strings.Join(names[:min(len(names), 1)], "")
}

// addressTexts lists a host's own addresses; on a link without link-layer
// addresses that is its name.
func addressTexts(h fact.Host) []string {
	if addr, named := h.ID.Addr(); named {
		return []string{addr.String()}
	}
	out := make([]string, 0, len(h.Addresses))
	for _, a := range h.Addresses {
		out = append(out, a.String())
	}
	return out
}

// hosts tells of every host of the log; a router's addresses are left out where
// they are those of the world behind it.
func (a *Assessor) hosts(graded event.HostID) []report.Host {
	var out []report.Host
	for _, h := range a.Hosts() {
		line := report.Host{
			ID: h.ID.String(), Addresses: addressTexts(h), Names: h.Names, Role: Role(h), Events: h.Events,
			Graded: h.ID == graded,
		}
		if h.Routes {
			line.Addresses = nearOnly(h.Addresses)
		}
		out = append(out, line)
	}
	return out
}

func nearOnly(addrs []netip.Addr) []string {
	var out []string
	for _, a := range addrs {
		if a.IsPrivate() || a.IsLinkLocalUnicast() {
			out = append(out, a.String())
		}
	}
	return out
}

func (a *Assessor) destinations(id event.HostID) ([]report.Destination, int) {
	list, more := a.watch.Destinations(id)
	out := make([]report.Destination, 0, len(list))
	for _, d := range list {
		out = append(out, report.Destination{
			Name: d.Name, Address: d.Addr.Addr().String(), Port: d.Addr.Port(), Transport: d.Transport.String(),
			Protocol: d.Protocol, Protection: d.Protection.String(), Local: d.Local, Conversations: d.Conversations,
			Sent: d.Sent, Received: d.Received, First: d.First,
		})
	}
	return out, more
}
