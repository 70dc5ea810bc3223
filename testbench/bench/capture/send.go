//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// frameType is the EtherType of the frames, so that other traffic on the cable is
// not counted (IEEE 802 local experimental 2).
const frameType = 0x88b6

// batch is how many frames one system call sends.
const batch = 64

// message is struct mmsghdr of sendmmsg(2).
type message struct {
	header unix.Msghdr
	length uint32
	_      [unsafe.Sizeof(uintptr(0)) - 4]byte
}

// send offers frames at an even rate and prints how many it sent, in how many
// nanoseconds.
func send(out io.Writer, link string, frames, size, rate int) error {
	fd, err := openSender(link)
	if err != nil {
		return fmt.Errorf("cannot send on %s: %w", link, err)
	}
	defer func() { _ = unix.Close(fd) }() // it was only written to
	messages := same(max(size, 14))
	begin := time.Now()
	sent := 0
	for sent < frames {
		due := begin.Add(time.Duration(float64(sent) / float64(rate) * float64(time.Second)))
		if ahead := time.Until(due); ahead > 0 {
			time.Sleep(ahead)
		}
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&messages[0])), uintptr(min(batch, frames-sent)), 0, 0, 0)
		switch errno {
		case 0:
			sent += int(n)
		case unix.ENOBUFS, unix.EINTR, unix.EAGAIN:
		default:
			return fmt.Errorf("cannot send on %s: %w", link, errno)
		}
	}
	_, err = fmt.Fprintln(out, sent, time.Since(begin).Nanoseconds())
	return err
}

func openSender(link string) (int, error) {
	iface, err := net.InterfaceByName(link)
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: iface.Index})
}

// same makes a batch of one and the same frame.
func same(size int) []message {
	frame := make([]byte, size)
	copy(frame, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, frameType >> 8, frameType & 0xff})
	vector := &unix.Iovec{Base: &frame[0]}
	vector.SetLen(len(frame))
	messages := make([]message, batch)
	for i := range messages {
		messages[i].header.Iov = vector
		messages[i].header.SetIovlen(1)
	}
	return messages
}
