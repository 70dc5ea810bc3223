package login

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Outcome is how an attempt ended.
type Outcome string

// The outcomes. Accepted is only said with proof: a page, a prompt or an answer that
// the service did not give without the password.
const (
	Accepted Outcome = "accepted"
	Refused  Outcome = "refused" // the service said no
	Locked   Outcome = "locked"  // it allows no more attempts: 423, 429, "too many"
	Unclear  Outcome = "unclear" // the answer is neither
	Silent   Outcome = "silent"  // no answer in time
	Failed   Outcome = "failed"  // the connection was refused, reset or broke
)

// Answer is what came of one attempt.
type Answer struct {
	Outcome Outcome
	Why     string        // what showed it, in words; it may quote the device, never the password
	Took    time.Duration // from the password to the answer
	// Open says that the service let the box in before any password was given.
	Open bool
}

// Dial connects to the device.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Client knows one protocol.
type Client interface {
	// Ask finds out how the service asks for a password, without one: "basic",
	// "digest", "form", "prompt", "protocol" or "none"; Answer.Open when it opens
	// without, in which case Why says what was open.
	Ask(ctx context.Context, dial Dial, to netip.AddrPort) (how string, a Answer)
	// Try makes one attempt.
	Try(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer
}
