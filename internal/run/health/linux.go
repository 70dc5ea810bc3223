//go:build linux

package health

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ListPorts lists the machine's links that could be a port, without the loopback
// and without links that exist in software only, save those named.
func ListPorts(named ...string) ([]Port, error) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	ways, err := defaultLinks()
	if err != nil {
		return nil, err
	}
	var out []Port
	for _, l := range links {
		p := portOf(l, slices.Contains(named, l.Name))
		p.Default = ways[l.Index]
		if l.Flags&net.FlagLoopback == 0 && (p.Ethernet || p.Wireless || p.Default) {
			out = append(out, p)
		}
	}
	return out, nil
}

// portOf tells what a link is; one that was named counts as wired whatever it is.
func portOf(l net.Interface, named bool) Port {
	p := Port{Name: l.Name, Carrier: l.Flags&net.FlagRunning != 0, Wireless: exists(l.Name, "wireless")}
	p.Ethernet = named || exists(l.Name, "device") && !p.Wireless && len(l.HardwareAddr) == 6
	return p
}

func exists(link, what string) bool {
	_, err := os.Stat(filepath.Join("/sys/class/net", link, what))
	return err == nil
}

// defaultLinks are the indexes of the links that a default route leaves by.
func defaultLinks() (map[int]bool, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, err
	}
	out := map[int]bool{}
	for _, r := range routes {
		if r.Dst == nil || r.Dst.IP.IsUnspecified() {
			if ones, _ := maskOf(r.Dst); ones == 0 {
				out[r.LinkIndex] = true
			}
		}
	}
	return out, nil
}

func maskOf(n *net.IPNet) (ones, bits int) {
	if n == nil {
		return 0, 0
	}
	return n.Mask.Size()
}

// ReadClock asks the kernel for the state of its clock (adjtimex(2)).
func ReadClock() (ClockState, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return ClockState{}, err
	}
	return ClockState{
		Now: time.Now(), Synchronised: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		MaxError: time.Duration(t.Maxerror) * time.Microsecond,
	}, nil
}

// ReadRoom asks how much room the folder's disk has.
func ReadRoom(folder string) (Room, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return Room{}, fmt.Errorf("%s: %w", folder, err)
	}
	size := uint64(s.Bsize) //nolint:gosec // the kernel's block size is positive
	return Room{Free: s.Bavail * size, Total: s.Blocks * size}, nil
}

// TryKernel tries what a gateway needs in a network namespace of its own, which
// is gone when it returns: nothing of the machine's own network is touched.
func TryKernel() (missing []string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread and its namespace end here
		if e := unix.Unshare(unix.CLONE_NEWNET); e != nil {
			err = fmt.Errorf("cannot make a network namespace to try them in: %w", e)
			return
		}
		missing = lacking()
	}()
	<-done
	return missing, err
}

func lacking() []string {
	var out []string
	for _, t := range []struct {
		name string
		try  func() error
	}{
		{"nftables NAT for IPv4", func() error { return tryNAT(nftables.TableFamilyIPv4) }},
		{"nftables NAT for IPv6", func() error { return tryNAT(nftables.TableFamilyIPv6) }},
		{"packet capture in a ring (TPACKET_V3)", tryRing},
		{"IPv6 forwarding", tryIPv6},
	} {
		if err := t.try(); err != nil {
			out = append(out, fmt.Sprintf("%s (%s)", t.name, strings.TrimSpace(err.Error())))
		}
	}
	return out
}

// tryNAT makes a masquerading chain and reads it back, for the kernel may refuse
// without saying so.
func tryNAT(family nftables.TableFamily) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Family: family, Name: "assay_try"})
	for hook, verdict := range map[*nftables.ChainHook]expr.Any{
		nftables.ChainHookPostrouting: &expr.Masq{}, nftables.ChainHookPrerouting: &expr.Redir{},
	} {
		chain := c.AddChain(&nftables.Chain{
			Name: fmt.Sprintf("hook%d", *hook), Table: table, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: nftables.ChainPriorityNATDest,
		})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{verdict}})
	}
	if err := c.Flush(); err != nil {
		return err
	}
	chains, err := c.ListChainsOfTableFamily(family)
	if err != nil {
		return err
	}
	for _, chain := range chains {
		if rules, err := c.GetRules(table, chain); err != nil || len(rules) != 1 {
			return errors.New("the kernel did not keep the rule")
		}
	}
	if len(chains) != 2 {
		return errors.New("the kernel did not keep the chains")
	}
	return nil
}

func tryRing() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3)
}

func tryIPv6() error {
	_, err := os.Stat("/proc/sys/net/ipv6/conf/all/forwarding")
	return err
}
