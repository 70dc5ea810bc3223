//go:build linux

package lab

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Snapshot is a text of everything in a site's network that a gateway may change:
// links, addresses, routes and rules of routing, kernel settings, packet filter. The
// same state gives the same text; counters, life times and other things that move by
// themselves are left out. What cannot be read is a line that starts with "cannot".
func Snapshot(s *Site) string {
	var out strings.Builder
	for _, part := range []struct {
		name string
		list func(*Site) ([]string, error)
	}{
		{"links", linkLines}, {"addresses", addressLines}, {"routes", routeLines},
		{"routing rules", ruleLines}, {"settings", settingLines}, {"packet filter", filterLines},
	} {
		lines, err := part.list(s)
		fmt.Fprintf(&out, "# %s\n", part.name)
		for _, line := range lines {
			out.WriteString(line + "\n")
		}
		if err != nil {
			fmt.Fprintf(&out, "cannot read all %s: %v\n", part.name, err)
		}
	}
	return out.String()
}

func linkLines(s *Site) ([]string, error) {
	links, err := again(s.routes.LinkList)
	names := linkNames(links)
	var out []string
	for _, l := range links {
		a := l.Attrs()
		line := fmt.Sprintf("%s %s mac=%s mtu=%d state=%s flags=%s promisc=%d", a.Name, l.Type(), a.HardwareAddr, a.MTU, a.OperState, a.Flags, a.Promisc)
		if a.MasterIndex != 0 {
			line += " master=" + names[a.MasterIndex]
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out, err
}

func linkNames(links []netlink.Link) map[int]string {
	names := map[int]string{0: "-"}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	return names
}

func addressLines(s *Site) ([]string, error) {
	links, err := again(s.routes.LinkList)
	if err != nil {
		return nil, err
	}
	names := linkNames(links)
	addrs, err := again(func() ([]netlink.Addr, error) { return s.routes.AddrList(nil, netlink.FAMILY_ALL) })
	var out []string
	for _, a := range addrs {
		lasting := "for a time"
		if a.Flags&unix.IFA_F_PERMANENT != 0 {
			lasting = "permanent"
		}
		out = append(out, fmt.Sprintf("%s %s scope=%d %s", names[a.LinkIndex], a.IPNet, a.Scope, lasting))
	}
	slices.Sort(out)
	return out, err
}

func routeLines(s *Site) ([]string, error) {
	links, err := again(s.routes.LinkList)
	if err != nil {
		return nil, err
	}
	names := linkNames(links)
	everywhere := &netlink.Route{Table: unix.RT_TABLE_UNSPEC}
	var out []string
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := again(func() ([]netlink.Route, error) {
			return s.routes.RouteListFiltered(family, everywhere, netlink.RT_FILTER_TABLE)
		})
		if err != nil {
			return out, err
		}
		for _, r := range routes {
			if r.Flags&unix.RTM_F_CLONED != 0 {
				continue // what the kernel remembers of a path
			}
			out = append(out, routeLine(r, names))
		}
	}
	slices.Sort(out)
	return out, nil
}

func routeLine(r netlink.Route, names map[int]string) string {
	to := "default"
	if r.Dst != nil {
		to = r.Dst.String()
	}
	line := fmt.Sprintf("%s dev=%s table=%d protocol=%d scope=%d type=%d metric=%d", to, names[r.LinkIndex], r.Table, r.Protocol, r.Scope, r.Type, r.Priority)
	if r.Gw != nil {
		line += " via=" + r.Gw.String()
	}
	if r.Src != nil {
		line += " src=" + r.Src.String()
	}
	for _, hop := range r.MultiPath {
		line += fmt.Sprintf(" hop=%s@%s", hop.Gw, names[hop.LinkIndex])
	}
	return line
}

func ruleLines(s *Site) ([]string, error) {
	var out []string
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		rules, err := again(func() ([]netlink.Rule, error) { return s.routes.RuleList(family) })
		if err != nil {
			return out, err
		}
		for _, r := range rules {
			out = append(out, fmt.Sprintf("family=%d %s mark=%#x", family, r, r.Mark))
		}
	}
	slices.SortStableFunc(out, cmp.Compare[string])
	return out, nil
}

// moving are settings that are no settings: commands, or counts of what is going on.
func moving() []string {
	return []string{"nf_conntrack_count", "flush", "stable_secret", "tcp_fastopen_key"}
}

// settingLines reads every kernel setting of the site's network.
func settingLines(s *Site) (out []string, err error) {
	err = s.Do(func() error {
		for _, dir := range []string{"ipv4", "ipv6", "netfilter", "bridge"} {
			lines, err := settingsBelow("/proc/sys/net/" + dir)
			out = append(out, lines...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func settingsBelow(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains(moving(), d.Name()) {
			return ignoreMissing(err)
		}
		value, err := os.ReadFile(path)
		if err != nil {
			return nil // some may be written only
		}
		name := strings.TrimPrefix(path, "/proc/sys/")
		out = append(out, name+"="+strings.Join(strings.Fields(string(value)), " "))
		return nil
	})
	return out, err
}

// ignoreMissing drops the error about a link that went away meanwhile, or about a
// family that the kernel does not have.
func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
