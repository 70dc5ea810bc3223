package decode

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// says sends payload on web, from the client or the server, at the offset of its
// stream.
func (r *recorder) says(from event.Side, offset int, payload string) {
	if from == event.FromClient {
		r.frame(tcpFrame(r.t, web, "A", 101+uint32(offset), 501, []byte(payload)))
		return
	}
	r.frame(tcpFrame(r.t, web.back(), "A", 501+uint32(offset), 101, []byte(payload)))
}

// lines is a reader of lines: it reports each, and leaves what has no end yet.
type lines struct{ probe }

// Data implements wire.Stream.
func (l *lines) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	n := 0
	for {
		i := bytes.IndexByte(data[n:], '\n')
		if i < 0 {
			return wire.Step{Consumed: n}
		}
		line := string(data[n : n+i])
		c.Emit(n, event.ServiceBanner{Service: from.String(), Text: line})
		n += i + 1
		if line == "restart" {
			return wire.Step{Consumed: n, Next: wire.Restart}
		}
		if line == "done" {
			return wire.Step{Consumed: n, Next: wire.Done}
		}
	}
}

// lineKind recognises a mark at a stream's beginning.
func lineKind(mark string) wire.StreamKind {
	return wire.StreamKind{
		Name: mark,
		Recognise: func(_ wire.Conn, _ event.Side, first []byte) wire.Match {
			n := min(len(first), len(mark))
			switch {
			case string(first[:n]) != mark[:n]:
				return wire.No
			case n < len(mark):
				return wire.Maybe
			default:
				return wire.Yes
			}
		},
		New: func() wire.Stream { return &lines{} },
	}
}

// told lists what lines reported, with its frames.
func told(r *recorder) string {
	var out []string
	for _, e := range r.events {
		if b, ok := e.Body.(event.ServiceBanner); ok {
			out = append(out, fmt.Sprintf("%s %s %d-%d", b.Service, b.Text, e.First, e.Ref))
		}
	}
	return strings.Join(out, ", ")
}

func TestReading(t *testing.T) {
	const c, s = event.FromClient, event.FromServer
	type say struct {
		from event.Side
		at   int
		text string
	}
	for _, tc := range []struct {
		name     string
		says     []say
		told     string
		protocol string
	}{
		{"at once", []say{{c, 0, "LN one\nLN two\n"}}, "client LN one 4-4, client LN two 4-4", "LN"},
		{"over segments, from the frame where it began", []say{{c, 0, "LN o"}, {c, 4, "ne\ntwo"}, {c, 10, "\n"}},
			"client LN one 4-5, client two 5-6", "LN"},
		{"byte by byte", []say{{c, 0, "L"}, {c, 1, "N"}, {c, 2, "\n"}}, "client LN 4-6", "LN"},
		{"out of order", []say{{c, 3, "b\n"}, {c, 0, "LNa"}}, "client LNab 5-5", "LN"},
		{"by the server's first bytes", []say{{s, 0, "LN hi\n"}, {c, 0, "x\n"}}, "server LN hi 4-4, client x 5-5", "LN"},
		{"by the server, after the client waited undecided", []say{{c, 0, "L"}, {s, 0, "LN\n"}, {c, 1, "\n"}},
			"server LN 5-5, client L 4-6", "LN"},
		{"by the server, after the client said something unknown", []say{{c, 0, "?\n"}, {s, 0, "LN\n"}, {c, 2, "b\n"}},
			"server LN 5-5, client b 6-6", "LN"},
		{"afresh", []say{{c, 0, "LN\nrestart\nXY\n"}, {s, 0, "ok\n"}}, "client LN 4-4, client restart 4-4, client XY 4-4, server ok 5-5", "XY"},
		{"afresh with kept bytes of the other side", []say{{c, 0, "LN\n"}, {c, 3, "XY"}, {s, 0, "restart\n"}, {c, 5, "\n"}},
			"client LN 4-4, server restart 6-6, client XY 5-7", "XY"},
		{"done", []say{{c, 0, "LN\ndone\nmore\n"}, {s, 0, "x\n"}}, "client LN 4-4, client done 4-4", "LN"},
		{"nobody", []say{{c, 0, "??\n"}}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := record(t)
			r.protocols.streams = []wire.StreamKind{lineKind("LN"), lineKind("XY")}
			r.handshake(web, 100, 500)
			for _, x := range tc.says {
				r.says(x.from, x.at, x.text)
			}
			r.Close()
			if got := told(r); got != tc.told {
				t.Errorf("told %s\nwant %s", got, tc.told)
			}
			if got := one[event.FlowEnded](r).Protocol; got != tc.protocol {
				t.Errorf("protocol %q", got)
			}
			checkBooks(t, r)
		})
	}
}

func TestAReaderThatNeverConsumesIsBounded(t *testing.T) {
	r := record(t)
	most := 0
	p := &probe{step: func(_ *probe, _ event.Side, data []byte) wire.Step {
		most = max(most, len(data))
		return wire.Step{}
	}}
	r.readBy(p)
	r.handshake(web, 100, 500)
	for i := range 200 {
		r.says(event.FromClient, i*1000, strings.Repeat("x", 1000))
	}
	r.Close()
	if most > wire.BufferLimit+1000 || len(p.log) != 3 || p.log[0] != "gap client 66000 after 0" {
		t.Fatalf("saw %d bytes, %v", most, p.log)
	}
	if one[event.FlowEnded](r).Client.Missing != 0 {
		t.Fatal("what was thrown away is not missing from the log")
	}
	checkBooks(t, r)
}

func TestAReaderThatRestartsForEverIsStopped(t *testing.T) {
	calls := 0
	p := &probe{step: func(*probe, event.Side, []byte) wire.Step {
		calls++
		return wire.Step{Next: wire.Restart}
	}}
	r := record(t)
	r.readBy(p)
	r.handshake(web, 100, 500)
	r.says(event.FromClient, 0, "x")
	r.Close()
	if calls != restartLimit+1 {
		t.Fatalf("called %d times", calls)
	}
}

func TestSegmentsOutOfOrderAreBounded(t *testing.T) {
	for _, size := range []int{1400, 1} {
		r, p := record(t), &probe{}
		r.readBy(p)
		r.handshake(web, 100, 500)
		r.says(event.FromClient, 0, "first")
		n := 2 * pendingLimit / (size + segmentCost)
		for i := range n {
			r.says(event.FromClient, 10+2*i*size, strings.Repeat("x", size))
			if r.held > pendingLimit+size+segmentCost {
				t.Fatalf("holds %d bytes", r.held)
			}
		}
		if r.Counts().Crowded == 0 || len(p.log) == 0 {
			t.Fatal("nothing was given up")
		}
		r.Close()
		if p.got[0].Len() != 5+n*size {
			t.Fatalf("read %d bytes of %d", p.got[0].Len(), 5+n*size)
		}
		checkBooks(t, r)
	}
}

func TestOverlapKeepsWhatWasSeenFirst(t *testing.T) {
	r, p := record(t), &probe{}
	r.readBy(p)
	r.handshake(web, 100, 500)
	r.says(event.FromClient, 2, "CD")
	r.says(event.FromClient, 0, "abcdef")
	r.says(event.FromClient, 0, "ABCDEFgh")
	r.Close()
	if got := p.got[event.FromClient].String(); got != "abCDefgh" {
		t.Fatalf("read %q", got)
	}
}
