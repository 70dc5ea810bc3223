package validate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// Validator validates answers. It is safe for concurrent use and starts no
// goroutine.
type Validator struct {
	anchors   anchorSet
	negatives map[string]bool // canonical names
	now       func() time.Time
	limits    Limits
	source    Source
	cuts      *nodeCache
	counters  counters
}

// New builds a validator. It fails when the Source is missing or an anchor
// cannot be used.
func New(o Options) (*Validator, error) {
	if o.Source == nil {
		return nil, errors.New("cannot validate without a source of DS and DNSKEY records: set Options.Source")
	}
	anchors, err := newAnchors(o.Anchors)
	if err != nil {
		return nil, err
	}
	limits := o.Limits.withDefaults()
	v := &Validator{
		anchors: anchors, negatives: map[string]bool{}, now: o.Now,
		limits: limits, source: o.Source, cuts: newNodeCache(limits.Cuts),
	}
	if v.now == nil {
		v.now = time.Now
	}
	for _, name := range o.NegativeAnchors {
		v.negatives[dns.CanonicalName(name)] = true
	}
	return v, nil
}

// Validate tells the status of an answer to q: the complete message of the
// upstream, asked with DO and CD, with its chain of CNAMEs. The message is only
// read. The verdict is about the answer and authority sections; the additional
// section is never validated.
func (v *Validator) Validate(ctx context.Context, q dns.Question, answer *dns.Msg) Verdict {
	s := &session{v: v, ctx: ctx, now: v.now(), nodes: map[string]node{}, used: map[*rrset]bool{}}
	p := s.judge(q, answer)
	if s.exhausted() {
		p = s.overrun()
	}
	verdict := s.verdict(p, answer)
	v.counters.add(verdict, s.exhausted())
	return verdict
}

// overrun is the outcome when a limit ran out: too many questions leave it
// open, too much cryptography is an attack.
func (s *session) overrun() proof {
	if s.spent.ede == dns.ExtendedErrorCodeDNSSECIndeterminate {
		return proof{status: Indeterminate, fail: s.spent}
	}
	return proof{status: Bogus, fail: s.spent}
}

func (s *session) verdict(p proof, answer *dns.Msg) Verdict {
	v := Verdict{Status: p.status, EDE: p.fail.ede, Why: p.fail.why, TTL: p.ttl, Work: s.work}
	if answer != nil {
		v.Answer, v.Authority = make([]bool, len(answer.Answer)), make([]bool, len(answer.Ns))
	}
	switch p.status {
	case Secure:
		s.mark(v.Answer, s.answer)
		s.mark(v.Authority, s.authority)
	case Bogus, Indeterminate:
		v.TTL = ttlSeconds(s.v.limits.BadTTL)
	case Insecure: // nothing was validated
	}
	return v
}

func (s *session) mark(flags []bool, sec *section) {
	for _, set := range sec.sets {
		if s.used[set] {
			for _, i := range set.at {
				flags[i] = true
			}
		}
	}
}

// accept remembers sets as validated.
func (s *session) accept(sets ...*rrset) {
	for _, set := range sets {
		s.used[set] = true
	}
}

// judge sorts out what cannot be validated at all and follows the rest.
func (s *session) judge(q dns.Question, answer *dns.Msg) proof {
	switch {
	case answer == nil || answer.Truncated:
		return proof{fail: failure{dns.ExtendedErrorCodeDNSSECIndeterminate, "the answer is not complete"}}
	case !conclusive(answer.Rcode):
		why := fmt.Sprintf("the upstream answers %s", dns.RcodeToString[answer.Rcode])
		return proof{fail: failure{dns.ExtendedErrorCodeDNSSECIndeterminate, why}}
	case q.Qclass != dns.ClassINET:
		return proof{status: Insecure, ttl: ^uint32(0), fail: failure{why: "only class IN is validated"}}
	case q.Qtype == dns.TypeRRSIG:
		return proof{status: Insecure, ttl: ^uint32(0), fail: failure{why: "signatures are not signed themselves"}}
	}
	s.answer, s.authority = index(answer.Answer), index(answer.Ns)
	c := &chase{s: s, qtype: q.Qtype, rcode: answer.Rcode, name: dns.CanonicalName(q.Name), sum: proof{status: Secure, ttl: ^uint32(0)}}
	return c.run()
}

// conclusive lists the response codes that say something of the name; YXDOMAIN
// comes from a DNAME that makes a name too long (RFC 6672 section 2.2).
func conclusive(rcode int) bool {
	return rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError || rcode == dns.RcodeYXDomain
}
