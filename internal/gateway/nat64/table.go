package nat64

import (
	"net/netip"
	"time"

	"assay/internal/gateway/nat64/siit"
)

// Bounds of the table. One device under test and a few others need hundreds; beyond
// the bounds the conversation that was idle longest among the short-lived ends, or
// a new one is refused.
const (
	maxSessions  = 16384
	maxOfOneHost = 4096
	firstPort    = 1024
	lastPort     = 65535
)

// protocol tells the three tables of bindings apart (RFC 6146 section 3).
type protocol uint8

const (
	protoTCP protocol = iota
	protoUDP
	protoICMP
	protocols
)

// inside is a transport address of a device; for echo the port is the identifier.
type inside struct {
	addr  netip.Addr
	port  uint16
	proto protocol
}

// outside is the far end, an IPv4 transport address; for echo the port is 0.
type outside struct {
	addr netip.Addr
	port uint16
}

// binding is an entry of the binding information base: all conversations of one
// transport address of a device have one port outside.
type binding struct {
	in       inside
	port     uint16
	sessions int
}

type sessionKey struct {
	in  inside
	far outside
}

// session is one conversation. It is in the list of its life, which is in the order
// of the last packets.
type session struct {
	prev, next *session
	key        sessionKey
	binding    *binding
	life       life
	tcp        tcpState
	until      time.Duration
}

// life is how long a conversation lasts without packets.
type life uint8

// The lives, the one to be given up first in front.
const (
	lifeTransient life = iota // TCP that is not yet or no longer open
	lifeEcho
	lifeUDP
	lifeTCP
	lives
)

// lifetimes are those of RFC 6146 section 4 and RFC 7857 section 2: TCP_TRANS,
// ICMP_DEFAULT, UDP_DEFAULT, TCP_EST.
var lifetimes = [lives]time.Duration{
	lifeTransient: 4 * time.Minute, lifeEcho: time.Minute, lifeUDP: 5 * time.Minute, lifeTCP: 2*time.Hour + 4*time.Minute,
}

// table is all that is known of conversations. Times are durations on a clock that
// only goes forward. It is not safe for use by several goroutines.
type table struct {
	byInside [protocols]map[inside]*binding
	byPort   [protocols]map[uint16]*binding
	sessions map[sessionKey]*session
	ofHost   map[netip.Addr]int
	lists    [lives]session
	search   uint16 // where the search for a free port goes on
}

func newTable() *table {
	t := &table{sessions: map[sessionKey]*session{}, ofHost: map[netip.Addr]int{}}
	for i := range protocols {
		t.byInside[i], t.byPort[i] = map[inside]*binding{}, map[uint16]*binding{}
	}
	for i := range t.lists {
		l := &t.lists[i]
		l.prev, l.next = l, l
	}
	return t
}

// out finds or begins the conversation of a packet from a device. nil when there is
// no room for another.
func (t *table) out(in inside, far outside, now time.Duration) *session {
	k := sessionKey{in, far}
	if s := t.sessions[k]; s != nil {
		return s
	}
	if t.ofHost[in.addr] >= maxOfOneHost && !t.giveUp(in.addr) || len(t.sessions) >= maxSessions && !t.giveUp(netip.Addr{}) {
		return nil
	}
	b := t.bind(in)
	if b == nil {
		return nil
	}
	b.sessions++
	s := &session{key: k, binding: b, life: firstLife[in.proto]}
	t.sessions[k] = s
	t.ofHost[in.addr]++
	s.until = now + lifetimes[s.life]
	t.append(s)
	return s
}

var firstLife = [protocols]life{protoTCP: lifeTransient, protoUDP: lifeUDP, protoICMP: lifeEcho}

// in finds the conversation of a packet from outside, nil when there is none.
func (t *table) in(p protocol, port uint16, far outside) *session {
	b := t.byPort[p][port]
	if b == nil {
		return nil
	}
	return t.sessions[sessionKey{b.in, far}]
}

