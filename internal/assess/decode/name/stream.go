package name

import (
	"encoding/binary"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// dnsStream reads DNS over TCP: messages behind two bytes of length (RFC 1035
// section 4.2.2, RFC 7766).
type dnsStream struct {
	d dialogue
	// strange counts framed messages that were not DNS.
	strange int
	// lost says of each side that its messages can no longer be told apart.
	lost [2]bool
}

func newStream() wire.Stream { return &dnsStream{} }

// Data reads every message that is complete.
func (s *dnsStream) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if s.lost[from&1] {
		return wire.Step{Consumed: len(data), Next: wire.SideDone}
	}
	off := 0
	for {
		n, whole := framed(data[off:])
		if !whole {
			return wire.Step{Consumed: off}
		}
		if !s.d.message(c, from, off, data[off+2:off+n]) {
			s.strange++
		}
		if s.strange > faultLimit {
			return wire.Step{Consumed: off, Next: wire.Done}
		}
		off += n
	}
}

// framed tells the size of the first message with its length, and whether all
// of it is there.
func framed(data []byte) (int, bool) {
	if len(data) < 2 {
		return 0, false
	}
	n := 2 + int(binary.BigEndian.Uint16(data))
	return n, n <= len(data)
}

// Gap ends the reading of one side: without a mark between messages the next one
// cannot be found. The decoder counts what is missing.
func (s *dnsStream) Gap(_ wire.Context, from event.Side, _ int) { s.lost[from&1] = true }

// Close needs nothing.
func (s *dnsStream) Close(wire.Context, event.Side) {}
