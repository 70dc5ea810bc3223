//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
)

// The uplink: the gateway's and the internet's ends of the WAN cable.
const (
	UplinkV4   = "198.51.100.2/24"
	UplinkV6   = "2001:db8:100::2/64"
	InternetV4 = "198.51.100.1/24"
	InternetV6 = "2001:db8:100::1/64"
)

// The links' names.
const (
	DeviceLink   = "eth0" // of each device
	LANLink      = "lan0" // of the gateway, to the devices
	WANLink      = "wan0" // of the gateway, to the internet
	InternetLink = "net0" // of the internet, to the gateway
)

// maxDevices bounds a lab: as many as there are documentation MAC addresses for.
const maxDevices = 64

// Options says what a lab looks like. The zero value is one device on a direct cable.
type Options struct {
	// Devices is how many there are, 1 when zero, at most 64.
	Devices int
	// MACs are the devices' addresses; those that are missing are
	// 00:00:5e:00:53:01 and following (RFC 9542 section 2.1.2).
	MACs []net.HardwareAddr
	// Switch puts a switch between one device and the gateway, as there always is
	// with several: the gateway's port keeps its carrier when the device goes.
	Switch bool
	// GatewayHere makes the namespace of this process the gateway's, so that
	// whatever the process does by itself is done there. One lab at a time can.
	GatewayHere bool
	// BareUplink leaves wan0 without addresses and routes.
	BareUplink bool
	// Offload leaves segmentation and checksums to the (virtual) hardware: faster,
	// but then captured frames are larger than any cable carries.
	Offload bool
	// CA is a PEM bundle that programs inside trust beside the system's.
	CA []byte
	// RootKey is the DNSSEC root trust anchor, in the form of a root key file.
	RootKey []byte
}

// Lab is a set of namespaces and the cables between them.
type Lab struct {
	Gateway, Internet *Site
	Devices           []*Site

	options Options
	wires   *Site // the switch
	dir     string
}

// New builds a lab. It needs a process inside (Main, Reexec), else the error wraps
// ErrUnavailable. The context bounds the building alone.
func New(ctx context.Context, o Options) (*Lab, error) {
	if err := Unavailable(); err != nil {
		return nil, fmt.Errorf("cannot build a lab: %w", err)
	}
	if o.Devices < 0 || o.Devices > maxDevices || len(o.MACs) > max(1, o.Devices) {
		return nil, fmt.Errorf("cannot build a lab of %d devices with %d addresses: between 1 and %d devices are possible", o.Devices, len(o.MACs), maxDevices)
	}
	o.Devices = max(1, o.Devices)
	l := &Lab{options: o}
	if err := l.build(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot build the lab: %w", err), l.Close())
	}
	return l, nil
}

// Device is the site of device i, counted from 0.
func (l *Lab) Device(i int) *Site { return l.Devices[i] }

func (l *Lab) build(ctx context.Context) (err error) {
	if l.dir, err = os.MkdirTemp(store(), "lab-"); err != nil {
		return err
	}
	if err := os.Chmod(l.dir, 0o755); err != nil { // programs may become other users
		return err
	}
	if err := l.makeSites(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := errors.Join(l.connect(), l.uplink()); err != nil {
		return err
	}
	return errors.Join(l.Gateway.settled(ctx, WANLink), l.Internet.settled(ctx, InternetLink))
}

func (l *Lab) makeSites() (err error) {
	make := func(name string) (s *Site) {
		if err == nil {
			s, err = newSite(name, l.dir, l.options, newNet)
		}
		return s
	}
	if l.options.GatewayHere {
		l.Gateway, err = newSite("gateway", l.dir, l.options, bareNet)
	} else {
		l.Gateway = make("gateway")
	}
	l.wires, l.Internet = make("switch"), make("internet")
	for i := range l.options.Devices {
		l.Devices = append(l.Devices, make(fmt.Sprintf("device%d", i)))
	}
	return err
}

// Dir is a folder for files that end with the lab, in memory.
func (l *Lab) Dir() string { return l.dir }

// sites are all there are, the switch last.
func (l *Lab) sites() []*Site {
	all := append([]*Site{l.Gateway, l.Internet}, l.Devices...)
	return slices.DeleteFunc(append(all, l.wires), func(s *Site) bool { return s == nil })
}

// Trust gives the programs that are started from now on a PEM bundle to trust
// beside the system's certificates, and a DNSSEC root key file.
func (l *Lab) Trust(ca, rootKey []byte) error {
	var errs []error
	for _, s := range l.sites() {
		errs = append(errs, s.setTrust(ca, rootKey))
	}
	return errors.Join(errs...)
}

// Close ends every process in the lab's namespaces and takes down all that New
// made. It may be called again. Sockets that were opened in a site are their
// owner's to close; until then the kernel keeps their namespace, without links.
func (l *Lab) Close() error {
	var errs []error
	errs = append(errs, l.endProcesses())
	for _, s := range l.sites() {
		errs = append(errs, s.close())
	}
	if l.dir != "" {
		errs = append(errs, os.RemoveAll(filepath.Clean(l.dir)))
	}
	l.Gateway, l.Internet, l.wires, l.Devices, l.dir = nil, nil, nil, nil, ""
	return errors.Join(errs...)
}

// uplink sets the addresses and routes of the WAN cable.
func (l *Lab) uplink() error {
	errs := []error{
		// With duplicate address detection the addresses would change by themselves
		// for a second.
		l.Internet.sysctls("net/ipv6/conf/" + InternetLink + "/accept_dad=0"),
		l.Gateway.sysctls("net/ipv6/conf/" + WANLink + "/accept_dad=0"),
		l.Internet.Assign(InternetLink, netip.MustParsePrefix(InternetV4)),
		l.Internet.Assign(InternetLink, netip.MustParsePrefix(InternetV6)),
		l.Internet.sysctls("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1"),
		l.Gateway.Up(WANLink),
	}
	if l.options.BareUplink {
		return errors.Join(errs...)
	}
	v4, v6 := netip.MustParsePrefix(InternetV4).Addr(), netip.MustParsePrefix(InternetV6).Addr()
	return errors.Join(append(errs,
		l.Gateway.Assign(WANLink, netip.MustParsePrefix(UplinkV4)),
		l.Gateway.Assign(WANLink, netip.MustParsePrefix(UplinkV6)),
		l.Gateway.Route(netip.PrefixFrom(netip.IPv4Unspecified(), 0), v4),
		l.Gateway.Route(netip.PrefixFrom(netip.IPv6Unspecified(), 0), v6),
	)...)
}

// Delegate makes the internet send packets for a prefix to the gateway's uplink
// address, as a provider does for a delegated prefix.
func (l *Lab) Delegate(p netip.Prefix) error {
	via := netip.MustParsePrefix(UplinkV6)
	if p.Addr().Is4() {
		via = netip.MustParsePrefix(UplinkV4)
	}
	return l.Internet.Route(p, via.Addr())
}
