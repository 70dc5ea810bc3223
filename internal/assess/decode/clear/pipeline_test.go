package clear

import (
	"strings"
	"testing"
)

// TestPipelined: requests that nobody answers are bounded in sum, and every way in
// which a conversation lets go of them gives their room back.
func TestPipelined(t *testing.T) {
	all := &pipelined{}
	var open []*httpStream
	for range 4096 {
		open = append(open, fullPipeline(all))
	}
	first, last := open[0], open[len(open)-1]
	if all.held > pipelinedLimit || all.held < pipelinedLimit/2 {
		t.Fatalf("%d bytes are held, the bound is %d", all.held, pipelinedLimit)
	}
	if first.unpaired || !last.unpaired {
		t.Error("the pairing of the last conversation is given up, not of the first")
	}
	if a := first.pop(); len(a.target) != targetLimit {
		t.Errorf("the first request waits with a target of %d bytes", len(a.target))
	}
	for _, s := range open {
		s.forget()
	}
	if all.held != 0 {
		t.Errorf("%d bytes are still counted when no request waits", all.held)
	}
}

// fullPipeline is a conversation in which as many requests wait as may.
func fullPipeline(all *pipelined) *httpStream {
	s := &httpStream{all: all}
	for range pipelineLimit {
		s.push(asked{method: "GET", host: "h", target: strings.Repeat("x", targetLimit)})
	}
	return s
}
