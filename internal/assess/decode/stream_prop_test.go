package decode

import (
	"bytes"
	"math/rand"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
)

// sending is one segment of a stream, as an interval of it.
type sending struct{ from, to int }

// draw cuts a stream of n bytes into segments, repeats some with other borders,
// and puts them in any order within the reach of the hold limit.
func drawSendings(t *rapid.T, n int) []sending {
	var out []sending
	for at := 0; at < n; {
		to := min(n, at+rapid.IntRange(1, 1500).Draw(t, "size"))
		out = append(out, sending{at, to})
		at = to
	}
	for range rapid.IntRange(0, 6).Draw(t, "repeats") {
		a := rapid.IntRange(0, n-1).Draw(t, "again from")
		out = append(out, sending{a, rapid.IntRange(a+1, min(n, a+1500)).Draw(t, "again to")})
	}
	random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "order")))
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func TestAnySegmentationGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stream := rapid.SliceOfN(rapid.Byte(), 1, 8000).Draw(rt, "stream")
		isn := rapid.Uint32().Draw(rt, "isn")
		r, p := record(t), &probe{}
		r.readBy(p)
		r.handshake(web, isn, 7000)
		for _, s := range drawSendings(rt, len(stream)) {
			r.frame(tcpFrame(t, web, "A", isn+1+uint32(s.from), 7001, stream[s.from:s.to]))
		}
		r.frame(tcpFrame(t, web, "FA", isn+1+uint32(len(stream)), 7001, nil))
		r.frame(tcpFrame(t, web.back(), "FA", 7001, isn+2+uint32(len(stream)), nil))
		r.Close()
		if !bytes.Equal(p.got[event.FromClient].Bytes(), stream) || len(p.log) > 0 {
			rt.Fatalf("read %d bytes of %d, gaps %v", p.got[0].Len(), len(stream), p.log)
		}
		end := one[event.FlowEnded](r)
		if end.How != event.EndedByClose || end.Client.Bytes != uint64(len(stream)) || end.Client.Missing != 0 {
			rt.Fatalf("ended %s with %+v", end.How, end.Client)
		}
		if p.closed != [2]int{1, 1} || r.held != 0 || r.buffered != 0 {
			rt.Fatalf("closed %v, held %d, buffered %d", p.closed, r.held, r.buffered)
		}
	})
}

// TestLossIsCounted drops segments: what was read and what is missing add up, and
// the reader is told of every hole.
func TestLossIsCounted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 8000).Draw(rt, "length")
		stream := bytes.Repeat([]byte("x"), n)
		r, p := record(t), &probe{}
		r.readBy(p)
		isn := rapid.Uint32().Draw(rt, "isn")
		r.handshake(web, isn, 7000)
		covered := make([]bool, n)
		covered[0] = true // so that there is a reader to tell
		r.frame(tcpFrame(t, web, "A", isn+1, 7001, stream[:1]))
		for _, s := range drawSendings(rt, n) {
			if rapid.Bool().Draw(rt, "lost") {
				continue
			}
			for i := s.from; i < s.to; i++ {
				covered[i] = true
			}
			r.frame(tcpFrame(t, web, "A", isn+1+uint32(s.from), 7001, stream[s.from:s.to]))
		}
		r.frame(tcpFrame(t, web, "FA", isn+1+uint32(n), 7001, nil))
		r.Close()
		missing := 0
		for _, c := range covered {
			if !c {
				missing++
			}
		}
		end := one[event.FlowEnded](r)
		if end.Client.Bytes != uint64(n) || end.Client.Missing != uint64(missing) {
			rt.Fatalf("bytes %d missing %d, want %d and %d", end.Client.Bytes, end.Client.Missing, n, missing)
		}
		if p.got[event.FromClient].Len() != n-missing || (len(p.log) > 0) != (missing > 0) {
			rt.Fatalf("read %d, want %d; gaps %v", p.got[0].Len(), n-missing, p.log)
		}
	})
}
