package fault

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/resolver"
)

// Config is what a Conductor is made of. Serves and Lookup are needed in practice.
type Config struct {
	// Note takes the notes of rounds and answers. It is called before the answer
	// leaves and must not wait long. May be nil.
	Note func(evidence.Note)
	Now  func() time.Time // time.Now when nil; for the times of signatures
	// Seed gives the random order of Plan.
	Seed uint64
	// Serves says which clients are the device under test. Others get what they would
	// get without a Conductor. nil: every client is.
	Serves func(netip.Addr) bool
	// Lookup is the box's own validated answer, as resolver.Lookup. It is asked for
	// the state of answers that a device wanted unchecked (CD), and for the zone cut
	// of dsdenial. Without it such answers are not attacked.
	Lookup func(ctx context.Context, name string, qtype uint16) resolver.Answer
	// Send puts a packet on the LAN as it is told, for the arm stray. nil: that arm
	// is not run.
	Send func(ctx context.Context, p Packet) error
	// Canaries are the sinkhole's networks, at most one of each family: what a device
	// sends there ends in the box.
	Canaries []netip.Prefix
	// After is the number of the last pair there was before, by another Conductor.
	After int
	// Patience is how long Run waits for the device to ask for the attacked name;
	// 3 minutes when 0.
	Patience time.Duration
}

// Packet is one UDP packet to send, from an address that need not be the box's.
type Packet struct {
	From, To netip.AddrPort
	Payload  []byte
}

const (
	// servedTTL is how long, in seconds, an answer lives that the device is given
	// during the experiments, so that it asks again soon.
	servedTTL       = 30
	defaultPatience = 3 * time.Minute
	// noteLimit is how many answers of one round are noted. More are changed all the
	// same; they do not count.
	noteLimit = 2048
	// aliasLimit is how many aliases of a name are attacked with it.
	aliasLimit = 16
)

// Conductor makes the faults of one device's DNS. It starts no goroutine.
type Conductor struct {
	cfg  Config
	keys keyring
	seen memory

	mu      sync.Mutex
	round   *running // nil between rounds
	engaged bool     // since the first round, until Finish
	pairs   int      // planned so far
	counts  Counts
}

// Counts is what a Conductor has done.
type Counts struct {
	Rounds  uint64
	Changed uint64 // answers that were changed
	Kept    uint64 // answers of attacked names that could not be changed
	Control uint64 // genuine answers noted as controls
	Unnoted uint64 // answers beyond what is noted of one round
	Failed  uint64 // stray packets that could not be sent
}

// New makes a Conductor, with no round under way.
func New(cfg Config) *Conductor {
	if cfg.Note == nil {
		cfg.Note = func(evidence.Note) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Serves == nil {
		cfg.Serves = func(netip.Addr) bool { return true }
	}
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatience
	}
	c := &Conductor{cfg: cfg, pairs: cfg.After}
	c.seen.now = cfg.Now
	return c
}

// Fault is what to give to resolver.SetFault. From then on the Conductor learns
// which names the device asks for; answers change only within rounds, but for the
// TTLs, see Begin.
func (c *Conductor) Fault() *resolver.Fault {
	return &resolver.Fault{Applies: c.applies, Change: c.change}
}

// Counts tells what was done so far.
func (c *Conductor) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// applies chooses address questions, from which the names are learned, and in the
// time of the experiments every question.
func (c *Conductor) applies(_ string, qtype uint16) bool {
	if isAddress(qtype) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.engaged
}

// isAddress says which types tell a client where to connect.
func isAddress(qtype uint16) bool {
	return qtype == dns.TypeA || qtype == dns.TypeAAAA || qtype == dns.TypeHTTPS
}

// change is resolver.Fault.Change.
func (c *Conductor) change(ctx context.Context, asked resolver.Asked, genuine *dns.Msg) *dns.Msg {
	if !c.cfg.Serves(asked.Client.Addr().Unmap()) {
		return genuine
	}
	asked.Status = c.state(ctx, asked)
	c.seen.learn(asked, genuine)
	c.mu.Lock()
	r, engaged := c.round, c.engaged
	c.mu.Unlock()
	switch {
	case r != nil:
		return c.within(ctx, r, asked, genuine)
	case engaged:
		shorten(genuine)
	}
	return genuine
}

// state is what is known of the genuine answer, found out where the client asked for
// it unchecked.
func (c *Conductor) state(ctx context.Context, asked resolver.Asked) resolver.Status {
	if asked.Status != resolver.Unchecked || c.cfg.Lookup == nil {
		return asked.Status
	}
	return c.cfg.Lookup(ctx, asked.Name, asked.Type).Status
}

// shorten brings TTLs down to servedTTL. A TTL below that of the signature is as
// well signed (RFC 4035 section 5.3.3).
func shorten(m *dns.Msg) {
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				rr.Header().Ttl = min(rr.Header().Ttl, servedTTL)
			}
		}
	}
}
