package lan

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/gateway/netos"
	"assay/testbench/lab"
)

// few is a limit that a test passes at once and that does not recover during it.
var few = netos.Limit{Rate: 1, PerMinute: true, Burst: 3}

// flood is how many packets a test sends in one connection.
const flood = 20

// TestDatagramsOfOneConversationAreLimited: the other end answers, so the kernel
// takes the conversation for established, and the limit holds all the same.
func TestDatagramsOfOneConversationAreLimited(t *testing.T) {
	for _, at := range []string{"8.8.8.8:9000", "[2001:4860:4860::8888]:9000"} {
		t.Run(at, func(t *testing.T) {
			w := newWorld(t, Limits{UDP: few})
			w.echo(at)
			c, err := w.lab.Device(0).Dial(t.Context(), "udp", at)
			must(t, err)
			defer c.Close()
			sent := establish(t, c)
			for range flood {
				_, err = c.Write([]byte("x"))
				must(t, err)
			}
			want := uint64(flood + sent - few.Burst)
			if got := w.eventually(func(c Counts) bool { return c.UDP >= want }); got.UDP != want {
				t.Errorf("%d datagrams over the limit, want %d; counts %+v", got.UDP, want, got)
			}
		})
	}
}

// establish sends a datagram until it comes back, and says how often: one may be lost
// while neighbours are looked for.
func establish(t *testing.T, c net.Conn) (sent uint32) {
	t.Helper()
	b := make([]byte, 1)
	for end := time.Now().Add(longPatience); time.Now().Before(end); {
		_, err := c.Write([]byte("x"))
		must(t, err)
		sent++
		must(t, c.SetReadDeadline(time.Now().Add(time.Second)))
		if _, err := c.Read(b); err == nil {
			return sent
		}
	}
	t.Fatal("the conversation is not established")
	return sent
}

// echo sends back each datagram from that address of the internet.
func (w *world) echo(address string) {
	w.Helper()
	at := netip.MustParseAddrPort(address)
	must(w.T, w.lab.Internet.Assign(lab.InternetLink, netip.PrefixFrom(at.Addr(), at.Addr().BitLen())))
	c, err := w.lab.Internet.ListenPacket(w.Context(), "udp", address)
	must(w.T, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 64)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(b[:n], from)
		}
	}()
	w.Cleanup(func() { _ = c.Close(); <-done })
}

// Flags of a TCP header (RFC 9293 section 3.1).
const flagSYN, flagACK = 0x02, 0x10

// TestSegmentsToASilentVictimAreLimited: nobody answers, so each segment of the one
// connection is new, the first of a handshake as well as those of one that never was.
func TestSegmentsToASilentVictimAreLimited(t *testing.T) {
	for name, flags := range map[string]byte{"SYN": flagSYN, "ACK": flagACK} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Limits{NewEach: few})
			from, to := netip.MustParseAddr("192.168.77.50"), netip.MustParseAddr("8.8.4.4")
			w.segments(to, segment(from, to, flags))
			want := uint64(flood - few.Burst)
			if got := w.eventually(func(c Counts) bool { return c.New >= want }); got.New != want {
				t.Errorf("%d segments over the limit, want %d; counts %+v", got.New, want, got)
			}
		})
	}
}

// segments floods an address with one segment.
func (w *world) segments(to netip.Addr, segment []byte) {
	w.Helper()
	must(w.T, w.lab.Device(0).Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for range flood {
			if err := unix.Sendto(fd, segment, 0, &unix.SockaddrInet4{Addr: to.As4()}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// segment is a TCP header without data, with its checksum (RFC 9293 section 3.1).
func segment(from, to netip.Addr, flags byte) []byte {
	h := make([]byte, 20)
	binary.BigEndian.PutUint16(h[0:], 40000)
	binary.BigEndian.PutUint16(h[2:], 443)
	h[7] = 1 // sequence number
	h[12], h[13] = 5<<4, flags
	binary.BigEndian.PutUint16(h[14:], 1024)
	pseudo := append(append(from.AsSlice(), to.AsSlice()...), 0, unix.IPPROTO_TCP, 0, byte(len(h)))
	var sum uint32
	for b := append(pseudo, h...); len(b) > 0; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(h[16:], ^uint16(sum))
	return h
}

// TestEstablishedConnectionsKeepTheirDestinations: rules that come later than a
// connection hold for it too.
func TestEstablishedConnectionsKeepTheirDestinations(t *testing.T) {
	w := newWorld(t, Limits{})
	must(t, w.lab.Internet.Assign(lab.InternetLink, netip.MustParsePrefix("8.8.8.8/32")))
	l, err := w.lab.Internet.Listen(t.Context(), "tcp", "8.8.8.8:80")
	must(t, err)
	defer l.Close()
	c, err := w.lab.Device(0).Dial(t.Context(), "tcp", "8.8.8.8:80")
	must(t, err)
	defer c.Close()
	if got := w.counts(); got.Private != 0 {
		t.Fatalf("counts %+v", got)
	}
	must(t, w.lan.change(t.Context(), func(w *wanted) { w.refuse = append(w.refuse, netip.MustParsePrefix("8.8.8.8/32")) }))
	must(t, w.lan.Check())
	_, err = c.Write([]byte("x"))
	must(t, err)
	if got := w.eventually(func(c Counts) bool { return c.Private > 0 }); got.Private == 0 {
		t.Errorf("counts %+v", got)
	}
}
