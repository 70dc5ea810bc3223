package door

import (
	"net"
	"net/netip"
	"sync"
)

// How many connections there may be: of all readers together, and of one place, so
// that nobody alone can keep the others out. A browser opens six.
const (
	connectionsMost = 64
	fromPlaceMost   = 32
)

// limited hands on as many connections as there may be, and closes those beyond at
// once: one that waits unheard looks like a box that hangs.
type limited struct {
	net.Listener
	mu  sync.Mutex
	all int
	by  map[netip.Prefix]int
}

func bounded(l net.Listener) net.Listener {
	return &limited{Listener: l, by: map[netip.Prefix]int{}}
}

// Accept is that of net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := prefixOf(c.RemoteAddr().String())
		if l.enter(from) {
			return &counted{Conn: c, left: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close() // nothing was said on it
	}
}

func (l *limited) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= connectionsMost || l.by[from] >= fromPlaceMost {
		return false
	}
	l.all++
	l.by[from]++
	return true
}

func (l *limited) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.by[from]--; l.by[from] <= 0 {
		delete(l.by, from)
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	left func()
}

// Close is that of net.Conn.
func (c *counted) Close() error {
	defer c.left()
	return c.Conn.Close()
}
