//go:build linux

package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// pendingChanges is how many changes of the link are kept for the reader. A link
// that bounces more often than the reader looks keeps its latest state.
const pendingChanges = 32

// linkWatch hears from the kernel when the link goes up or down (rtnetlink(7)).
type linkWatch struct {
	fd      int
	packet  int // the packet socket, for questions
	index   int32
	name    string
	up      bool
	gone    time.Time // when the interface ceased to exist, zero while it is there
	pending []linkChange
	buf     []byte
}

type linkChange struct {
	what LinkChange
	at   time.Time
}

func watchLink(packetFD, index int, name string) (*linkWatch, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("cannot watch its link: %w", err)
	}
	w := &linkWatch{fd: fd, packet: packetFD, index: int32(index), name: name, buf: make([]byte, 64<<10)}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot watch its link: %w", err)
	}
	w.up = w.ask()
	w.push(w.up)
	return w, nil
}

// take returns the oldest change that was not told yet.
func (w *linkWatch) take() (LinkChange, time.Time, bool) {
	if len(w.pending) == 0 {
		return LinkSame, time.Time{}, false
	}
	first := w.pending[0]
	w.pending = append(w.pending[:0], w.pending[1:]...)
	return first.what, first.at, true
}

// push keeps a change for the reader.
func (w *linkWatch) push(up bool) {
	change := linkChange{LinkDown, time.Now().UTC()}
	if up {
		change.what = LinkUp
	}
	if len(w.pending) == pendingChanges {
		w.pending = w.pending[:0]
	}
	w.pending = append(w.pending, change)
}

// set takes a state and keeps it when it is a change.
func (w *linkWatch) set(up bool) {
	if up != w.up {
		w.up = up
		w.push(up)
	}
}

// ask reads the state of the link; used at the beginning and after messages were
// lost.
func (w *linkWatch) ask() bool {
	req, err := unix.NewIfreq(w.name)
	if err != nil || unix.IoctlIfreq(w.packet, unix.SIOCGIFFLAGS, req) != nil {
		return false
	}
	return isUp(uint32(req.Uint16()))
}

func isUp(flags uint32) bool {
	return flags&unix.IFF_UP != 0 && flags&unix.IFF_RUNNING != 0
}

// read takes all messages that have arrived.
func (w *linkWatch) read() {
	for {
		n, from, err := unix.Recvfrom(w.fd, w.buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS):
			w.set(w.ask())
		case err != nil:
			return
		default:
			if sa, ok := from.(*unix.SockaddrNetlink); ok && sa.Pid == 0 {
				w.messages(w.buf[:n])
			}
		}
	}
}

// messages walks the netlink messages of one datagram: a struct nlmsghdr each,
// then a struct ifinfomsg.
func (w *linkWatch) messages(b []byte) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := binary.NativeEndian.Uint32(b)
		if size < unix.SizeofNlMsghdr || uint64(size) > uint64(len(b)) {
			return
		}
		w.message(binary.NativeEndian.Uint16(b[4:]), b[unix.SizeofNlMsghdr:size])
		b = b[min(int(size+3)&^3, len(b)):]
	}
}

func (w *linkWatch) message(kind uint16, body []byte) {
	if len(body) < unix.SizeofIfInfomsg || int32(binary.NativeEndian.Uint32(body[4:])) != w.index {
		return
	}
	switch kind {
	case unix.RTM_NEWLINK:
		w.set(isUp(binary.NativeEndian.Uint32(body[8:])))
	case unix.RTM_DELLINK:
		// A bridge says so, too, of a port that merely leaves it; that message
		// has the family AF_BRIDGE.
		if body[0] == unix.AF_UNSPEC {
			w.set(false)
			w.gone = time.Now()
		}
	}
}
