package fact

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"assay/internal/assess/event"
)

func renumberSchema() []Decl {
	return []Decl{
		{"renumber.plans", List, "address plans that the box gave the network in the place of the usual one, and that its packets show: by a lease, an advertisement, or a refusal of a former lease"},
		{"renumber.worked", List, "of these, plans in which the device exchanged data with the internet from an address of the plan, without a restart"},
		{"renumber.worked_restarted", List, "of these, plans in which it did so only after it was made to start afresh"},
		{"renumber.never", List, "of these, plans in which it did not, though it was made to start afresh"},
		{"renumber.unsettled", List, "of these, plans in which it did not, and was not made to start afresh"},
		{"renumber.before", Int, "conversations with data of the device with the internet before the first of these plans"},
		{"renumber.after", Int, "the same, after the last of them"},
		{"renumber.stuck", List, "addresses of the device outside of the plan from which it sent packets while one of renumber.never was offered"},
	}
}

// Limits of what is kept.
const (
	addressPlanLimit = 16
	movedFlowLimit   = 1024
	stuckLimit       = 16
)

// renumberLens compares what a host does in networks of other addresses.
type renumberLens struct {
	plans         []*addressPlan
	now           *addressPlan                  // nil in the usual network
	flows         map[event.FlowID]*addressPlan // open conversations, with the plan in which they began
	before, after Because
}

// addressPlan is one of them.
type addressPlan struct {
	note          event.RenumberNote
	shown, data   Because
	restarted     Because
	dataRestarted bool // the first data came after it was made to start afresh
	stuck         map[netip.Addr]bool
	because       Because
}

func (*renumberLens) wants() wanted {
	return wanted{
		Actor:     {event.NoteSeen{}, event.FlowStarted{}, event.FlowEnded{}, event.DHCP4{}},
		Other:     {event.NoteSeen{}, event.RouterAdvertised{}, event.DHCP4{}},
		Bystander: {event.NoteSeen{}, event.RouterAdvertised{}, event.DHCP4{}},
	}
}

func (l *renumberLens) see(w *world, ev *sighting, role Role) {
	switch b := ev.Body.(type) {
	case event.NoteSeen:
		l.seeNote(ev, b)
	case event.RouterAdvertised:
		if role != Actor && l.now != nil && slices.ContainsFunc(b.Prefixes, func(p event.AdvertisedPrefix) bool { return p.Prefix == l.now.note.IPv6 && p.Valid > 0 }) {
			l.now.shown.See(ev)
		}
	case event.DHCP4:
		l.seeServer(ev, b)
	case event.FlowStarted:
		l.seeStarted(w, ev, role)
	case event.FlowEnded:
		l.seeEnded(ev, b, role)
	}
}

func (l *renumberLens) seeNote(ev *sighting, b event.NoteSeen) {
	var n event.RenumberNote
	if b.Kind != event.NoteRenumber || json.Unmarshal(b.JSON, &n) != nil {
		return
	}
	switch {
	case n.Phase == event.Begun && n.IPv4.IsValid() && len(l.plans) < addressPlanLimit:
		l.now = &addressPlan{note: n}
		l.now.because.See(ev)
		l.plans = append(l.plans, l.now)
		l.after = Because{}
	case n.Phase == event.Ended:
		l.now = nil
	case n.Phase == "" && l.now != nil && slices.Contains([]string{"relay", "link", "operator"}, n.Fresh):
		l.now.restarted.See(ev)
	}
}

// seeServer takes what shows that the plan is really there: an address of it that is
// lent, or a no to one that is not of it.
func (l *renumberLens) seeServer(ev *sighting, b event.DHCP4) {
	const nak = 6
	if l.now == nil || !b.FromServer {
		return
	}
	if l.now.note.IPv4.Contains(b.YourAddr) || b.Type == nak {
		l.now.shown.See(ev)
	}
}

func (l *renumberLens) seeStarted(w *world, ev *sighting, role Role) {
	if role != Actor || w.scope(ev.Server.Addr().Unmap()) != ScopeInternet || isNetworkPort(ev.Server.Port()) {
		return
	}
	if p := l.now; p != nil && !p.holds(ev.Client.Addr().Unmap()) {
		keep(&p.stuck, ev.Client.Addr().Unmap(), true, stuckLimit)
		return
	}
	if len(l.flows) >= movedFlowLimit {
		return
	}
	if l.flows == nil {
		l.flows = map[event.FlowID]*addressPlan{}
	}
	l.flows[ev.Flow] = l.now
}

func (p *addressPlan) holds(a netip.Addr) bool {
	return p.note.IPv4.Contains(a) || p.note.IPv6.IsValid() && p.note.IPv6.Contains(a)
}

func (l *renumberLens) seeEnded(ev *sighting, b event.FlowEnded, role Role) {
	p, known := l.flows[ev.Flow]
	delete(l.flows, ev.Flow)
	if !known || role != Actor || min(b.Client.Bytes, b.Server.Bytes) == 0 {
		return
	}
	switch {
	case p != nil:
		p.dataRestarted = p.dataRestarted || p.data.Seen() == 0 && p.restarted.Seen() > 0
		p.data.See(ev)
	case len(l.plans) == 0:
		l.before.See(ev)
	default:
		l.after.See(ev)
	}
}

func (l *renumberLens) state(_ *world, out *Sheet) {
	if len(l.plans) == 0 {
		return
	}
	var names [5][]string
	var why [5]Because
	var stuck []string
	var stuckWhy Because
	for _, p := range l.plans {
		if p.shown.Seen() == 0 && p.data.Seen() == 0 {
			continue // nobody can tell whether it was there
		}
		kind := p.kind()
		for _, k := range []int{0, kind} {
			names[k] = append(names[k], p.String())
			why[k].Join(p.shown)
			why[k].Join(p.data)
			why[k].Join(p.restarted)
		}
		if kind == 3 {
			for a := range p.stuck {
				stuck = append(stuck, a.String())
				stuckWhy.Join(p.because)
			}
		}
	}
	for i, key := range []string{"plans", "worked", "worked_restarted", "never", "unsettled"} {
		out.List("renumber."+key, names[i], why[i])
	}
	out.List("renumber.stuck", sortedUnique(stuck), stuckWhy)
	out.Int("renumber.before", l.before.Seen(), l.before)
	out.Int("renumber.after", l.after.Seen(), l.after)
}

// kind is the place of the plan's list among those that are stated.
func (p *addressPlan) kind() int {
	switch {
	case p.data.Seen() > 0 && !p.dataRestarted:
		return 1
	case p.data.Seen() > 0:
		return 2
	case p.restarted.Seen() > 0:
		return 3
	default:
		return 4
	}
}

// String is the plan as people read it.
func (p *addressPlan) String() string {
	if p.note.MTU > 0 {
		return fmt.Sprintf("%s with an MTU of %d", p.note.IPv4, p.note.MTU)
	}
	return p.note.IPv4.String()
}
