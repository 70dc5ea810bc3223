//go:build linux

package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capture is an open capture. One goroutine calls Next and Release; Counts and
// Close may be called from any.
type Capture struct {
	cfg     Config
	fd      int
	wakeFD  int // an eventfd that ends a wait
	link    *linkWatch
	ring    []byte
	head    int // the block to be read next
	held    bool
	frames  []Frame
	address [6]byte

	mu     sync.Mutex
	closed bool
	busy   bool // the reader is inside Next, or holds a batch
	freed  bool
	counts Counts
}

// Open begins to capture every frame that the interface receives or sends, those
// for other stations included. It opens its sockets in the network namespace of
// the calling thread; afterwards the capture may be used from any thread.
func Open(cfg Config) (*Capture, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	c := &Capture{cfg: cfg, fd: -1, wakeFD: -1}
	if err := c.open(); err != nil {
		c.free()
		return nil, fmt.Errorf("cannot capture on %s: %w", cfg.Interface, err)
	}
	return c, nil
}

func (c *Capture) open() (err error) {
	// With protocol 0 nothing is received until bind says which interface:
	// otherwise frames of all interfaces would come in before.
	c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("opening a packet socket needs CAP_NET_RAW: %w", err)
	}
	index, err := c.identify()
	if err != nil {
		return err
	}
	if c.wakeFD, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if c.link, err = watchLink(c.fd, index, c.cfg.Interface); err != nil {
		return err
	}
	if err := c.mapRing(); err != nil {
		return err
	}
	return c.bind(index)
}

// identify finds the index and address of the interface and refuses what is not
// Ethernet.
func (c *Capture) identify() (int, error) {
	req, err := unix.NewIfreq(c.cfg.Interface)
	if err != nil {
		return 0, errors.New("no interface can have such a name")
	}
	if err := unix.IoctlIfreq(c.fd, unix.SIOCGIFINDEX, req); err != nil {
		return 0, fmt.Errorf("there is no such interface: %w", err)
	}
	index := int(req.Uint32())
	// The kernel answers with a struct sockaddr: the hardware type, then the
	// address (netdevice(7)).
	if err := unix.IoctlIfreq(c.fd, unix.SIOCGIFHWADDR, req); err != nil {
		return 0, fmt.Errorf("cannot read its address: %w", err)
	}
	raw := (*[unix.IFNAMSIZ + 8]byte)(unsafe.Pointer(req))[unix.IFNAMSIZ:]
	if kind := *(*uint16)(unsafe.Pointer(&raw[0])); kind != unix.ARPHRD_ETHER && kind != unix.ARPHRD_LOOPBACK {
		return 0, fmt.Errorf("it is no Ethernet interface (hardware type %d)", kind)
	}
	copy(c.address[:], raw[2:])
	return index, nil
}

func (c *Capture) mapRing() (err error) {
	if err := unix.SetsockoptInt(c.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("the kernel has no TPACKET_V3: %w", err)
	}
	if err := unix.SetsockoptInt(c.fd, unix.SOL_PACKET, unix.PACKET_RESERVE, reserveForATag); err != nil {
		return err
	}
	const frameSize = 2048 // only a unit of account in this version
	req := unix.TpacketReq3{
		Block_size:     uint32(c.cfg.BlockSize),
		Block_nr:       uint32(c.cfg.Blocks),
		Frame_size:     frameSize,
		Frame_nr:       uint32(c.cfg.BlockSize / frameSize * c.cfg.Blocks),
		Retire_blk_tov: uint32(c.cfg.Retire / time.Millisecond),
	}
	if err := unix.SetsockoptTpacketReq3(c.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("the kernel gives no ring of %d MiB: %w", c.cfg.BlockSize*c.cfg.Blocks>>20, err)
	}
	c.ring, err = unix.Mmap(c.fd, 0, c.cfg.BlockSize*c.cfg.Blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("cannot map the ring: %w", err)
	}
	return nil
}

func (c *Capture) bind(index int) error {
	mreq := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(c.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq); err != nil {
		return fmt.Errorf("cannot make it promiscuous: %w", err)
	}
	to := unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index}
	if err := unix.Bind(c.fd, &to); err != nil {
		return fmt.Errorf("cannot bind to it: %w", err)
	}
	return nil
}

// networkOrder is what htons is in C.
func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)})
}

// Address is the Ethernet address that the interface had when it was opened.
func (c *Capture) Address() [6]byte { return c.address }

// Next returns the next frames, or the next change of the link, and waits for
// them. It gives the memory of the batch before back to the kernel. It ends with
// the error of ctx, with ErrClosed or with ErrGone; frames that the ring still
// holds come first, except after Close.
func (c *Capture) Next(ctx context.Context) (Batch, error) {
	c.Release()
	if !c.enter() {
		return Batch{}, ErrClosed
	}
	for {
		batch, ok, err := c.poll(ctx)
		if err != nil {
			c.leave()
			return Batch{}, err
		}
		if ok {
			return batch, nil
		}
	}
}

