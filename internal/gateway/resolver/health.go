package resolver

import (
	"context"
	"sync"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/upstream"
)

// How often the upstreams are looked at: seldom while all is well.
const (
	checkWell = 5 * time.Minute
	checkIll  = 15 * time.Second
)

// States of Health, as they stand in notes.
const (
	StateStarting  = "not asked yet"
	StateWell      = "validating"
	StateNone      = "no upstream is known"
	StateSilent    = "no upstream answers"
	StateNoDNSSEC  = "upstream gives no DNSSEC data"
	StateUntrusted = "the root's keys do not validate"
)

// Health is whether the resolver can do its work.
type Health struct {
	State      string // one of the State constants
	Validating bool   // the root's keys, as the upstreams give them, lead to a trust anchor
	Why        string // of StateUntrusted
	Upstreams  []upstream.State
}

type healthState struct {
	mu      sync.Mutex
	now     Health
	unaided bool // no upstream gives DNSSEC data
	wakeup  chan struct{}
}

func (h *healthState) init() {
	h.now.State = StateStarting
	h.wakeup = make(chan struct{}, 1)
}

// wake asks for a look at the upstreams now.
func (h *healthState) wake() {
	select {
	case h.wakeup <- struct{}{}:
	default:
	}
}

// blind says whether it is known that nothing can be validated, because no
// upstream gives DNSSEC data.
func (h *healthState) blind() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unaided
}

// Health is the state at the last look, and what the upstreams did since.
func (r *Resolver) Health() Health {
	r.health.mu.Lock()
	h := r.health.now
	r.health.mu.Unlock()
	h.Upstreams = r.pool.Servers()
	if h.State == StateWell && judgeUpstreams(h.Upstreams) == StateSilent {
		h.State, h.Validating = StateSilent, false
	}
	return h
}

// Check looks at the upstreams now: whether they answer, whether they hand on
// signatures, and whether the root's keys validate.
func (r *Resolver) Check(ctx context.Context) Health {
	states := r.pool.Probe(ctx)
	h := Health{State: judgeUpstreams(states)}
	r.health.mu.Lock()
	before := r.health.now.State
	r.health.unaided = h.State == StateNoDNSSEC
	r.health.mu.Unlock()
	if h.State == StateWell {
		if before != StateWell && before != StateStarting {
			r.Flush() // failures, and what was passed on unvalidated
		}
		a := r.Lookup(ctx, ".", dns.TypeDNSKEY)
		h.Validating = a.Status == Secure
		if !h.Validating {
			h.State, h.Why = StateUntrusted, a.Why
		}
	}
	r.health.mu.Lock()
	r.health.now = h
	r.health.mu.Unlock()
	h.Upstreams = states
	if h.State != before && ctx.Err() == nil {
		r.changedTo(h)
	}
	return h
}

// suspect asks for a look at the upstreams if none of them answers any more and
// nobody has noticed yet.
func (r *Resolver) suspect() {
	r.health.mu.Lock()
	well := r.health.now.State == StateWell
	r.health.mu.Unlock()
	if well && judgeUpstreams(r.pool.Servers()) == StateSilent {
		r.health.wake()
	}
}

// judgeUpstreams tells what can be expected of the upstreams together.
func judgeUpstreams(states []upstream.State) string {
	answers, signs := false, false
	for _, s := range states {
		answers = answers || s.Answers
		signs = signs || s.Answers && s.DNSSEC == upstream.Yes
	}
	switch {
	case len(states) == 0:
		return StateNone
	case !answers:
		return StateSilent
	case !signs:
		return StateNoDNSSEC
	}
	return StateWell
}

// stateNote is the body of a "resolver" note on the upstreams.
type stateNote struct {
	State     string         `json:"state"`
	Why       string         `json:"why,omitempty"`
	Upstreams []upstreamNote `json:"upstreams"`
}

type upstreamNote struct {
	Server  string `json:"server"`
	Answers bool   `json:"answers"`
	DNSSEC  string `json:"dnssec"`
	Error   string `json:"error,omitempty"`
}

func (r *Resolver) changedTo(h Health) {
	n := stateNote{State: h.State, Why: h.Why, Upstreams: []upstreamNote{}}
	for _, s := range h.Upstreams {
		n.Upstreams = append(n.Upstreams, upstreamNote{Server: s.Server.String(), Answers: s.Answers, DNSSEC: s.DNSSEC.String(), Error: s.Error})
	}
	r.notes.tell("resolver", n)
}

// watch looks at the upstreams again and again, at once when they were changed.
func (r *Resolver) watch(ctx context.Context) error {
	for {
		every := checkWell
		if h := r.Check(ctx); h.State != StateWell {
			every = checkIll
		}
		t := time.NewTimer(every)
		select {
		case <-t.C:
		case <-r.health.wakeup:
			t.Stop()
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}
