package fact

import (
	"encoding/json"
	"net/netip"
	"time"

	"assay/internal/assess/event"
)

// faultPart knows which answers the box damaged on purpose, so that what follows from
// them is not held against the device, the network or the resolver.
type faultPart struct {
	notes    map[pairKey]bool // of the round under way; true: the answer was changed
	canaries map[netip.Addr]bool
	names    map[string]bool // attacked in the round under way, with aliases
	own      map[string]bool // of these, the names that the box made up
	under    bool            // a round is under way, or has just ended
	attack   bool            // and its arm is a fault
	path     bool            // and it is in answers that other names need as well
	// since is when a name was last attacked: what the device does shortly afterwards
	// may still come of it.
	since map[string]time.Time
}

// canaryLimit bounds the addresses of the sinkhole that are remembered.
const canaryLimit = 1024

func (p *faultPart) see(w *world, ev *sighting, b event.NoteSeen) {
	switch b.Kind {
	case event.NoteArm:
		var n event.ArmNote
		if json.Unmarshal(b.JSON, &n) == nil && len(n.Names) > 0 {
			p.seeArm(ev, n)
		}
	case event.NoteFaulted:
		var n event.FaultedNote
		if json.Unmarshal(b.JSON, &n) != nil {
			return
		}
		if _, own := w.addrs[n.Client.Addr().Unmap()]; own {
			p.seeFaulted(ev, n)
		}
	case event.NoteStep:
		var n event.StepNote
		if json.Unmarshal(b.JSON, &n) == nil && n.Phase != event.Begun {
			p.under = false
		}
	}
}

func (p *faultPart) seeArm(ev *sighting, n event.ArmNote) {
	switch n.Phase {
	case event.Begun:
		*p = faultPart{
			notes: map[pairKey]bool{}, names: map[string]bool{}, own: map[string]bool{}, under: true,
			attack: n.Arm != event.ArmControl, canaries: p.canaries, since: p.since,
		}
		for i, name := range n.Names[:min(len(n.Names), listLimit)] {
			p.names[name] = true
			p.own[name] = i > 0 && n.Arm == event.ArmChain
			p.mark(ev, name)
		}
	case event.Ended, event.Aborted:
		for name := range p.names {
			p.mark(ev, name)
		}
		p.attack = false
	case event.Skipped:
	}
}

// mark remembers that a name is attacked.
func (p *faultPart) mark(ev *sighting, name string) {
	if !p.attack {
		return
	}
	if p.since == nil {
		p.since = map[string]time.Time{}
	}
	if _, known := p.since[name]; known || len(p.since) < nameLimit {
		p.since[name] = ev.At
	}
}

func (p *faultPart) seeFaulted(ev *sighting, n event.FaultedNote) {
	if n.Arm == event.ArmControl || !p.under {
		return
	}
	if p.canaries == nil {
		p.canaries = map[netip.Addr]bool{}
	}
	if n.Canary.IsValid() && len(p.canaries) < canaryLimit {
		p.canaries[n.Canary.Unmap()] = true
	}
	if len(p.notes) < pairNoteLimit {
		p.notes[pairKey{unmapped(n.Client), n.ID, n.Name, n.Type}] = !n.Unchanged
	}
	p.path = p.path || n.Arm == event.ArmStripped && !n.Unchanged && !tellsAddress(n.Type)
	p.mark(ev, n.Name)
}

// struck says that a fault is in what the device is told about a name right now.
func (p *faultPart) struck(name string) bool { return p.attack && (p.path || p.names[name]) }

// changed says that the box changed an answer.
func (p *faultPart) changed(ev *sighting, b event.DNSAnswered) bool {
	return p.notes[pairKey{unmapped(ev.Client), b.ID, b.Name, b.Type}]
}

// isStray recognises a message that the box sent beside an answer.
func (p *faultPart) isStray(b event.DNSAnswered) bool {
	for _, r := range b.Records {
		if r.Addr.IsValid() && p.canaries[r.Addr.Unmap()] {
			return true
		}
	}
	return false
}

// attacked says that what the device asks about a name may come of an attack on it.
func (p *faultPart) attacked(name string, at time.Time) bool {
	if p.struck(name) {
		return true
	}
	since, was := p.since[name]
	return was && at.Sub(since) <= excuse
}
