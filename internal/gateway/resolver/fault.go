package resolver

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/cache"
)

// Status is what is known of an answer's authenticity.
type Status = cache.Status

// The states of an answer, see package cache.
const (
	Unchecked     = cache.Unchecked
	Secure        = cache.Secure
	Insecure      = cache.Insecure
	Unvalidated   = cache.Unvalidated
	Indeterminate = cache.Indeterminate
	Bogus         = cache.Bogus
	Failed        = cache.Failed
)

// Fault changes chosen answers on their way to a client. It is the one place
// where an experiment touches the device's DNS: it comes after the cache and
// after the answer was shaped for the client, so that no change is ever kept
// or seen by another question. A Fault says nothing to the evidence log; who
// sets it notes what it does.
type Fault struct {
	// Applies chooses by name and type. It is called for every question, on the
	// path of cached answers: it must be quick and must not wait.
	Applies func(name string, qtype uint16) bool
	// Change gives the answer to send in place of genuine, which it may change
	// and return. nil means that the client gets no answer. It may wait: that
	// delays this answer alone.
	Change func(ctx context.Context, asked Asked, genuine *dns.Msg) *dns.Msg
}

// Asked is the question that a Fault is applied to.
type Asked struct {
	Client netip.AddrPort // zero for Ask
	// Server is where the question arrived: the box's own address also when the
	// client wrote to another one and was redirected. Zero where it is not known.
	Server netip.AddrPort
	Name   string // canonical: lower case, with the final dot
	Type   uint16
	Status Status // of the genuine answer; never attack what is Bogus already
	DO, CD bool
	TCP    bool
}

// SetFault puts a fault in place of the one before; nil takes it away. Answers
// that are being worked on may still see the former one.
func (r *Resolver) SetFault(f *Fault) { r.fault.Store(f) }
