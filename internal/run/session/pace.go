package session

import "time"

// Provisional reports come soon after the first events, for somebody looks at the
// lamps, and less often as the log grows and a report costs more.
const (
	firstPace = 2 * time.Second
	slowest   = 30 * time.Second
	slowdown  = 1.25 // each report that changed something delays the next
)

// pace says when the next provisional report is due.
type pace struct {
	changed bool // something was taken since the last report
	next    time.Time
	gap     time.Duration
}

func (p *pace) due(now time.Time) bool { return p.changed && !now.Before(p.next) }

func (p *pace) graded(now time.Time) {
	p.gap = min(max(firstPace, time.Duration(float64(p.gap)*slowdown)), slowest)
	p.changed, p.next = false, now.Add(p.gap)
}
