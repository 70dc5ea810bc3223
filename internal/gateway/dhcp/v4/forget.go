package v4

// Forget ends all leases, because the network they were for is offered no longer.
// Addresses wait for the clients that had them; marks stay.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	head := &s.table.lists[leased]
	for l := head.next; l != head; l = head.next {
		s.table.release(l)
	}
	s.pending = nil
	s.store.dirty = true
}
