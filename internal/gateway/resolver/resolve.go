package resolver

import (
	"context"
	"errors"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/cache"
	"assay/internal/gateway/resolver/upstream"
	"assay/internal/gateway/resolver/validate"
	"assay/internal/gateway/resolver/wire"
)

const (
	// resolveTime bounds the work on one question. Clients give up after 5 s or
	// so; what comes later still serves their next try.
	resolveTime = 8 * time.Second
	// uncheckedHold bounds how long data is kept that nobody has validated yet: a
	// forged DS among it must not last.
	uncheckedHold = time.Minute
	forever       = time.Duration(1<<63 - 1)
)

// resolve gives what is known of a question: from the cache, or by asking. cd
// leaves the validation out. The key is wire.AppendKey's, the name canonical.
// It always gives an entry; when ctx ends first, a failure that is not kept.
func (r *Resolver) resolve(ctx context.Context, key []byte, name string, qtype uint16, cd bool) *cache.Entry {
	if e := r.cache.Get(key, r.elapsed()); usable(e, cd) {
		return e
	}
	if e := r.onTheSpot(key, name, qtype); e != nil {
		return e
	}
	if cd {
		return r.fetch(ctx, key, name, qtype)
	}
	f := r.share("v"+string(key), func(ctx context.Context) *cache.Entry { return r.check(ctx, key, name, qtype) })
	return r.await(ctx, f)
}

// usable says whether a client can be served from e: one that does not check
// for itself needs it checked.
func usable(e *cache.Entry, cd bool) bool {
	return e != nil && (cd || e.Status != Unchecked)
}

// onTheSpot answers the names that need no upstream; the cache keeps the answer
// so that the next one is quick.
func (r *Resolver) onTheSpot(key []byte, name string, qtype uint16) *cache.Entry {
	m, why := local(dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET})
	if m == nil {
		return nil
	}
	r.counts.local.Add(1)
	r.notes.local(why)
	e := r.entry(draft{msg: m, status: Insecure, hold: forever})
	r.cache.Put(key, e)
	return e
}

// fetch gives an unvalidated answer, from the cache if there is any data.
func (r *Resolver) fetch(ctx context.Context, key []byte, name string, qtype uint16) *cache.Entry {
	if e := r.cache.Get(key, r.elapsed()); e != nil {
		return e
	}
	f := r.share("u"+string(key), func(ctx context.Context) *cache.Entry {
		former := r.cache.Peek(key)
		m, err := r.pool.Query(ctx, name, qtype)
		if err != nil {
			r.counts.failed.Add(1)
			r.suspect()
			e := r.failure(former, asEDE(err))
			if r.life.Err() == nil {
				r.cache.Put(key, e)
			}
			return e
		}
		d := draft{msg: m, hold: uncheckedHold}
		if former != nil {
			d.tries = former.Tries
		}
		e := r.entry(d)
		r.put(key, e)
		return e
	})
	return r.await(ctx, f)
}

// put keeps an entry unless it ends at once.
func (r *Resolver) put(key []byte, e *cache.Entry) {
	if e.Expires > e.Stored {
		r.cache.Put(key, e)
	}
}

func asEDE(err error) wire.EDE {
	var e *upstream.Error
	if errors.As(err, &e) {
		return extended(e.EDE, e.Error())
	}
	return extended(dns.ExtendedErrorCodeOther, err.Error())
}

// check fetches and validates.
func (r *Resolver) check(ctx context.Context, key []byte, name string, qtype uint16) *cache.Entry {
	raw := r.fetch(ctx, key, name, qtype)
	if raw.Status != Unchecked {
		return raw
	}
	m, err := r.message(raw)
	if err != nil {
		return r.failure(raw, extended(dns.ExtendedErrorCodeInvalidData, "the answer cannot be read"))
	}
	d := draft{msg: m, hold: forever}
	if r.cfg.Unvalidated && r.health.blind() {
		d.status = Unvalidated
	} else {
		r.judge(ctx, &d, raw.Tries)
	}
	e := r.entry(d)
	if r.life.Err() == nil {
		r.put(key, e)
	}
	return e
}

// judge validates the draft and notes what follows for it.
func (r *Resolver) judge(ctx context.Context, d *draft, tries uint8) {
	v := (*r.validator.Load()).Validate(ctx, d.msg.Question[0], d.msg)
	d.hold = time.Duration(v.TTL) * time.Second
	if v.EDE != 0 {
		d.ede = extended(v.EDE, v.Why)
	}
	switch v.Status {
	case validate.Secure:
		d.status = Secure
		keepValidated(d.msg, v, r.cfg.Now())
	case validate.Insecure:
		d.status, d.hold = Insecure, forever
	case validate.Bogus:
		r.counts.bogus.Add(1)
		d.status = Bogus
	case validate.Indeterminate:
		d.status = Indeterminate
	}
	if d.status == Bogus || d.status == Indeterminate {
		d.tries = min(tries, maxTries) + 1
		d.hold = min(d.hold, holdFor(d.tries))
	}
}

// source is how the validator asks for keys.
type source struct{ r *Resolver }

// Query implements validate.Source.
func (s source) Query(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	name = dns.CanonicalName(name)
	b := make([]byte, maxNameSize)
	n, err := dns.PackDomainName(name, b, 0, nil, false)
	if err != nil {
		return nil, err
	}
	e := s.r.fetch(ctx, wire.AppendKey(nil, b[:n], qtype, dns.ClassINET), name, qtype)
	if e.Status == Failed {
		return nil, errors.New(e.EDE.Text)
	}
	return s.r.message(e)
}

// flight is one piece of work that several questions may wait for.
type flight struct {
	done  chan struct{}
	entry *cache.Entry
}

// share starts the work, unless the same is under way. It runs on the
// resolver's own time: a client that gives up does not end it for others.
func (r *Resolver) share(key string, work func(context.Context) *cache.Entry) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flights[key]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	if r.closed {
		f.entry = r.failure(nil, extended(dns.ExtendedErrorCodeNotReady, "the resolver has ended"))
		close(f.done)
		return f
	}
	r.flights[key] = f
	r.running.Go(func() {
		ctx, cancel := context.WithTimeout(r.life, resolveTime)
		defer cancel()
		f.entry = work(ctx)
		r.mu.Lock()
		delete(r.flights, key)
		r.mu.Unlock()
		close(f.done)
	})
	return f
}

func (r *Resolver) await(ctx context.Context, f *flight) *cache.Entry {
	select {
	case <-f.done:
		return f.entry
	case <-ctx.Done():
		return r.failure(nil, extended(dns.ExtendedErrorCodeNoReachableAuthority, "no answer in time"))
	}
}
