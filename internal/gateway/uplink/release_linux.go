package uplink

import (
	"context"
	"errors"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// Times for the last words.
const (
	releaseTime = time.Second           // for an answer, or for the neighbour to be found
	releaseStep = 10 * time.Millisecond // between two looks
)

// release gives back what was lent (RFC 2131 section 4.4.6, RFC 8415 section 18.2.7),
// where there is a cable. Servers that do not hear it find out when the time is over,
// so failures do not matter.
func (u *Uplink) release(ctx context.Context) {
	u.mu.Lock()
	known, state := u.found, u.state
	u.mu.Unlock()
	if !state.Carrier {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	if d := known.delegation; d != nil && time.Since(d.at) < d.end {
		_, _ = u.talk6(ctx, releasing6, *d)
	}
	if l := known.lease4; l != nil && time.Since(l.at) < l.end {
		_, _ = u.talk4(ctx, releasing, l)
	}
}

// release4 tells the lessor, who does not answer. It returns when the message has left:
// the address, its sender, goes right afterwards.
func (u *Uplink) release4(ctx context.Context, l *lease4) error {
	server := l.server()
	if server == nil {
		return errors.New("cannot release the lease: the server did not name itself")
	}
	m, err := dhcpv4.NewReleaseFromACK(l.raw.ACK)
	if err != nil {
		return err
	}
	var conn conn4
	err = u.cfg.Kernel.Do(func() (err error) {
		conn, err = u.socket4(l.address.Addr())
		return err
	})
	if err != nil {
		return err
	}
	_, err = conn.WriteTo(m.ToBytes(), server)
	for err == nil && conn.waiting() && wait(ctx, releaseStep) {
	}
	return errors.Join(err, conn.Close())
}

// waiting says that something has not left yet, because the neighbour is still looked
// for.
func (c conn4) waiting() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	left := 0
	err2 := raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return err == nil && err2 == nil && left > 0
}
