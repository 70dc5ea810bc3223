package v4

import (
	"net/netip"
	"time"
)

// Lease is one address that a client holds.
type Lease struct {
	MAC     MAC
	Address netip.Addr
	Host    string // option 12, the client's own words
	Left    time.Duration
	Marked  bool
}

// Leases lists the current leases, the next to expire first.
func (s *Server) Leases() []Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.elapsed()
	s.expire(now)
	var out []Lease
	for l := s.table.lists[leased].next; l != &s.table.lists[leased]; l = l.next {
		out = append(out, Lease{
			MAC: l.mac, Address: l.addr, Host: l.info.host, Left: l.until - now, Marked: s.table.marked[l.mac],
		})
	}
	return out
}
