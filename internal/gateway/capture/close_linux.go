//go:build linux

package capture

import "golang.org/x/sys/unix"

// Close ends the capture and wakes a reader that waits in Next. A batch that the
// reader holds stays valid until its Release or Next, and only then is the ring
// given back. Close can be called more than once.
func (c *Capture) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	idle := !c.busy
	if first && !c.freed {
		c.readStatistics()
	}
	c.mu.Unlock()
	if idle {
		c.free()
	} else {
		c.wake()
	}
	return nil
}

func (c *Capture) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// enter begins a call of Next; false when the capture is closed.
func (c *Capture) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = !c.closed
	return c.busy
}

// leave ends the reader's claim on the ring, and gives the ring back when Close
// was called meanwhile.
func (c *Capture) leave() {
	c.mu.Lock()
	c.busy = false
	closed := c.closed
	c.mu.Unlock()
	if closed {
		c.free()
	}
}

// free gives everything back to the kernel, once.
func (c *Capture) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.freed {
		return
	}
	c.freed = true
	if c.ring != nil {
		_ = unix.Munmap(c.ring) // the descriptors below go in any case
		c.ring = nil
	}
	if c.link != nil {
		_ = unix.Close(c.link.fd)
	}
	for _, fd := range []int{c.wakeFD, c.fd} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
