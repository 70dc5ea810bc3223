package fact

import (
	"slices"
	"time"

	"assay/internal/assess/event"
)

// brokenWait is how long a device may take to turn to IPv4 before it counts as not
// having done so at all.
const brokenWait = 30 * time.Second

// broken follows how a host turns to IPv4 where IPv6 is offered and leads nowhere.
type broken struct {
	tried, fell, stuck Because
	stuckNames         []string
	open               map[string]*attempt // names tried over IPv6 and not yet over IPv4
	fastest, slowest   time.Duration
}

// attempt is a name that was tried over IPv6.
type attempt struct {
	at    time.Time
	first *event.Event
	has4  *stayName
}

// seeStarted takes a conversation with a name in such a network.
func (l *broken) seeStarted(ev *sighting, name string, v6 bool, n *stayName) {
	if name == "" || n == nil {
		return
	}
	a := l.open[name]
	switch {
	case v6 && a == nil && len(l.open) < stayNameLimit:
		l.tried.See(ev)
		if l.open == nil {
			l.open = map[string]*attempt{}
		}
		l.open[name] = &attempt{at: ev.At, first: ev.keep(), has4: n}
	case !v6 && a != nil:
		l.fallen(ev, ev.At.Sub(a.at))
		delete(l.open, name)
	}
}

func (l *broken) fallen(ev *sighting, after time.Duration) {
	if l.fell.Seen() == 0 || after < l.fastest {
		l.fastest = after
	}
	l.slowest = max(l.slowest, after)
	l.fell.See(ev)
}

// leave ends the time in the network: what was tried long before and had an IPv4
// address to turn to was never turned to it.
func (l *broken) leave(at time.Time) {
	names, why := l.left(at)
	for _, n := range names {
		if len(l.stuckNames) < RefLimit && !slices.Contains(l.stuckNames, n) {
			l.stuckNames = append(l.stuckNames, n)
		}
	}
	l.stuck.Join(why)
	l.open = nil
}

// left lists the names that were tried over IPv6 and would by now have been tried
// over IPv4. Without an IPv4 address there was nothing to turn to; a device that
// did not ask for one had chosen not to.
func (l *broken) left(now time.Time) ([]string, Because) {
	var names []string
	var why Because
	for name, a := range l.open {
		if now.Sub(a.at) > brokenWait && (a.has4.has4 || !a.has4.a) {
			names = append(names, event.Clean(name))
		}
	}
	slices.Sort(names)
	for _, name := range sortedKeys(l.open) {
		if a := l.open[name]; now.Sub(a.at) > brokenWait && (a.has4.has4 || !a.has4.a) {
			why.Add(a.first)
		}
	}
	return names, why
}

// sortedKeys lists the names of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
