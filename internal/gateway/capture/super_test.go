//go:build linux

package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestSuperFrames lets a real TCP stream cross the cable. Segmentation offload
// makes frames of up to 64 KB of it, which must arrive whole.
func TestSuperFrames(t *testing.T) {
	box, device := cable(t)
	const size = 8 << 20
	content := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz\n"), size/37+1)[:size]
	address(t, box, "192.0.2.1/24")
	server, err := net.Listen("tcp4", "192.0.2.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c := open(t, Config{Interface: "box"})
	done := elsewhere(t, device, func() error {
		conn, err := net.Dial("tcp4", server.Addr().String())
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err = conn.Write(content); err != nil {
			return err
		}
		// The cable ends with this namespace: wait until the far end has it all.
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, conn)
		return err
	})
	go func() {
		if conn, err := server.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	got := payloads(t, c, size, done)
	if !bytes.Equal(got.stream, content) {
		t.Error("the stream put together from the frames is not what was sent")
	}
	if got.largest < 32<<10 {
		t.Errorf("the largest frame had %d bytes: this was no test of super-frames", got.largest)
	}
}

// elsewhere moves the link to a new network namespace and does something there.
// It must be called in the link's own namespace.
func elsewhere(t *testing.T, l netlink.Link, do func() error) <-chan error {
	t.Helper()
	thread := make(chan int)
	moved := make(chan bool, 1)
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		err := unix.Unshare(unix.CLONE_NEWNET)
		thread <- unix.Gettid()
		if !<-moved || err != nil {
			done <- errors.Join(err, errors.New("the link stayed where it was"))
			return
		}
		address(t, l, "192.0.2.2/24")
		done <- do()
	}()
	err := netlink.LinkSetNsPid(l, <-thread)
	moved <- err == nil
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func address(t *testing.T, l netlink.Link, cidr string) {
	addr, err := netlink.ParseAddr(cidr)
	if err == nil {
		err = netlink.AddrAdd(l, addr)
	}
	if err == nil {
		err = netlink.LinkSetUp(l)
	}
	if err != nil {
		t.Error(err)
	}
}

// streamSeen is what was put together of a TCP stream, by its sequence numbers
// (RFC 9293, 3.1).
type streamSeen struct {
	stream  []byte
	first   uint32 // sequence number of the first byte
	have    map[uint32]bool
	total   int
	largest int
}

// payloads puts together the first size bytes that the device sends over TCP.
func payloads(t *testing.T, c *Capture, size int, done <-chan error) streamSeen {
	t.Helper()
	seen := streamSeen{stream: make([]byte, size), have: map[uint32]bool{}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for seen.total < size {
		batch, err := c.Next(ctx)
		if err != nil {
			t.Fatalf("after %d bytes: %v (%+v)", seen.total, err, c.Counts())
		}
		for _, f := range batch.Frames {
			seen.add(f)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := c.Counts(); n.Dropped > 0 {
		t.Errorf("frames were lost: %+v", n)
	}
	return seen
}

func (s *streamSeen) add(f Frame) {
	if f.Outgoing || len(f.Data) < 54 || f.Data[12] != 8 || f.Data[23] != unix.IPPROTO_TCP {
		return
	}
	seq, start := binary.BigEndian.Uint32(f.Data[38:]), 34+int(f.Data[46]>>4)*4
	if syn := f.Data[47]&2 != 0; syn {
		s.first = seq + 1
		return
	}
	if end := 14 + int(binary.BigEndian.Uint16(f.Data[16:])); end > start && !s.have[seq] {
		s.have[seq] = true
		s.total += copy(s.stream[min(int(seq-s.first), len(s.stream)):], f.Data[start:end])
		s.largest = max(s.largest, f.Length)
	}
}
