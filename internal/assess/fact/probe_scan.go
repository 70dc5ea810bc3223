package fact

import (
	"fmt"
	"math/bits"
	"net/netip"
	"slices"

	"assay/internal/assess/event"
)

// allPorts is how many ports of TCP there are, port 0 left out.
const allPorts = 65535

// A device that refuses ports by a reset is taken to limit its answers when more than
// this share, and this number, of the ports tried got none.
const (
	probePatchy      = 0.01
	probePatchyLeast = 20
)

// portSet is a set of ports.
type portSet [1 << 10]uint64

func (s *portSet) has(p uint16) bool { return s[p>>6]&(1<<(p&63)) != 0 }

// add says whether the port is new.
func (s *portSet) add(p uint16) bool {
	fresh := !s.has(p)
	s[p>>6] |= 1 << (p & 63)
	return fresh
}

func (s *portSet) join(other *portSet) {
	for i, w := range other {
		s[i] |= w
	}
}

func (s *portSet) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// probeAddr is what the box tried at one address of the device.
type probeAddr struct {
	tried, answered portSet // over TCP: asked, and accepted or refused
	lastTry         event.Ref
	lastAnswer      event.Ref
	questions       map[uint16]int // conversations over UDP, by port
}

func (a *probeAddr) try(p uint16, at event.Ref) {
	if a.tried.add(p) && p != 0 {
		a.lastTry = at
	}
}

func (a *probeAddr) answer(p uint16, at event.Ref) {
	a.answered.add(p)
	a.lastAnswer = max(a.lastAnswer, at)
}

// isFull says that every port was tried and that the device still answered when the
// last of them had been.
func (a *probeAddr) isFull() bool { return a.tried.count() >= allPorts && a.lastAnswer > a.lastTry }

// isPatchy says that it refused some ports by a reset and was silent about others.
func (a *probeAddr) isPatchy(open int) bool {
	tried, answered := a.tried.count(), a.answered.count()
	silent := tried - answered
	return answered > open && silent > probePatchyLeast && float64(silent) > probePatchy*float64(tried)
}

// probeScan sums up the scans.
type probeScan struct {
	full     [2]bool // by family
	answered [2]bool
	needsV6  bool
	patchy   bool
	stopped  Because
	tried    portSet // at any address
	scanned  bool
	lines    []string
}

func (l *probeLens) scan(w *world) probeScan {
	var s probeScan
	global := l.usesV6(w, &s)
	for _, a := range l.addrs {
		l.scanOne(a, global, &s)
	}
	l.stopped(&s)
	slices.Sort(s.lines)
	return s
}

// stopped counts the addresses at which the last scan did not come to its end.
func (l *probeLens) stopped(s *probeScan) {
	seen := map[netip.Addr]bool{}
	for _, n := range slices.Backward(l.notes) {
		a := n.note.Server.Addr()
		if n.note.Kind != event.ProbeScan || seen[a] {
			continue
		}
		seen[a] = true
		if n.note.Outcome != event.ProbeDone {
			s.stopped.Add(n.by)
		}
	}
}

// usesV6 notes whether the device has IPv6 addresses, and says whether it has one that
// is not only for the link.
func (l *probeLens) usesV6(w *world, s *probeScan) (global bool) {
	for a := range w.addrs {
		if a.Is4() || a.Is4In6() || a.IsMulticast() {
			continue
		}
		s.needsV6 = true
		global = global || !a.IsLinkLocalUnicast()
	}
	return global
}

func (l *probeLens) scanOne(a netip.Addr, global bool, s *probeScan) {
	at := l.at[a]
	tried, answered := at.tried.count(), at.answered.count()
	if tried == 0 {
		return
	}
	f := family(a)
	s.tried.join(&at.tried)
	s.answered[f] = s.answered[f] || answered > 0
	s.scanned = s.scanned || answered > 0
	s.patchy = s.patchy || at.isPatchy(l.openTCP(f))
	onlyLink := f == 1 && global && a.IsLinkLocalUnicast()
	s.full[f] = s.full[f] || at.isFull() && !onlyLink
	ports := fmt.Sprintf("%d TCP ports", tried)
	if tried >= allPorts {
		ports = "all TCP ports"
	}
	s.lines = append(s.lines, fmt.Sprintf("%s: %s, %d answered", a, ports, answered))
}

