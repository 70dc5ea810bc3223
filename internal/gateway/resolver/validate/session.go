package validate

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// session is one Validate call: its clock reading, its budget and the nodes of
// the chain it has already looked at.
type session struct {
	v     *Validator
	ctx   context.Context
	now   time.Time
	work  Work
	spent failure // the limit that ran out; ede 0 while none has
	nodes map[string]node

	answer, authority *section        // of the message that is validated
	used              map[*rrset]bool // its sets that are part of the proof
}

// failure is why something did not validate: an extended error code and a
// sentence.
type failure struct {
	ede uint16
	why string
}

// proof is what became of a set of records or of a denial.
type proof struct {
	status Status
	fail   failure
	ttl    uint32 // for Secure: seconds it may be kept
	labels int    // for a signature: its Labels field
}

func bogus(ede uint16, why string) proof {
	return proof{status: Bogus, fail: failure{ede, why}}
}

func (s *session) clock() uint32 { return uint32(s.now.Unix()) } // serial time, RFC 4034 section 3.1.5

// exhausted says whether a limit ran out; from then on nothing can be proven.
func (s *session) exhausted() bool { return s.spent.why != "" }

// spend adds n to a counter unless that would pass the limit.
func (s *session) spend(counter *int, n, limit int, f failure) bool {
	if s.exhausted() {
		return false
	}
	if *counter+n > limit {
		s.spent = f
		return false
	}
	*counter += n
	return true
}

func (s *session) spendVerification() bool {
	f := failure{dns.ExtendedErrorCodeDNSBogus, "the answer asks for more signature checks than are granted"}
	if s.work.Failures >= s.v.limits.Failures {
		s.spent = f
		return false
	}
	return s.spend(&s.work.Verifications, 1, s.v.limits.Verifications, f)
}

func (s *session) spendDigest() bool {
	return s.spend(&s.work.Digests, 1, s.v.limits.Digests,
		failure{dns.ExtendedErrorCodeDNSBogus, "the answer asks for more DS digests than are granted"})
}

func (s *session) spendHash(blocks int) bool {
	return s.spend(&s.work.HashBlocks, blocks, s.v.limits.HashBlocks,
		failure{dns.ExtendedErrorCodeDNSBogus, "the answer asks for more NSEC3 hashing than is granted"})
}

// query asks the Source. What comes back is an answer or a denial; everything
// else is a failure to find out.
func (s *session) query(name string, qtype uint16) (*dns.Msg, failure) {
	what := dns.TypeToString[qtype] + " of " + name
	over := failure{dns.ExtendedErrorCodeDNSSECIndeterminate, "the chain of trust asks for more questions than are granted"}
	if !s.spend(&s.work.Queries, 1, s.v.limits.Queries, over) {
		return nil, s.spent
	}
	msg, err := s.v.source.Query(s.ctx, name, qtype)
	if err != nil {
		return nil, failure{dns.ExtendedErrorCodeDNSSECIndeterminate, "cannot fetch " + what + ": " + err.Error()}
	}
	if msg == nil || msg.Rcode != dns.RcodeSuccess && msg.Rcode != dns.RcodeNameError {
		return nil, failure{dns.ExtendedErrorCodeDNSSECIndeterminate, "cannot fetch " + what + ": the upstream fails"}
	}
	return msg, failure{}
}
