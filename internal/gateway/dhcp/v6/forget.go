package v6

// Forget ends all leases, because the network they were for is offered no longer. A
// client that comes again gets the same address, which follows from who it is.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.table.renewed.Front(); e != nil; e = s.table.renewed.Front() {
		s.table.forget(e)
	}
}