// openTCP counts the open TCP ports of a family.
func (l *probeLens) openTCP(f int) (n int) {
	for p, d := range l.ports {
		n += one(!p.udp && d.open[f])
	}
	return n
}

// isFull says that all ports were tried, over IPv4 and, where the device has such
// addresses, over IPv6.
func (s *probeScan) isFull() bool {
	return s.full[0] && (s.full[1] || !s.needsV6) && s.stopped.Seen() == 0
}

func (l *probeLens) stateScan(s probeScan, out *Sheet) {
	out.Int("probe.asked", l.asked.Seen(), l.asked)
	out.Int("probe.beyond_limit", l.beyond.Seen(), l.beyond)
	out.Bool("probe.scanned", s.scanned, l.asked)
	out.Int("probe.ports_tried", s.tried.count(), l.asked)
	out.Bool("probe.scan_full", s.isFull(), l.asked)
	out.Bool("probe.scan_full_ipv4", s.full[0], l.asked)
	out.Bool("probe.scan_full_ipv6", s.full[1], l.asked)
	out.Bool("probe.scan_patchy", s.patchy, l.asked)
	out.Int("probe.scan_stopped", s.stopped.Seen(), s.stopped)
	out.List("probe.scan_list", s.lines, l.asked)
	out.Bool("probe.answers_ipv4", s.answered[0], l.asked)
	out.Bool("probe.answers_ipv6", s.answered[1], l.asked)
	l.stateParity(out)
	l.stateTried(&s, out)
}

// The ports of remote shells and file transfer without encryption, and of debugging.
var (
	legacyPorts = []uint16{21, 23, 513, 514, 2323}
	debugPorts  = []uint16{1234, 2345, 4321, 5555, 8888, 9999}
	udpPorts    = []uint16{53, 123, 161, 1900, 3702, 5353, 5683}
)

const portTFTP = 69

func (l *probeLens) stateTried(s *probeScan, out *Sheet) {
	count := func(ports []uint16, has func(uint16) bool) (n int) {
		for _, p := range ports {
			n += one(has(p))
		}
		return n
	}
	asked := func(p uint16) bool { return l.questions(p, 0)+l.questions(p, 1) > 0 }
	out.Int("probe.legacy_tried", count(legacyPorts, s.tried.has)+one(asked(portTFTP)), l.asked)
	out.Int("probe.debug_tried", count(debugPorts, s.tried.has), l.asked)
	out.Int("probe.udp_tried", count(udpPorts, asked), l.asked)
}

// questions counts the conversations over UDP with a port, at the addresses of a family.
func (l *probeLens) questions(p uint16, f int) (n int) {
	for a, at := range l.at {
		if family(a) == f {
			n += at.questions[p]
		}
	}
	return n
}

// stateParity compares the open ports of IPv6 with those of IPv4.
func (l *probeLens) stateParity(out *Sheet) {
	var lines []string
	var why Because
	for p, d := range l.ports {
		if d.open[1] && !d.open[0] && l.triedV4(p) {
			lines = append(lines, p.String())
			why.Join(d.because)
		}
	}
	out.Int("probe.ipv6_only", len(lines), why)
	out.List("probe.ipv6_only_list", sortedUnique(lines), why)
}

// triedV4 says that a port was tried over IPv4, over UDP twice at least: a datagram
// may be lost.
func (l *probeLens) triedV4(p probePort) bool {
	if p.udp {
		return l.questions(p.port, 0) >= 2
	}
	for a, at := range l.at {
		if family(a) == 0 && at.tried.has(p.port) && at.answered.count() > 0 {
			return true
		}
	}
	return false
}
