package door

import (
	"net/netip"
	"sync"
	"time"
)

// The bounds of wrong tries: from one place, and from all together, within a minute.
// A place that used its tries up waits, and twice as long each time it does so again.
const (
	triesMost   = 5
	allTries    = 50
	triesWindow = time.Minute
	waitMost    = 16 * time.Minute
	forget      = time.Hour // after which a place is as good as new
	placesMost  = 1024
)

// tries counts wrong keys.
type tries struct {
	mu    sync.Mutex
	by    map[netip.Prefix]try
	all   int
	since time.Time // when the minute of all began
}

// try is what a place did.
type try struct {
	wrong int
	since time.Time     // when its minute began
	until time.Time     // before which it is not heard
	next  time.Duration // how long it waits the next time
}

// take takes one try of a place, or says how long it has to wait for one. The try is
// counted before its key is looked at, so that many at the same moment are no more
// than one after the other; right gives it back.
func (t *tries) take(from netip.Prefix, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.since).Abs() >= triesWindow { // either way: a clock that is set back locks nobody out
		t.since, t.all = now, 0
	}
	if t.all >= allTries {
		return triesWindow - now.Sub(t.since)
	}
	v := t.by[from].at(now)
	if left := v.until.Sub(now); left > 0 {
		return left
	}
	t.all++
	v.wrong++
	if v.wrong == triesMost {
		v.wrong, v.until, v.next = 0, now.Add(v.next), min(2*v.next, waitMost)
	}
	if _, known := t.by[from]; !known && len(t.by) >= placesMost {
		t.forgetOldest()
	}
	t.by[from] = v
	return 0
}

// at is what counts of a place at a time.
func (v try) at(now time.Time) try {
	switch gone := now.Sub(v.since).Abs(); {
	case gone >= forget:
		return try{since: now, next: triesWindow}
	case gone >= triesWindow && !now.Before(v.until):
		v.wrong, v.since = 0, now
	}
	return v
}

// forgetOldest makes room for a place; the lock is held. The bound on all together
// does not depend on what is forgotten.
func (t *tries) forgetOldest() {
	var oldest netip.Prefix
	first := true
	for p, v := range t.by {
		if first || v.since.Before(t.by[oldest].since) {
			oldest, first = p, false
		}
	}
	delete(t.by, oldest)
}

// right gives the try of a place back that held the key, and forgives the former ones.
func (t *tries) right(from netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = max(0, t.all-1)
	delete(t.by, from)
}
