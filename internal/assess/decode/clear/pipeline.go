package clear

const (
	// pipelineLimit is how many requests of one conversation may wait for their
	// response.
	pipelineLimit = 16
	// pipelinedLimit bounds what the waiting requests of all conversations are
	// counted for together, in bytes: nobody answers those of a flood.
	pipelinedLimit = 4 << 20
	// askedCost is what one waiting request is counted for beside its texts.
	askedCost = 160
)

// pipelined counts the waiting requests of all conversations of one decoder.
type pipelined struct{ held int }

func (a *asked) cost() int { return askedCost + len(a.method) + len(a.host) + len(a.target) }

// push lets a request wait for its response. Where there is no room, the pairing
// of this conversation is given up.
func (s *httpStream) push(a asked) {
	if s.unpaired {
		return
	}
	cost := a.cost()
	if len(s.asked) == pipelineLimit || s.all.held+cost > pipelinedLimit {
		s.lose()
		return
	}
	s.all.held += cost
	s.asked = append(s.asked, a)
}

// pop takes the request that waits for longest; the zero value when none does.
func (s *httpStream) pop() asked {
	if len(s.asked) == 0 {
		return asked{}
	}
	a := s.asked[0]
	s.all.held -= a.cost()
	s.asked = s.asked[1:]
	return a
}

// forget drops the waiting requests.
func (s *httpStream) forget() {
	for i := range s.asked {
		s.all.held -= s.asked[i].cost()
	}
	s.asked = nil
}

// lose gives up the pairing of requests and responses.
func (s *httpStream) lose() {
	s.forget()
	s.unpaired, s.held = true, false
}
