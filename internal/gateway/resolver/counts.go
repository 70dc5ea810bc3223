package resolver

import (
	"sync/atomic"

	"assay/internal/gateway/resolver/upstream"
)

// Counts is what a resolver has done since it was made.
type Counts struct {
	Queries      uint64            // well-formed or not, responses left out
	Hits         uint64            // answered from the cache at once
	Local        uint64            // names answered on the spot, cached answers left out
	Failed       uint64            // resolutions that no upstream answered
	Bogus        uint64            // validations that failed
	Malformed    uint64            // questions answered FORMERR
	Faults       uint64            // answers that a Fault has changed or kept back
	Dropped      uint64            // questions that got no answer, for whatever reason
	CacheEntries int               // answers kept now
	CacheBytes   int               // memory charged for them
	Refused      map[string]uint64 // by reason, as in the notes
	Upstream     upstream.Counts
}

type counters struct {
	queries, hits, local, failed, bogus, malformed, faults, dropped atomic.Uint64
	pending                                                         atomic.Int64
	connections                                                     atomic.Int64
}

func (c *counters) read() Counts {
	return Counts{
		Queries: c.queries.Load(), Hits: c.hits.Load(), Local: c.local.Load(), Failed: c.failed.Load(), Bogus: c.bogus.Load(),
		Malformed: c.malformed.Load(), Faults: c.faults.Load(), Dropped: c.dropped.Load(),
	}
}
