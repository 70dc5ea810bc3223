package cache

import "sync"

// slot is an answer and its place in the ring.
type slot struct {
	key   string
	entry *Entry
	cost  int
	at    int
}

// shard is one part of the cache: a table and a ring that the hand of a clock
// goes round. An answer that was used since the hand came by last is spared
// once (second chance), which comes near to least recently used at the cost of
// one bit.
type shard struct {
	mu         sync.RWMutex
	table      map[string]*slot
	ring       []*slot
	hand       int
	bytes      int
	maxEntries int
	maxBytes   int
}

func (s *shard) put(key string, e *Entry) {
	cost := e.Cost() + len(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.table[key]; old != nil {
		s.remove(old)
	}
	if cost > s.maxBytes/4 {
		return
	}
	for len(s.table) >= s.maxEntries || s.bytes+cost > s.maxBytes {
		s.evict()
	}
	n := &slot{key: key, entry: e, cost: cost, at: len(s.ring)}
	s.ring = append(s.ring, n)
	s.table[key] = n
	s.bytes += cost
}

// evict gives up one answer. It ends after two rounds at most: the first round
// takes every second chance away.
func (s *shard) evict() {
	for {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		n := s.ring[s.hand]
		if !n.entry.used.Swap(false) {
			s.remove(n)
			return
		}
		s.hand++
	}
}

// remove takes the slot out; the last of the ring moves into its place.
func (s *shard) remove(n *slot) {
	last := len(s.ring) - 1
	s.ring[n.at] = s.ring[last]
	s.ring[n.at].at = n.at
	s.ring[last] = nil
	s.ring = s.ring[:last]
	delete(s.table, n.key)
	s.bytes -= n.cost
}

func (s *shard) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = map[string]*slot{}
	s.ring, s.hand, s.bytes = nil, 0, 0
}
