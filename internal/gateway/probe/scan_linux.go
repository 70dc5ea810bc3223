package probe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"assay/internal/assess/event"
)

// rounds is how often each port is tried: one lost packet is no closed door.
const rounds = 2

// openLimit bounds the doors that are looked behind; a device that accepts every port
// has none behind most of them.
const openLimit = 48

// ports is what the scans of one device found.
type ports struct {
	open []netip.AddrPort
	udp  []service // that answered over UDP
}

// tally is what became of the ports of one address.
type tally struct {
	mu     sync.Mutex
	open   map[uint16]bool
	closed map[uint16]bool
	broken error
}

func (t *tally) take(port uint16, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.open[port] = true
	case errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET):
		t.closed[port] = true
	case errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENETUNREACH):
		t.broken = err
	}
}

// scan tries the ports of one address.
func (p *Prober) scan(ctx context.Context, to netip.Addr) error {
	list := common()
	if p.cfg.All {
		list = every()
	}
	t := &tally{open: map[uint16]bool{}, closed: map[uint16]bool{}}
	var failed error
	done := 0
	for ; done < rounds && failed == nil; done++ {
		failed = p.round(ctx, to, list, t, done)
	}
	failed = errors.Join(failed, t.broken)
	p.tellScan(to, list, t, done, failed)
	for _, port := range sorted(t.open) {
		if len(p.ports.open) < openLimit {
			p.ports.open = append(p.ports.open, netip.AddrPortFrom(to, port))
		}
	}
	return failed
}

func (p *Prober) tellScan(to netip.Addr, list []uint16, t *tally, done int, failed error) {
	which := "common"
	if p.cfg.All {
		which = "all"
	}
	n := event.ProbeNote{Kind: event.ProbeScan, Server: netip.AddrPortFrom(to, 0), Outcome: event.ProbeDone, Detail: map[string]string{
		"ports": which, "rounds": strconv.Itoa(done), "open": joined(sorted(t.open)), "closed": strconv.Itoa(len(t.closed)),
		"silent": strconv.Itoa(max(0, len(list)-len(t.open)-len(t.closed))),
	}}
	if failed != nil {
		n.Outcome, n.Why = event.ProbeStopped, failed.Error()
	}
	p.note(n)
}

// inFlight bounds the connections that wait for an answer at once.
const inFlight = 128

// round tries each port once, all from one end of the box.
func (p *Prober) round(ctx context.Context, to netip.Addr, list []uint16, t *tally, which int) error {
	from, err := p.announce(ctx, netip.Addr{}, netip.AddrPortFrom(to, 0), false)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	room := make(chan struct{}, inFlight)
	ticks := time.NewTicker(time.Second / time.Duration(p.cfg.Pace.Ports))
	defer ticks.Stop()
	for i, port := range list {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if i%p.cfg.Pace.Ports == 0 {
			if _, err := p.allowed(ctx, to); err != nil {
				return err
			}
			p.cfg.Tell(which*len(list)+i, rounds*len(list), "ports of "+to.String())
		}
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			c, err := p.connect(ctx, "tcp", from, netip.AddrPortFrom(to, port))
			if err == nil {
				_ = c.Close() // it was only opened
			}
			if ctx.Err() == nil {
				t.take(port, err)
			}
		})
	}
	return nil
}

func every() []uint16 {
	out := make([]uint16, 0, 65535)
	for i := 1; i <= 65535; i++ {
		out = append(out, uint16(i)) //nolint:gosec // a port
	}
	return out
}

// common are the ports of what devices are known to offer: management, legacy and
// debug doors, media, printing, files, industrial protocols.
func common() []uint16 {
	return []uint16{
		21, 22, 23, 25, 53, 80, 81, 82, 83, 88, 102, 110, 111, 135, 139, 143, 389, 443, 444, 445, 502, 512, 513, 514, 515, 543, 544,
		548, 554, 587, 631, 853, 873, 990, 993, 1080, 1234, 1400, 1723, 1883, 1900, 2000, 2049, 2222, 2323, 2345, 3000, 3128, 3306, 3389,
		3689, 4070, 4321, 4443, 4567, 4747, 4840, 4911, 5000, 5001, 5060, 5061, 5353, 5357, 5431, 5432, 5555, 5556, 5671, 5672, 5683, 5684,
		5900, 5985, 6000, 6379, 6466, 6467, 6666, 6667, 6668, 7000, 7070, 7443, 7547, 7681, 8000, 8001, 8002, 8008, 8009, 8010, 8060,
		8080, 8081, 8082, 8083, 8084, 8086, 8088, 8090, 8123, 8181, 8443, 8554, 8600, 8883, 8888, 9000, 9001, 9002, 9090, 9091, 9100,
		9443, 9530, 9876, 9999, 10000, 10001, 10443, 10554, 20000, 23023, 27017, 30005, 32400, 32764, 34567, 37215, 37777, 44818, 47808,
		48101, 49152, 49153, 49154, 49155, 50000, 52869, 55443, 60000, 62078,
	}
}

func sorted(set map[uint16]bool) []uint16 {
	out := make([]uint16, 0, len(set))
	for p := range set {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func joined(list []uint16) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = strconv.Itoa(int(p))
	}
	return strings.Join(words, ",")
}
