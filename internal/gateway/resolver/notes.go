package resolver

import (
	"encoding/json"
	"maps"
	"net/netip"
	"sync"
	"time"

	"assay/internal/assess/evidence"
)

// noteEvery is the least time between two notes of the same kind and reason.
const noteEvery = 10 * time.Second

// maxReasons bounds the reasons that are told apart. They are all written in
// this package and package upstream; the bound is a safeguard.
const maxReasons = 64

// notes tells the evidence log what the resolver did, a flood of the same as
// one note with a count.
type notes struct {
	write func(evidence.Note)
	clock func() time.Duration
	mu    sync.Mutex
	told  map[string]*told
	total map[string]uint64
}

type told struct {
	at      time.Duration
	pending uint64
}

func (n *notes) init(write func(evidence.Note), clock func() time.Duration) {
	n.write, n.clock = write, clock
	n.told, n.total = map[string]*told{}, map[string]uint64{}
}

// due counts an occurrence and gives how many a note should speak of, 0 for no
// note now.
func (n *notes) due(reason string) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.told[reason]
	if t == nil {
		if len(n.told) >= maxReasons {
			return 0
		}
		t = &told{at: -noteEvery}
		n.told[reason] = t
	}
	t.pending++
	now := n.clock()
	if t.at >= 0 && now-t.at < noteEvery {
		return 0
	}
	count := t.pending
	t.at, t.pending = now, 0
	return count
}

func (n *notes) totals() map[string]uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.total)
}

// refusedNote is the body of a "refused" note: what was turned away, who sent
// the last of them, and how many since the note before.
type refusedNote struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	From   string `json:"from,omitempty"`
	Count  uint64 `json:"count"`
}

func (n *notes) refused(reason string, from netip.AddrPort) {
	n.mu.Lock()
	if len(n.total) < maxReasons {
		n.total[reason]++
	}
	n.mu.Unlock()
	count := n.due(reason)
	if count == 0 {
		return
	}
	body := refusedNote{By: "resolver", Reason: reason, Count: count}
	if from.IsValid() {
		body.From = from.String()
	}
	n.tell("refused", body)
}

// localNote is the body of a "resolver" note on a name answered on the spot.
type localNote struct {
	Local string `json:"local"`
	Count uint64 `json:"count"`
}

func (n *notes) local(why string) {
	if count := n.due("answered on the spot: " + why); count > 0 {
		n.tell("resolver", localNote{Local: why, Count: count})
	}
}

func (n *notes) tell(kind string, body any) {
	b, err := json.Marshal(body)
	if err != nil { // the bodies are plain structs
		return
	}
	n.write(evidence.Note{Kind: kind, Body: b})
}
