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
const pendingChanges = 128

// linkWatch hears from the kernel when the link goes up or down (rtnetlink(7)).
//
// The kernel tells of a carrier at most once a second, and then only its state at
// that moment; but it counts how often the carrier was lost, so that a cable that
// was out for an instant is noticed as well, if late.
type linkWatch struct {
	fd      int
	index   int32
	up      bool // enabled and with a carrier
	enabled bool
	downs   uint32    // how often the carrier was lost, as the kernel counts
	counted bool      // that downs is known
	told    bool      // that a first message has come
	gone    time.Time // when the interface ceased to exist, zero while it is there
	pending []linkChange
	buf     []byte
}

type linkChange struct {
	what LinkChange
	at   time.Time
}

func watchLink(index int) (*linkWatch, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("cannot watch its link: %w", err)
	}
	w := &linkWatch{fd: fd, index: int32(index), buf: make([]byte, 64<<10)}
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK})
	if err == nil {
		err = w.ask()
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot watch its link: %w", err)
	}
	if w.read(); !w.told { // the kernel has answered before ask returned
		w.push(false)
	}
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

// ask asks the kernel to tell the state of the link; used at the beginning and after
// messages were lost.
func (w *linkWatch) ask() error {
	b := make([]byte, unix.SizeofNlMsghdr+unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], unix.RTM_GETLINK)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST)
	binary.NativeEndian.PutUint32(b[unix.SizeofNlMsghdr+4:], uint32(w.index))
	return unix.Sendto(w.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// read takes all messages that have arrived.
func (w *linkWatch) read() {
	for {
		n, from, err := unix.Recvfrom(w.fd, w.buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS):
			_ = w.ask() // where that fails too, the next change tells
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
		w.state(binary.NativeEndian.Uint32(body[8:]), w.lost(body[unix.SizeofIfInfomsg:]))
	case unix.RTM_DELLINK:
		// A bridge says so, too, of a port that merely leaves it; that message
		// has the family AF_BRIDGE.
		if body[0] == unix.AF_UNSPEC {
			w.set(false)
			w.gone = time.Now()
		}
	}
}

// state takes the flags of the link and how often its carrier was lost since the
// message before.
func (w *linkWatch) state(flags, lost uint32) {
	enabled := flags&unix.IFF_UP != 0
	up := enabled && flags&unix.IFF_LOWER_UP != 0
	if !w.told {
		w.told, w.up, w.enabled = true, up, enabled
		w.push(up)
		return
	}
	if !w.enabled || !enabled {
		lost = 0 // switching the interface on or off is no pull of the cable
	}
	w.enabled = enabled
	for range min(lost, pendingChanges/2) {
		w.set(true)
		w.set(false)
	}
	w.set(up)
}

// lost reads how often the carrier was lost since the message before, 0 where the
// kernel does not tell: a struct rtattr and a value each, to a boundary of 4 bytes.
func (w *linkWatch) lost(b []byte) uint32 {
	for len(b) >= unix.SizeofRtAttr {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtAttr || size > len(b) {
			return 0
		}
		if binary.NativeEndian.Uint16(b[2:]) == unix.IFLA_CARRIER_DOWN_COUNT && size >= unix.SizeofRtAttr+4 {
			now := binary.NativeEndian.Uint32(b[unix.SizeofRtAttr:])
			lost := now - w.downs
			if !w.counted {
				lost = 0
			}
			w.downs, w.counted = now, true
			return lost
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return 0
}
