package validate

import "sync/atomic"

// Counts tells what a validator did since it was made.
type Counts struct {
	Secure, Insecure, Bogus, Indeterminate uint64
	Overruns                               uint64 // validations that a limit ended
	Queries, Verifications, HashBlocks     uint64
}

type counters struct {
	status                             [4]atomic.Uint64
	overruns                           atomic.Uint64
	queries, verifications, hashBlocks atomic.Uint64
}

func (c *counters) add(v Verdict, overrun bool) {
	c.status[v.Status].Add(1)
	if overrun {
		c.overruns.Add(1)
	}
	c.queries.Add(uint64(v.Work.Queries))
	c.verifications.Add(uint64(v.Work.Verifications))
	c.hashBlocks.Add(uint64(v.Work.HashBlocks))
}

// Counts reads the counters; each is exact, together they are not one moment.
func (v *Validator) Counts() Counts {
	c := &v.counters
	return Counts{
		Secure: c.status[Secure].Load(), Insecure: c.status[Insecure].Load(),
		Bogus: c.status[Bogus].Load(), Indeterminate: c.status[Indeterminate].Load(),
		Overruns: c.overruns.Load(), Queries: c.queries.Load(),
		Verifications: c.verifications.Load(), HashBlocks: c.hashBlocks.Load(),
	}
}

// Kept is how many names have a place in the chain of trust that is remembered.
func (v *Validator) Kept() int { return v.cuts.len() }
