package resolver

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

const (
	clientParts = 64
	// clientsPerPart bounds the table: 4096 addresses in all, some 400 kB.
	clientsPerPart = 64
	// burst is for how long a client may ask at once what its rate allows for in
	// that time.
	burst = 2 * time.Second
	// forgotten is how long a client without open questions is remembered when
	// others want its place.
	forgotten = 10 * time.Second
)

// clients keeps account of what each client address uses.
type clients struct {
	seed   maphash.Seed
	limits Limits
	cost   time.Duration // of one question, in time of the bucket; 0 without limit
	parts  [clientParts]clientPart
}

type clientPart struct {
	mu    sync.Mutex
	table map[netip.Addr]*client
}

// client is one client address. The bucket is kept as a point in time: how far
// the questions so far, at the allowed rate, reach into the future (the generic
// cell rate algorithm).
type client struct {
	bucket time.Duration
	seen   time.Duration
	open   int // questions that wait for an upstream
	conns  int // TCP connections
}

func newClients(l Limits) *clients {
	c := &clients{seed: maphash.MakeSeed(), limits: l}
	if l.ClientRate > 0 {
		c.cost = time.Second / time.Duration(l.ClientRate)
	}
	for i := range c.parts {
		c.parts[i].table = map[netip.Addr]*client{}
	}
	return c
}

func (c *clients) part(a netip.Addr) *clientPart {
	return &c.parts[maphash.Comparable(c.seed, a)%clientParts]
}

// ask counts one question and says whether the client's rate allows it.
func (c *clients) ask(a netip.Addr, now time.Duration) bool {
	if c.cost == 0 {
		return true
	}
	p := c.part(a)
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.get(a, now)
	if e == nil {
		return false
	}
	next := max(e.bucket, now) + c.cost
	if next > now+burst {
		return false
	}
	e.bucket = next
	return true
}

// begin counts a question that has to wait, and says whether the client may
// have one more of them; end must follow if so.
func (c *clients) begin(a netip.Addr, now time.Duration) bool {
	return c.more(a, now, func(e *client) *int { return &e.open }, c.limits.ClientOpen)
}

func (c *clients) end(a netip.Addr) { c.less(a, func(e *client) *int { return &e.open }) }

// connect counts a TCP connection and says whether the client may have it;
// disconnect must follow if so.
func (c *clients) connect(a netip.Addr, now time.Duration) bool {
	return c.more(a, now, func(e *client) *int { return &e.conns }, c.limits.ClientConns)
}

func (c *clients) disconnect(a netip.Addr) { c.less(a, func(e *client) *int { return &e.conns }) }

func (c *clients) more(a netip.Addr, now time.Duration, field func(*client) *int, most int) bool {
	p := c.part(a)
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.get(a, now)
	if e == nil || *field(e) >= most {
		return false
	}
	*field(e)++
	return true
}

func (c *clients) less(a netip.Addr, field func(*client) *int) {
	p := c.part(a)
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.table[a]; e != nil { // it stays while anything of it is open
		*field(e)--
	}
}

// get finds or makes the account of an address; nil when the part is full of
// clients that are busy.
func (p *clientPart) get(a netip.Addr, now time.Duration) *client {
	e := p.table[a]
	if e == nil {
		if len(p.table) >= clientsPerPart && !p.forget(now) {
			return nil
		}
		e = &client{}
		p.table[a] = e
	}
	e.seen = now
	return e
}

// forget drops those that have not been heard of for a while, and failing that
// the one that was silent longest and has nothing open.
func (p *clientPart) forget(now time.Duration) bool {
	var oldest netip.Addr
	silent := time.Duration(-1)
	for a, e := range p.table {
		if e.open > 0 || e.conns > 0 {
			continue
		}
		if now-e.seen > forgotten {
			delete(p.table, a)
			continue
		}
		if now-e.seen > silent {
			oldest, silent = a, now-e.seen
		}
	}
	if len(p.table) < clientsPerPart {
		return true
	}
	if silent < 0 {
		return false
	}
	delete(p.table, oldest)
	return true
}
