package guard

import "time"

// Bucket is a token bucket. Its zero value allows nothing; it is not safe for
// use by several goroutines at once.
type Bucket struct {
	Rate  float64 // tokens that come back each second
	Burst float64 // most tokens that can be saved up

	tokens float64
	last   time.Time
}

// Take uses one token, and reports whether there was one. A clock that goes
// backwards neither adds nor takes away tokens.
func (b *Bucket) Take(now time.Time) bool {
	b.refill(now)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (b *Bucket) refill(now time.Time) {
	if b.last.IsZero() {
		b.tokens, b.last = b.Burst, now
		return
	}
	if passed := now.Sub(b.last); passed > 0 {
		b.tokens = min(b.Burst, b.tokens+b.Rate*passed.Seconds())
	}
	b.last = now
}

// Sources limits each of many sources by a bucket of its own, and remembers at
// most twice Limit of them: a source that was forgotten starts with a full
// bucket, so a limit over all sources together must stand beside it.
type Sources[K comparable] struct {
	Rate, Burst float64
	Limit       int

	young, old map[K]*Bucket
}

// Allow takes a token of the source and reports whether there was one.
func (s *Sources[K]) Allow(now time.Time, source K) bool {
	b := s.young[source]
	if b == nil {
		b = s.admit(source)
	}
	return b.Take(now)
}

// admit takes a source over from the older generation, or starts it afresh. Two
// generations make forgetting cost nothing per packet.
func (s *Sources[K]) admit(source K) *Bucket {
	b := s.old[source]
	if b == nil {
		b = &Bucket{Rate: s.Rate, Burst: s.Burst}
	}
	if s.young == nil || len(s.young) >= s.Limit {
		s.old, s.young = s.young, make(map[K]*Bucket)
	}
	s.young[source] = b
	return b
}
