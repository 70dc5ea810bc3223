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
		_, err = conn.Write(content)
		conn.Close()
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

type streamSeen struct {
	stream  []byte
	largest int
}

// payloads puts together, by their sequence numbers, the first size bytes that
// the device sent over TCP (RFC 9293, 3.1).
func payloads(t *testing.T, c *Capture, size int, done <-chan error) streamSeen {
	t.Helper()
	seen := streamSeen{stream: make([]byte, size)}
	var first uint32
	have := map[uint32]int{}
	total := 0
	for end := time.Now().Add(10 * time.Second); total < size && time.Now().Before(end); {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		default:
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		batch, err := c.Next(ctx)
		cancel()
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		for _, f := range batch.Frames {
			if f.Outgoing || len(f.Data) < 54 || f.Data[12] != 8 || f.Data[23] != unix.IPPROTO_TCP {
				continue
			}
			seq, off := binary.BigEndian.Uint32(f.Data[38:]), 34+int(f.Data[46]>>4)*4
			if f.Data[47]&2 != 0 { // SYN
				first = seq + 1
				continue
			}
			if n := 14 + int(binary.BigEndian.Uint16(f.Data[16:])) - off; n > 0 && have[seq] == 0 {
				have[seq] = n
				total += copy(seen.stream[min(int(seq-first), size):], f.Data[off:off+n])
				seen.largest = max(seen.largest, f.Length)
			}
		}
	}
	if n := c.Counts(); n.Dropped > 0 {
		t.Errorf("frames were lost: %+v", n)
	}
	return seen
}
