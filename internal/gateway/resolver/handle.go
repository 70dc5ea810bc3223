package resolver

import (
	"context"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/cache"
	"assay/internal/gateway/resolver/wire"
)

// outcome is what quick could do with a question.
type outcome uint8

const (
	silent  outcome = iota // no answer at all
	replied                // the answer is there
	waits                  // it takes an upstream or a fault: call slow
)

// maxKey is the longest key of the cache: a name, a type and a class.
const maxKey = 255 + 4

// request is one question and who asked it.
type request struct {
	query wire.Query
	from  netip.AddrPort
	to    netip.AddrPort // where it arrived; zero where that is not known
	tcp   bool
}

// quick answers what can be answered without waiting, appending to out, which
// must be empty. It allocates nothing on the path of a cached answer.
func (r *Resolver) quick(out []byte, packet []byte, req *request, now time.Duration) ([]byte, outcome) {
	var problem wire.Problem
	req.query, problem = wire.Parse(packet)
	q := &req.query
	if problem == wire.Silent {
		r.drop("not a question", req.from)
		return out, silent
	}
	if rcode, ede := r.objection(q, problem, req.from); rcode != dns.RcodeSuccess {
		return refusal(out, q, rcode, ede), replied
	}
	if r.faulty(q) != nil {
		return out, waits
	}
	var room [maxKey + markSize]byte
	e := r.cache.Get(r.key(room[:0], q), now)
	if !usable(e, q.CD()) || q.CD() && r.dns64.Load().concerns(q) {
		return out, waits
	}
	return reply(out, q, e, age(e, now), limit(q, req.tcp)), replied
}

// objection says why a question is not answered, NOERROR when nothing speaks
// against it.
func (r *Resolver) objection(q *wire.Query, p wire.Problem, from netip.AddrPort) (int, wire.EDE) {
	switch {
	case p == wire.NotImp:
		r.notes.refused("opcode", from)
		return dns.RcodeNotImplemented, wire.EDE{}
	case p != wire.OK:
		r.counts.malformed.Add(1)
		r.notes.refused("malformed", from)
		return dns.RcodeFormatError, wire.EDE{}
	case q.EDNS && q.Version != 0:
		return dns.RcodeBadVers, wire.EDE{}
	case q.Class != dns.ClassINET || metaType(q.Type):
		r.notes.refused("class or type", from)
		return dns.RcodeRefused, extended(dns.ExtendedErrorCodeNotSupported, "")
	case !q.RD():
		return dns.RcodeRefused, extended(dns.ExtendedErrorCodeNotAuthoritative, "recursion was not desired")
	}
	return dns.RcodeSuccess, wire.EDE{}
}

// metaType says whether a type is no kind of data (RFC 6895 section 3.1), ANY
// left out: zone transfers, mail agents, OPT, TSIG.
func metaType(t uint16) bool {
	const first, last = 128, 255
	return t == dns.TypeNone || t == dns.TypeOPT || t >= first && t < last
}

// faulty gives the fault that is set for a question, or nil.
func (r *Resolver) faulty(q *wire.Query) *Fault {
	f := r.fault.Load()
	if f == nil {
		return nil
	}
	name, ok := canonical(q.Name)
	if !ok || !f.Applies(name, q.Type) {
		return nil
	}
	return f
}

func canonical(name []byte) (string, bool) {
	s, _, err := dns.UnpackDomainName(name, 0)
	if err != nil {
		return "", false
	}
	return dns.CanonicalName(s), true
}

// slow answers what quick could not, appending to out. It gives nil when the
// client gets no answer.
func (r *Resolver) slow(ctx context.Context, out []byte, req *request) []byte {
	q := &req.query
	name, ok := canonical(q.Name)
	if !ok {
		return refusal(out, q, dns.RcodeFormatError, wire.EDE{})
	}
	e := r.answer(ctx, q, name)
	f := r.faulty(q)
	if f == nil {
		return reply(out, q, e, age(e, r.elapsed()), limit(q, req.tcp))
	}
	return r.changed(ctx, out, f, req, name, e)
}

// changed answers with what the fault makes of the genuine answer.
func (r *Resolver) changed(ctx context.Context, out []byte, f *Fault, req *request, name string, e *cache.Entry) []byte {
	q := &req.query
	genuine := new(dns.Msg)
	if err := genuine.Unpack(reply(nil, q, e, age(e, r.elapsed()), tcpSize)); err != nil {
		return refusal(out, q, dns.RcodeServerFailure, extended(dns.ExtendedErrorCodeInvalidData, ""))
	}
	asked := Asked{Client: req.from, Server: req.to, Name: name, Type: q.Type, Status: e.Status, DO: q.DO, CD: q.CD(), TCP: req.tcp}
	r.counts.faults.Add(1)
	m := f.Change(ctx, asked, genuine)
	if m == nil {
		return nil
	}
	m.Compress = true
	b, err := m.Pack()
	if err != nil || len(b) < q.End {
		return refusal(out, q, dns.RcodeServerFailure, extended(dns.ExtendedErrorCodeInvalidData, "the changed answer cannot be packed"))
	}
	if len(b) > limit(q, req.tcp) {
		b = finish(b, q, uint8(m.Rcode>>4), wire.EDE{}, limit(q, req.tcp))
	}
	return append(out, b...)
}

// handle answers one packet, waiting where it must. It is what Ask and the tests
// use; the servers call its parts.
func (r *Resolver) handle(ctx context.Context, packet []byte, from netip.AddrPort, tcp bool) []byte {
	req := request{from: from, tcp: tcp}
	r.counts.queries.Add(1)
	out, did := r.quick(nil, packet, &req, r.elapsed())
	switch did {
	case silent:
		return nil
	case replied:
		return out
	default:
		return r.slow(ctx, nil, &req)
	}
}

func (r *Resolver) drop(reason string, from netip.AddrPort) {
	r.counts.dropped.Add(1)
	r.notes.refused(reason, from)
}

// admit counts a question that has to wait, and says whether it may; leave must
// follow if so.
func (r *Resolver) admit(from netip.AddrPort, now time.Duration) bool {
	if r.counts.pending.Add(1) > int64(r.cfg.Limits.Pending) {
		r.counts.pending.Add(-1)
		r.drop("too many questions wait", from)
		return false
	}
	if !r.clients.begin(from.Addr(), now) {
		r.counts.pending.Add(-1)
		r.drop("too many questions of one client wait", from)
		return false
	}
	return true
}

func (r *Resolver) leave(from netip.AddrPort) {
	r.clients.end(from.Addr())
	r.counts.pending.Add(-1)
}
