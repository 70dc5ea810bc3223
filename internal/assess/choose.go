package assess

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// namedHosts is how many other hosts an explanation names.
const namedHosts = 4

// Choose picks the device under test among the hosts of a capture and says why in
// words. Routers, DHCP servers, DNS servers and hosts that only answer are not the
// device; a DHCP client that opened conversations is, and among several the one
// with the most conversations to the internet, then the most at all, then the
// most events. The explanation says when that left a doubt. No host gives the
// zero Host.
func Choose(hosts []fact.Host) (chosen fact.Host, why string) {
	found := Candidates(hosts)
	if len(found) == 0 {
		if len(hosts) == 0 {
			return fact.Host{}, "No host was found: no frame of this evidence could be read."
		}
		return fact.Host{}, fmt.Sprintf("No host looks like a device: %s.", describeHosts(hosts, event.HostID{}))
	}
	chosen = found[0]
	why = fmt.Sprintf("%s %s", chosen.ID, reason(chosen, found))
	if len(hosts) > 1 {
		why += fmt.Sprintf("; %s: %s", counted(len(hosts)-1, "other host"), describeHosts(hosts, chosen.ID))
	}
	why += "."
	if len(found) > 1 && rank(found[0]) == rank(found[1]) {
		why += fmt.Sprintf(" This is a choice among %d hosts that could be the device; name the device to grade another one.", len(found))
	}
	return chosen, why
}

// Candidates lists the hosts that may be the device, the likeliest first. It never
// lists a router or a server of the network. A host that speaks from internet
// addresses, or that answers the DNS questions of others, is listed only when
// there is nobody else: mostly it is the router, seen passing on a single far end,
// or a forwarder, which asks on what it was asked.
func Candidates(hosts []fact.Host) []fact.Host {
	var near, far []fact.Host
	for _, h := range hosts {
		switch {
		case !acts(h) || isInfrastructure(h):
		case h.SpeaksFor > 0 || h.AnswersDNS > 0:
			far = append(far, h)
		default:
			near = append(near, h)
		}
	}
	if len(near) == 0 {
		near = far
	}
	slices.SortStableFunc(near, likelier)
	return near
}

// acts says whether a host did something of its own accord, as far as that can be
// told.
func acts(h fact.Host) bool { return h.AsksDHCP || h.Opens > 0 || h.AsksDNS > 0 || h.Midway > 0 }

// isInfrastructure says whether a host belongs to the network rather than being
// tested in it. A router that is itself a client of the network in front of it is
// still the network of those behind.
func isInfrastructure(h fact.Host) bool {
	return h.Routes || h.GivesDHCP || h.AnswersDNS > 0 && h.AnswersDNS >= h.AsksDNS
}

// rank sorts hosts into classes of likelihood; smaller is likelier.
func rank(h fact.Host) int {
	switch {
	case h.AsksDHCP && h.OpensFar > 0:
		return 0
	case h.AsksDHCP && h.Opens > 0:
		return 1
	case h.OpensFar > 0:
		return 2
	case h.AsksDHCP:
		return 3
	default:
		return 4
	}
}

func likelier(a, b fact.Host) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		cmp.Compare(b.OpensFar, a.OpensFar),
		cmp.Compare(b.Opens, a.Opens),
		cmp.Compare(b.Events, a.Events),
		strings.Compare(a.ID.String(), b.ID.String()),
	)
}

// reason says what distinguishes the chosen host from the other candidates.
func reason(h fact.Host, found []fact.Host) string {
	did := [...]string{
		"that asked for a DHCP lease and opened conversations to the internet",
		"that asked for a DHCP lease and opened conversations",
		"that opened conversations to the internet",
		"that asked for a DHCP lease",
		"that opened conversations, asked for names or was seen in the middle of one",
	}[rank(h)]
	if len(found) == 1 || rank(found[1]) != rank(h) {
		return "is the only host " + did
	}
	second := found[1]
	switch {
	case h.OpensFar != second.OpensFar:
		return fmt.Sprintf("is, of the hosts %s, the one with the most to the internet (%d, the next has %d)", did, h.OpensFar, second.OpensFar)
	case h.Opens != second.Opens:
		return fmt.Sprintf("is, of the hosts %s, the one with the most (%d, the next has %d)", did, h.Opens, second.Opens)
	case h.Events != second.Events:
		return fmt.Sprintf("is, of the hosts %s, the one seen most (%d observations, the next has %d)", did, h.Events, second.Events)
	default:
		return "cannot be told from another host that did just as much; it was taken because its address sorts first"
	}
}

// counted is "1 host" or "2 hosts".
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// describeHosts names hosts with their roles, the first few.
func describeHosts(hosts []fact.Host, except event.HostID) string {
	var parts []string
	for _, h := range hosts {
		if h.ID == except {
			continue
		}
		if len(parts) == namedHosts {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", h.ID, Role(h)))
	}
	return strings.Join(parts, ", ")
}

// Role says in words what part a host plays in the capture.
func Role(h fact.Host) string {
	var parts []string
	for _, p := range []struct {
		holds bool
		says  string
	}{
		{h.Routes, "router"},
		{h.GivesDHCP, "DHCP server"},
		{h.AnswersDNS > 0, "answers DNS"},
		{h.AsksDHCP, "DHCP client"},
		{h.OpensFar > 0, "opened " + counted(h.OpensFar, "conversation") + " to the internet"},
		{h.Opens > h.OpensFar, "opened " + counted(h.Opens-h.OpensFar, "local conversation")},
		{h.Midway > 0 && !h.Routes, "was seen in the middle of " + counted(h.Midway, "conversation")},
		{h.SpeaksFor > 0 && !h.Routes, "speaks for internet addresses"},
		{h.Serves > 0 && !h.Routes, "answered " + counted(h.Serves, "conversation")},
	} {
		if p.holds {
			parts = append(parts, p.says)
		}
	}
	if len(parts) == 0 {
		return "seen, did nothing of note"
	}
	return strings.Join(parts, ", ")
}

// Find looks a host up by its EUI-48 or by one of its IP addresses. Of several
// hosts with an address, one that is no router owns it: the addresses behind a
// router look like its own.
func Find(hosts []fact.Host, name string) (fact.Host, bool) {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "-", ":"))
	addr, _ := netip.ParseAddr(name)
	addr = addr.Unmap()
	var router *fact.Host
	for _, h := range hosts {
		switch {
		case h.ID.String() == name:
			return h, true
		case !addr.IsValid() || !slices.Contains(h.Addresses, addr):
		case !h.Routes:
			return h, true
		case router == nil:
			router = &h
		}
	}
	if router != nil {
		return *router, true
	}
	return fact.Host{}, false
}
