package fact

import (
	"slices"
	"time"

	"assay/internal/assess/event"
)

// cachePart keeps how often a name is asked again although its answer still
// holds.
type cachePart struct {
	sets    map[cacheKey]*cached
	windows Because // answers that lived long enough to be measured
	ended   []time.Time
	worst   int // most questions for one name within one lifetime
	worstOf cacheKey
	worstBy Because
	busiest int // most questions for one name within a minute
	busyBy  Because
}

type cacheKey struct {
	name  string
	qtype uint16
}

// cached is the last answer for one name and type.
type cached struct {
	until  time.Time // end of its lifetime, less what prefetching may take
	asks   int       // the question it answers and those since
	minute time.Time // when the minute being counted began
	count  int
	by     Because
}

const (
	cacheLimit = 512
	// shortest is the least TTL that is measured.
	shortest = 10 * time.Second
	// windowLimit is how many lifetimes are remembered.
	windowLimit = 256
)

func (p *cachePart) question(ev *sighting, b event.DNSAsked) {
	c := p.set(cacheKey{b.Name, b.Type})
	if c == nil {
		return
	}
	p.countMinute(ev, c)
	if !ev.At.Before(c.until) {
		return
	}
	c.asks++
	c.by.See(ev)
	if c.asks > p.worst {
		p.worst, p.worstOf, p.worstBy = c.asks, cacheKey{b.Name, b.Type}, Because{}
		p.worstBy.Join(c.by)
	}
}

func (p *cachePart) countMinute(ev *sighting, c *cached) {
	if ev.At.Sub(c.minute) >= time.Minute {
		c.minute, c.count = ev.At, 0
	}
	c.count++
	if c.count > p.busiest {
		p.busiest = c.count
		p.busyBy = Because{}
		p.busyBy.See(ev)
	}
}

func (p *cachePart) set(k cacheKey) *cached {
	c := p.sets[k]
	if c == nil && len(p.sets) < cacheLimit {
		if p.sets == nil {
			p.sets = map[cacheKey]*cached{}
		}
		c = &cached{}
		p.sets[k] = c
	}
	return c
}

func (p *cachePart) answer(ev *sighting, b event.DNSAnswered) {
	c := p.sets[cacheKey{b.Name, b.Type}]
	ttl := leastTTL(b)
	if c == nil || b.Question == 0 || ttl < shortest || ev.At.Before(c.until) {
		return
	}
	// A cache may ask anew in the last tenth of a lifetime.
	c.until = ev.At.Add(ttl - ttl/10)
	c.asks, c.by = 1, Because{}
	c.by.See(ev)
	p.windows.See(ev)
	if len(p.ended) < windowLimit {
		p.ended = append(p.ended, c.until)
	}
	p.worst = max(p.worst, 1)
}

// restart forgets what the device had in its cache: it starts afresh, and may ask
// anew. Lifetimes that were cut so are not measured.
func (p *cachePart) restart(at time.Time) {
	p.sets = nil
	p.ended = slices.DeleteFunc(p.ended, func(end time.Time) bool { return end.After(at) })
}

// leastTTL is the shortest lifetime in an answer, zero for an empty one.
func leastTTL(b event.DNSAnswered) time.Duration {
	if b.RCode != rcodeNoError || len(b.Records) == 0 {
		return 0
	}
	least := b.Records[0].TTL
	for _, r := range b.Records {
		least = min(least, r.TTL)
	}
	return time.Duration(least) * time.Second
}

func (p *cachePart) state(w *world, out *Sheet) {
	whole := 0
	for _, end := range p.ended {
		whole += one(!end.After(w.now))
	}
	out.Int("dns.cache_windows", whole, p.windows)
	if p.windows.Seen() > 0 {
		b := p.worstBy
		if p.worst <= 1 {
			b = p.windows
		}
		out.Int("dns.asks_per_ttl", p.worst, b)
		out.Text("dns.asks_per_ttl_name", shownName(p.worstOf.name), b)
	}
	out.Int("dns.asks_per_minute", p.busiest, p.busyBy)
}
