package fact

import (
	"assay/internal/assess/event"
)

// forgePart keeps what somebody who wants to forge an answer has to guess: the
// transaction IDs and source ports of questions over UDP (RFC 5452 section 9.2).
type forgePart struct {
	boots []guessable
	b     Because
}

// guessable is the sequence of one boot.
type guessable struct {
	boot  int // the number of joinings before it
	ids   []uint16
	ports []uint16 // one for each look-up: A and AAAA of one name share a socket
	last  string   // name of the last question, and its port
	port  uint16
}

const (
	guessLimit     = 256 // questions kept per boot
	guessBootLimit = 8   // boots kept
	// step is how much larger than its predecessor a number may be to count as the
	// next of a sequence. By chance that happens once in a thousand times.
	step = 64
	// firstIDs is how many IDs from the beginning of two boots are compared, and
	// how many questions make a boot worth comparing.
	firstIDs = 4
)

func (p *forgePart) question(ev *sighting, b event.DNSAsked, boot int) {
	if b.Transport != event.UDP {
		return // over TCP the sequence numbers have to be guessed as well
	}
	p.b.See(ev)
	n := len(p.boots)
	if n == 0 || p.boots[n-1].boot != boot {
		if n >= guessBootLimit {
			return
		}
		p.boots = append(p.boots, guessable{boot: boot})
		n++
	}
	p.boots[n-1].add(b.ID, ev.Client.Port(), b.Name)
}

func (g *guessable) add(id, port uint16, name string) {
	if len(g.ids) >= guessLimit {
		return
	}
	g.ids = append(g.ids, id)
	if len(g.ports) == 0 || name != g.last || port != g.port {
		g.ports = append(g.ports, port)
	}
	g.last, g.port = name, port
}

// spread measures how far apart the numbers of some sequences are.
type spread struct {
	n, distinct int
	max         uint16
	run         int // the longest run of steps
	steps, hops int // pairs of neighbours that make a step, and all pairs
}

func (p *forgePart) spread(of func(guessable) []uint16) spread {
	var s spread
	seen := map[uint16]bool{}
	for _, g := range p.boots {
		run := 0
		for i, v := range of(g) {
			s.n++
			seen[v] = true
			s.max = max(s.max, v)
			if i == 0 {
				continue
			}
			s.hops++
			if d := v - of(g)[i-1]; d >= 1 && d <= step { // wraps at 65536
				s.steps++
				run++
			} else {
				run = 0
			}
			s.run = max(s.run, run)
		}
	}
	s.distinct = len(seen)
	return s
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func (p *forgePart) state(out *Sheet) {
	ids := p.spread(func(g guessable) []uint16 { return g.ids })
	ports := p.spread(func(g guessable) []uint16 { return g.ports })
	sequences, repeats := p.compare()
	out.Int("dns.id_queries", ids.n, p.b)
	out.Int("dns.id_sequences", sequences, p.b)
	if ids.n == 0 {
		return
	}
	out.Int("dns.id_distinct", ids.distinct, p.b)
	out.Int("dns.id_max", int(ids.max), p.b)
	out.Int("dns.id_run", ids.run, p.b)
	out.Double("dns.id_distinct_share", share(ids.distinct, ids.n), p.b)
	out.Double("dns.id_step_share", share(ids.steps, ids.hops), p.b)
	out.Bool("dns.id_repeats", repeats, p.b)
	out.Int("dns.ports", ports.distinct, p.b)
	out.Int("dns.port_lookups", ports.n, p.b)
	out.Int("dns.port_run", ports.run, p.b)
	out.Double("dns.port_distinct_share", share(ports.distinct, ports.n), p.b)
	out.Double("dns.port_step_share", share(ports.steps, ports.hops), p.b)
}

// compare counts the boots with questions enough, and tells whether two of them
// begin with the same IDs. What came before the first joining is not a boot.
func (p *forgePart) compare() (int, bool) {
	seen := map[[firstIDs]uint16]bool{}
	n, repeats := 0, false
	for _, g := range p.boots {
		if g.boot == 0 || len(g.ids) < firstIDs {
			continue
		}
		n++
		first := [firstIDs]uint16(g.ids)
		repeats = repeats || seen[first]
		seen[first] = true
	}
	return n, repeats
}
