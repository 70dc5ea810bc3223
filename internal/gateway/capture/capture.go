// Package capture takes frames from one network interface, with the kernel's
// time stamps and the kernel's own count of what was lost.
//
// It owns the packet socket and its ring (PACKET_MMAP, TPACKET_V3). It must not
// know what is inside a frame, where it is recorded, or what it is worth.
//
// What it cannot see: frames that some program on the box sends with
// PACKET_QDISC_BYPASS, because the kernel shows those to no tap.
package capture

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// ErrClosed is what Next returns after Close.
var ErrClosed = errors.New("the capture is closed")

// ErrGone is what Next returns when the interface no longer exists, for example
// because a USB adapter was pulled out. Close the capture and open it again when
// the interface is back.
var ErrGone = errors.New("the interface is gone: plug the adapter in again")

// Defaults of Config, and the bounds within which its values must lie.
//
// Many blocks of a moderate size serve two ends at once. The kernel closes a
// block when it is full or when Retire has passed, so that on a quiet line the
// number of blocks times Retire is how long a stall of the reader is survived
// (64 x 50 ms = 3.2 s, more than a slow memory card keeps a writer waiting); on
// a busy line it is the number of bytes that counts. A block holds several
// frames of 64 KB, which is what segmentation offload makes of a stream.
const (
	DefaultBlocks    = 64
	DefaultBlockSize = 256 << 10
	DefaultRetire    = 50 * time.Millisecond

	minBlockSize = 128 << 10 // holds the largest frame with its headers
	maxBlockSize = 4 << 20
	maxRing      = 256 << 20
	maxRetire    = time.Second
)

// Config says what to capture, and with how much memory.
type Config struct {
	// Interface is the name of an Ethernet interface in the network namespace
	// of the calling thread.
	Interface string
	// Blocks is how many blocks the ring has; 0 means DefaultBlocks.
	Blocks int
	// BlockSize is the size of one block in bytes, a power of two from 128 KiB
	// to 4 MiB; 0 means DefaultBlockSize.
	BlockSize int
	// Retire is how long the kernel waits before it hands out a block that is
	// not full: the greatest delay of a frame. 0 means DefaultRetire.
	Retire time.Duration
}

// complete fills in the defaults and checks the rest.
func (c Config) complete() (Config, error) {
	c.Blocks = cmp.Or(c.Blocks, DefaultBlocks)
	c.BlockSize = cmp.Or(c.BlockSize, DefaultBlockSize)
	c.Retire = cmp.Or(c.Retire, DefaultRetire)
	switch {
	case c.Interface == "":
		return c, errors.New("cannot capture: no interface is named")
	case !isBlockSize(c.BlockSize):
		return c, fmt.Errorf("cannot capture with blocks of %d bytes: give a power of two from %d to %d", c.BlockSize, minBlockSize, maxBlockSize)
	case c.Blocks < 2 || c.Blocks > maxRing/c.BlockSize:
		return c, fmt.Errorf("cannot capture with %d blocks of %d bytes: give at least 2 and at most %d", c.Blocks, c.BlockSize, maxRing/c.BlockSize)
	case c.Retire < time.Millisecond || c.Retire > maxRetire:
		return c, fmt.Errorf("cannot capture with blocks handed out every %v: give 1ms to %v", c.Retire, maxRetire)
	}
	return c, nil
}

func isBlockSize(n int) bool {
	return n >= minBlockSize && n <= maxBlockSize && n&(n-1) == 0
}

// Frame is one captured frame, beginning with its Ethernet header. A VLAN tag
// that the kernel took out is back in its place.
type Frame struct {
	// At is when the kernel took the frame, UTC.
	At time.Time
	// Length is the length on the wire in bytes. With segmentation offload one
	// frame may stand for many: up to 64 KB.
	Length int
	// Data is the frame. It lies in the ring and is valid until the next call
	// of Next or Release.
	Data []byte
	// Outgoing is true for a frame that the box itself sent.
	Outgoing bool
}

// Batch is what one call of Next returns: frames, or a change of the link.
type Batch struct {
	// Frames are valid until the next call of Next or Release. So is the slice.
	Frames []Frame
	// Link is LinkSame unless this batch reports a change.
	Link LinkChange
	// At is when the change was noticed. Frames that were sent before it may
	// still follow: put the two in order by their times.
	At time.Time
}

// LinkChange says whether the link went up or down.
type LinkChange uint8

// The changes of a link. The first batch of a capture tells the state at its
// beginning. Up means that the interface is enabled and has a carrier.
const (
	LinkSame LinkChange = iota
	LinkUp
	LinkDown
)

// String is "same", "up" or "down".
func (l LinkChange) String() string {
	switch l {
	case LinkUp:
		return "up"
	case LinkDown:
		return "down"
	default:
		return "same"
	}
}

// Counts are totals since the capture was opened.
type Counts struct {
	// Seen is how many frames the kernel had for this capture, those that it
	// then dropped included.
	Seen uint64
	// Dropped is how many of them found no room in the ring.
	Dropped uint64
	// Freezes is how often the ring was full.
	Freezes uint64
	// Delivered is how many frames Next handed out.
	Delivered uint64
	// Damaged is how many blocks of the ring did not hold together; 0 unless
	// the kernel has a fault.
	Damaged uint64
}
