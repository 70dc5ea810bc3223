package intercept

import (
	"slices"
	"sync"

	"assay/internal/assess/event"
)

// Wish is what a campaign tries.
type Wish struct {
	Cases    []string // event.Case*, in the order in which they are tried
	Attempts int      // of each case in a row, within one boot
	Boots    int      // in which each case is tried at least once
	Most     int      // flawed connections of one destination, then it is left alone; 400 when 0
	// Serves says which clients are the device under test; others pass. nil: all are.
	Serves func(Hello) bool
}

// Campaign is the order in which flaws are tried at each destination (a name or an
// address, and a port): an untouched connection that works, then each flaw so many
// times in a row, and at the end an untouched connection that works again. Flaws are
// tried in a row within one boot, because a device may switch its checks off after
// failures and back on when it starts; and again in further boots.
//
// It is a Policy. It starts no goroutine and knows no time.
type Campaign struct {
	wish Wish

	mu      sync.Mutex
	places  map[place]*front
	order   []place
	boot    int
	closing bool // only the last untouched connections are wanted
	changed chan struct{}
}

// placeLimit bounds the destinations of a campaign; further ones pass.
const placeLimit = 64

// usualMost is far beyond what a patient device needs for all flaws.
const usualMost = 400

// front is one destination.
type front struct {
	before, after bool // an untouched connection worked: before the first flaw, after the last
	flawed        int
	open          int // flawed connections that have not ended
	spared        bool
	cases         map[string]*trials
}

// trials is one flaw at one destination.
type trials struct {
	row, longest int // tries in a row within the present boot, and the longest such row
	boot, boots  int // the last boot it was tried in, and in how many
	failed       int // tries that came to nothing
	over         bool
}

// failLimit is how often a flaw may come to nothing before it is given up.
const failLimit = 3

// NewCampaign begins a campaign.
func NewCampaign(w Wish) *Campaign {
	w.Attempts, w.Boots = max(1, w.Attempts), max(1, w.Boots)
	if w.Most == 0 {
		w.Most = usualMost
	}
	return &Campaign{wish: w, places: map[place]*front{}, boot: 1, changed: make(chan struct{}, 1)}
}

// Boot tells that the device starts afresh: what is tried in a row begins anew.
func (c *Campaign) Boot() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boot++
	for _, f := range c.places {
		f.open = 0
		for _, t := range f.cases {
			t.row = 0
		}
	}
}

// Close ends the flaws: from now on every connection passes, and each destination
// needs one more that works.
func (c *Campaign) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
}

// Decide is Policy's.
func (c *Campaign) Decide(h Hello) Decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	pass := Decision{Case: event.CasePass}
	if c.wish.Serves != nil && !c.wish.Serves(h) {
		return pass
	}
	f := c.front(placeOf(h))
	if f == nil || !f.before || c.closing || f.spared {
		return pass
	}
	flaw, t := c.next(f)
	if t == nil {
		return pass
	}
	f.flawed++
	f.open++
	f.after = false
	if f.flawed >= c.wish.Most {
		f.spared = true
	}
	if t.boot != c.boot {
		t.boot, t.boots = c.boot, t.boots+1
	}
	t.row++
	t.longest = max(t.longest, t.row)
	return Decision{flaw, t.row}
}

// front finds or makes a destination; nil when there are too many.
func (c *Campaign) front(p place) *front {
	f := c.places[p]
	if f == nil && len(c.order) < placeLimit {
		f = &front{cases: map[string]*trials{}}
		for _, flaw := range c.wish.Cases {
			f.cases[flaw] = &trials{}
		}
		c.places[p] = f
		c.order = append(c.order, p)
	}
	return f
}

// next is the first flaw that is wanted at a destination in the present boot; nil
// when there is none.
func (c *Campaign) next(f *front) (string, *trials) {
	for _, flaw := range c.wish.Cases {
		if t := f.cases[flaw]; !c.served(flaw, t) {
			return flaw, t
		}
	}
	return "", nil
}

// swallowedRow is how many hellos in a row get no answer: the first, and the five that
// are compared with it.
const swallowedRow = 6

// rowFor is how often a flaw is tried in a row. What an old version comes to shows at
// once.
func (c *Campaign) rowFor(flaw string) int {
	switch flaw {
	case event.CaseTLS10, event.CaseTLS11:
		return min(2, c.wish.Attempts)
	case event.CaseSwallowed:
		return min(swallowedRow, c.wish.Attempts)
	}
	return c.wish.Attempts
}

// served says that a flaw needs no more tries in the present boot: it had its row
// now or earlier and was tried in this boot, or nothing more can be learned.
func (c *Campaign) served(flaw string, t *trials) bool {
	if t.over || t.row >= c.rowFor(flaw) {
		return true
	}
	enough := t.longest >= c.rowFor(flaw)
	return enough && (t.boot == c.boot || t.boots >= c.wish.Boots)
}

// done says that a flaw needs no more tries at all.
func (c *Campaign) done(flaw string, t *trials) bool {
	return t.over || t.longest >= c.rowFor(flaw) && t.boots >= c.wish.Boots
}

// Ended is Policy's. A flaw that was accepted, or that cannot be presented, is tried
// no more.
func (c *Campaign) Ended(h Hello, d Decision, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.places[placeOf(h)]
	if f == nil || c.wish.Serves != nil && !c.wish.Serves(h) {
		return
	}
	if d.Case == event.CasePass {
		c.passed(f, outcome)
	} else if t := f.cases[d.Case]; t != nil {
		f.open = max(0, f.open-1)
		t.ended(outcome)
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (t *trials) ended(outcome string) {
	switch outcome {
	case event.InterceptAccepted:
		t.over = true
	case event.InterceptBroken, event.InterceptNoHello:
		t.failed++
		t.row = max(0, t.row-1)
		t.over = t.over || t.failed >= failLimit
	}
}

func (c *Campaign) passed(f *front, outcome string) {
	switch {
	case outcome != event.InterceptPassed:
	case f.flawed == 0:
		f.before = true
	case f.open == 0:
		f.after = true
	}
}

// Changed has something whenever a connection has ended.
func (c *Campaign) Changed() <-chan struct{} { return c.changed }

// Standing is how far a campaign is.
type Standing struct {
	Places int // destinations
	Tried  int // of these, where a flaw was presented
	Tries  int // flawed connections
	Wanted int // flaws still wanted, over all destinations
	Here   int // of these, in the present boot
	Open   int // flawed connections that have not ended: the device should not be disturbed
	Spared int // destinations left alone because they came back too often
	// Controls are the destinations that were tried and have not worked untouched
	// since.
	Controls int
}

// Standing tells how far the campaign is.
func (c *Campaign) Standing() Standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	var s Standing
	for _, p := range slices.Clone(c.order) {
		f := c.places[p]
		s.Places++
		s.Tries += f.flawed
		s.Open += f.open
		if f.flawed > 0 {
			s.Tried++
		}
		if f.flawed > 0 && !f.after {
			s.Controls++
		}
		if f.spared {
			s.Spared++
			continue
		}
		for flaw, t := range f.cases {
			if !c.done(flaw, t) {
				s.Wanted++
			}
			if !c.served(flaw, t) {
				s.Here++
			}
		}
	}
	return s
}