// bind finds or makes the binding of a transport address.
func (t *table) bind(in inside) *binding {
	if b := t.byInside[in.proto][in]; b != nil {
		return b
	}
	port, ok := t.freePort(in)
	if !ok {
		return nil
	}
	b := &binding{in: in, port: port}
	t.byInside[in.proto][in], t.byPort[in.proto][port] = b, b
	return b
}

// freePort keeps the device's own port where it can: a service that looks at ports
// sees what it would see without a translator.
func (t *table) freePort(in inside) (uint16, bool) {
	taken := t.byPort[in.proto]
	if taken[in.port] == nil && (in.port >= firstPort || in.proto == protoICMP) {
		return in.port, true
	}
	for range lastPort - firstPort + 1 {
		t.search = max(t.search+1, firstPort) // it wraps at 65535
		if taken[t.search] == nil {
			return t.search, true
		}
	}
	return 0, false
}

// touch makes a conversation live on, as the kind it is now.
func (t *table) touch(s *session, l life, now time.Duration) {
	s.prev.next, s.next.prev = s.next, s.prev
	s.life, s.until = l, now+lifetimes[l]
	t.append(s)
}

func (t *table) append(s *session) {
	head := &t.lists[s.life]
	s.prev, s.next = head.prev, head
	head.prev.next, head.prev = s, s
}

func (t *table) remove(s *session) {
	s.prev.next, s.next.prev = s.next, s.prev
	delete(t.sessions, s.key)
	host := s.key.in.addr
	if t.ofHost[host]--; t.ofHost[host] <= 0 {
		delete(t.ofHost, host)
	}
	b := s.binding
	if b.sessions--; b.sessions == 0 {
		delete(t.byInside[b.in.proto], b.in)
		delete(t.byPort[b.in.proto], b.port)
	}
}

// expire ends what was idle for too long. All of one list live equally long, so that
// the first of it is always the next.
func (t *table) expire(now time.Duration) {
	for i := range t.lists {
		head := &t.lists[i]
		for s := head.next; s != head && s.until <= now; s = head.next {
			t.remove(s)
		}
	}
}

// lookedAt bounds how many conversations are looked at to find one of a host.
const lookedAt = 64

// giveUp ends the conversation that was idle longest, of one host where it is valid,
// and says whether there was one. Open TCP connections are not given up.
func (t *table) giveUp(host netip.Addr) bool {
	for i := range lifeTCP {
		head := &t.lists[i]
		for s, n := head.next, 0; s != head && n < lookedAt; s, n = s.next, n+1 {
			if !host.IsValid() || s.key.in.addr == host {
				t.remove(s)
				return true
			}
		}
	}
	return false
}

// Flags of TCP.
const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
)

// tcpState is a simple view of RFC 6146 section 3.5.2: connections begin inside.
type tcpState uint8

const (
	tcpOpened tcpState = 1 << iota // both SYNs were seen
	tcpFinIn                       // the device has sent its FIN
	tcpFinOut                      // the far end has
	tcpReset                       // a RST was seen; other segments take it back
)

// segment says how long the connection lives after a segment.
func (s *session) segment(flags uint8, fromDevice bool) life {
	const closed = tcpFinIn | tcpFinOut
	if flags&flagRST != 0 {
		s.tcp |= tcpReset
		return lifeTransient
	}
	s.tcp &^= tcpReset
	switch {
	case flags&flagSYN != 0 && !fromDevice:
		s.tcp |= tcpOpened
	case flags&flagSYN != 0 && s.tcp&closed != 0:
		s.tcp = 0 // the same ports again (RFC 6191)
	case flags&flagFIN != 0:
		s.tcp |= map[bool]tcpState{true: tcpFinIn, false: tcpFinOut}[fromDevice]
	}
	if s.tcp&tcpOpened == 0 || s.tcp&closed == closed {
		return lifeTransient
	}
	return lifeTCP
}

// seen counts a packet for the life of its conversation.
func (t *table) seen(s *session, p siit.Packet, fromDevice bool, now time.Duration) {
	l := s.life
	if s.key.in.proto == protoTCP {
		l = s.segment(p.Flags(), fromDevice)
	}
	t.touch(s, l, now)
}
