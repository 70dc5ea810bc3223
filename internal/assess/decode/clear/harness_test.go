package clear

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"

	"pgregory.net/rapid"
)

// turn is what one side sent before the other spoke.
type turn struct {
	from event.Side
	text string
}

func cl(text string) turn { return turn{event.FromClient, text} }
func sv(text string) turn { return turn{event.FromServer, text} }

var (
	canaries  = []string{"planted-name"}
	testKinds = Streams(canaries)
)

// core plays the transport: it recognises, buffers, and starts afresh on Restart.
type core struct {
	t      testing.TB
	conn   wire.Conn
	kinds  []wire.StreamKind
	stream wire.Stream
	bufs   [2][]byte
	off    [2]bool // SideDone
	done   bool
	ref    event.Ref
	offer  int // bytes offered at present
	names  []string
	events []event.Body
}

func newCore(t testing.TB, serverPort uint16) *core {
	return &core{t: t, kinds: testKinds, conn: wire.Conn{
		Flow: 1, Transport: event.TCP, ServerPort: serverPort, ClientPort: 40000,
		Device: event.HostByMAC([6]byte{0x70, 0xee, 0x50, 0x1a, 0x2b, 0x3c}),
		Peer:   event.HostByMAC([6]byte{0x52, 0x54, 0x11, 0x22, 0x33, 0x44}),
	}}
}

func (k *core) Conn() wire.Conn { return k.conn }
func (k *core) Now() time.Time  { return time.Unix(1700000000, 0) }
func (k *core) Ref() event.Ref  { return k.ref }
func (k *core) Name(p string) {
	if len(k.names) == 0 || k.names[len(k.names)-1] != p {
		k.names = append(k.names, p)
	}
}
func (k *core) Emit(off int, b event.Body) {
	if off < 0 || off > k.offer {
		k.t.Errorf("offset %d of %d offered bytes for %s", off, k.offer, b.Describe())
	}
	k.events = append(k.events, b)
}

// feed adds bytes to a side and offers them.
func (k *core) feed(from event.Side, data []byte) {
	k.ref++
	if k.done || k.off[from] {
		return
	}
	k.bufs[from] = append(k.bufs[from], data...)
	k.offerAll(from)
}

func (k *core) offerAll(from event.Side) {
	if k.stream == nil && !k.recognise() {
		return
	}
	if !k.done && !k.off[from] && len(k.bufs[from]) > 0 {
		k.offer = len(k.bufs[from])
		step := k.stream.Data(k, from, k.bufs[from])
		if step.Consumed < 0 || step.Consumed > k.offer {
			k.t.Fatalf("consumed %d of %d", step.Consumed, k.offer)
		}
		k.bufs[from] = k.bufs[from][step.Consumed:]
		k.next(from, step.Next)
	}
	if len(k.bufs[from]) > wire.BufferLimit && k.stream != nil {
		n := len(k.bufs[from])
		k.bufs[from] = nil
		k.stream.Gap(k, from, n)
	}
}

func (k *core) next(from event.Side, next wire.Next) {
	switch next {
	case wire.Done:
		k.done = true
	case wire.SideDone:
		k.off[from], k.bufs[from] = true, nil
	case wire.Restart:
		k.stream, k.off = nil, [2]bool{}
		k.offerAll(event.FromClient)
		k.offerAll(event.FromServer)
	default:
	}
}

// recognise picks a reader by what is buffered.
func (k *core) recognise() bool {
	maybe := false
	for _, side := range []event.Side{event.FromClient, event.FromServer} {
		if len(k.bufs[side]) == 0 {
			continue
		}
		for _, kind := range k.kinds {
			switch kind.Recognise(k.conn, side, k.bufs[side]) {
			case wire.Yes:
				k.begin(kind.New())
				return true
			case wire.Maybe:
				maybe = true
			default:
			}
		}
	}
	if maybe || len(k.bufs[0])+len(k.bufs[1]) == 0 {
		return false
	}
	k.begin(NewUnknown(canaries).Stream())
	return true
}

// begin offers what was waiting on both sides.
func (k *core) begin(s wire.Stream) {
	k.stream = s
	for _, side := range []event.Side{event.FromServer, event.FromClient} {
		k.offerAll(side)
	}
}

func (k *core) close() {
	if k.stream == nil && len(k.bufs[0])+len(k.bufs[1]) > 0 {
		k.begin(NewUnknown(canaries).Stream())
	}
	if k.stream == nil || k.done {
		return
	}
	for _, side := range []event.Side{event.FromClient, event.FromServer} {
		k.offer = len(k.bufs[side])
		k.stream.Close(k, side)
	}
}

// said is the transcript of events: what a report would show, with the secrets
// in angle brackets for the test only.
func (k *core) said() []string {
	lines := []string{"name " + strings.Join(k.names, " ")}
	for _, b := range k.events {
		lines = append(lines, show(b))
	}
	return lines
}

func show(b event.Body) string {
	switch v := b.(type) {
	case event.Login:
		return fmt.Sprintf("login %s %s user=%q secret=<%s> where=%q", v.Service, v.Scheme, v.User, v.Secret.Reveal(), v.Where)
	case event.LoginAnswered:
		return fmt.Sprintf("answered %s %s", v.Service, v.Outcome)
	case event.Exposed:
		return fmt.Sprintf("exposed %s from %s shown=%q", v.Kind, v.From, v.Shown)
	case event.ServiceBanner:
		return fmt.Sprintf("banner %s %q", v.Service, v.Text)
	default:
		return fmt.Sprintf("%T %+v", b, b)[len("event."):]
	}
}

// play runs a conversation, each turn in one piece.
func play(t testing.TB, port uint16, turns ...turn) *core {
	k := newCore(t, port)
	for _, tu := range turns {
		k.feed(tu.from, []byte(tu.text))
	}
	k.close()
	return k
}

// playCut runs a conversation with each turn in pieces that rapid chooses.
func playCut(t *rapid.T, tb testing.TB, port uint16, turns []turn) *core {
	k := newCore(tb, port)
	for _, tu := range turns {
		for rest := tu.text; rest != ""; {
			n := rapid.IntRange(1, min(len(rest), 200)).Draw(t, "piece")
			if rapid.IntRange(0, 3).Draw(t, "whole") == 0 {
				n = len(rest)
			}
			k.feed(tu.from, []byte(rest[:n]))
			rest = rest[n:]
		}
	}
	k.close()
	return k
}
