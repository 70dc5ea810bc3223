//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
)

// PowerOff switches device i off: every program in it ends at once, eth0 is down and
// bare again, /etc/resolv.conf is empty. What programs wrote to other files is there
// when they are started again, as in a device that was unplugged.
func (l *Lab) PowerOff(i int) error {
	s := l.Device(i)
	theirs := []*os.File{s.net}
	s.mu.Lock()
	if s.mnt != nil {
		theirs = append(theirs, s.mnt)
	}
	s.mu.Unlock()
	if err := end(theirs); err != nil {
		return err
	}
	err := errors.Join(s.Down(DeviceLink), s.bare(DeviceLink), s.WriteFile("/etc/resolv.conf", nil, 0o644))
	if err != nil {
		return fmt.Errorf("cannot switch %s off: %w", s.Name, err)
	}
	return nil
}

// bare takes the addresses of a link away. Its routes went when it was taken down.
func (s *Site) bare(name string) error {
	link, err := s.link(name)
	if err != nil {
		return err
	}
	list, err := again(func() ([]netlink.Addr, error) { return s.routes.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := s.routes.AddrDel(link, &a); err != nil {
			return err
		}
	}
	return nil
}