// poll looks once for something to return, and otherwise waits until something
// has changed.
func (c *Capture) poll(ctx context.Context) (Batch, bool, error) {
	if c.isClosed() {
		return Batch{}, false, ErrClosed
	}
	if change, at, ok := c.link.take(); ok {
		return Batch{Link: change, At: at}, true, nil
	}
	if batch, ok := c.ready(); ok {
		return batch, true, nil
	}
	if err := ctx.Err(); err != nil {
		return Batch{}, false, err
	}
	if c.link.gone.IsZero() {
		return Batch{}, false, c.wait(ctx, -1)
	}
	// The kernel hands out the block that it was filling after Retire.
	left := 2*c.cfg.Retire - time.Since(c.link.gone)
	if left <= 0 {
		return Batch{}, false, ErrGone
	}
	return Batch{}, false, c.wait(ctx, left)
}

// ready takes the block at the head, when the kernel has handed it over.
func (c *Capture) ready() (Batch, bool) {
	block := c.ring[c.head*c.cfg.BlockSize:][:c.cfg.BlockSize]
	if atomic.LoadUint32(statusOf(block))&statusUser == 0 {
		return Batch{}, false
	}
	frames, err := parseBlock(block, c.frames[:0])
	c.frames, c.held = frames, true
	c.mu.Lock()
	c.counts.Delivered += uint64(len(frames))
	if err != nil {
		c.counts.Damaged++
	}
	c.mu.Unlock()
	return Batch{Frames: frames}, true
}

// statusOf is where a block says who owns it.
func statusOf(block []byte) *uint32 {
	return (*uint32)(unsafe.Pointer(&block[blockStatus]))
}

// Release gives the memory of the last batch back to the kernel. Next does so
// too: call Release when the next call of Next may be far away, and before a
// goroutine that holds a batch ends.
func (c *Capture) Release() {
	if c.held {
		block := c.ring[c.head*c.cfg.BlockSize:][:c.cfg.BlockSize]
		atomic.StoreUint32(statusOf(block), 0)
		c.head = (c.head + 1) % c.cfg.Blocks
		c.held = false
	}
	c.leave()
}

// wait sleeps until the ring, the link, ctx or Close has something to say, or for
// the given time when it is not negative.
func (c *Capture) wait(ctx context.Context, most time.Duration) error {
	stop := context.AfterFunc(ctx, c.wake)
	defer stop()
	fds := [3]unix.PollFd{
		{Fd: int32(c.fd), Events: unix.POLLIN},
		{Fd: int32(c.wakeFD), Events: unix.POLLIN},
		{Fd: int32(c.link.fd), Events: unix.POLLIN},
	}
	if _, err := unix.Poll(fds[:], milliseconds(most)); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("cannot wait for frames of %s: %w", c.cfg.Interface, err)
	}
	if fds[1].Revents != 0 {
		var drained [8]byte
		_, _ = unix.Read(c.wakeFD, drained[:]) // its count means nothing
	}
	if fds[2].Revents != 0 {
		c.link.read()
	}
	if fds[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
		return c.socketError()
	}
	return nil
}

// milliseconds is a time as poll(2) takes it, rounded up.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Millisecond - 1) / time.Millisecond)
}

// socketError takes the error off the socket. An interface that is switched off
// (ENETDOWN) is no failure: the kernel goes on when it is switched on again, and
// the link watch tells of both.
func (c *Capture) socketError() error {
	code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 && code != int(unix.ENETDOWN) {
		err = unix.Errno(code)
	}
	if err != nil {
		return fmt.Errorf("cannot go on capturing on %s: %w", c.cfg.Interface, err)
	}
	return nil
}

// wake ends a wait.
func (c *Capture) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.freed {
		one := [8]byte{0: 1, 7: 1} // not zero in either byte order
		_, _ = unix.Write(c.wakeFD, one[:])
	}
}

// Counts reads the kernel's counters. It can be called after Close, too.
func (c *Capture) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.freed {
		c.readStatistics()
	}
	return c.counts
}

// readStatistics adds up what the kernel counted since the last time: reading
// sets its counters to zero (packet(7), PACKET_STATISTICS).
func (c *Capture) readStatistics() {
	st, err := unix.GetsockoptTpacketStatsV3(c.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return
	}
	c.counts.Seen += uint64(st.Packets)
	c.counts.Dropped += uint64(st.Drops)
	c.counts.Freezes += uint64(st.Freeze_q_cnt)
}
