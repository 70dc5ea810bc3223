package decode

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
)

// fragment4 is the part of an IPv4 packet's payload from off to end.
func fragment4(frame []byte, off, end int, more bool) []byte {
	header, payload := frame[:34], frame[34:]
	out := append(slices.Clone(header), payload[off:end]...)
	binary.BigEndian.PutUint16(out[16:], uint16(20+end-off))
	field := uint16(off / 8)
	if more {
		field |= 0x2000
	}
	binary.BigEndian.PutUint16(out[20:], field)
	return out
}

// fragment6 is the same for IPv6.
func fragment6(frame []byte, off, end int, more bool) []byte {
	field := uint16(off)
	if more {
		field |= 1
	}
	header := append(slices.Clone(frame[:54]), frame[20], 0, byte(field>>8), byte(field), 0, 0, 0, 9)
	header[20] = protoFragment
	binary.BigEndian.PutUint16(header[18:], uint16(8+end-off))
	return append(header, frame[54:][off:end]...)
}

func TestFragmentsInAnyOrderGiveThePacket(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		payload := noise(rapid.IntRange(64, 3000).Draw(rt, "size"))
		e, split, head := web, fragment4, 34
		if rapid.Bool().Draw(rt, "v6") {
			e, split, head = ends{device6, server6, 40000, 9999}, fragment6, 54
		}
		whole := udpFrame(t, e, payload)
		var parts [][]byte
		for at, n := 0, len(whole)-head; at < n; {
			end := at + 8*rapid.IntRange(1, 60).Draw(rt, "units")
			parts = append(parts, split(whole, at, min(end, n), end < n))
			at = end
		}
		order := rapid.Permutation(parts).Draw(rt, "order")
		r := record(t)
		for _, b := range order {
			r.frame(b)
			r.frame(order[0]) // one that comes again and again does no harm
		}
		r.Close()
		ended := of[event.FlowEnded](r)
		if len(ended) == 0 || ended[0].Client.Bytes%uint64(len(payload)) != 0 {
			rt.Fatalf("ended %+v", ended)
		}
		if started := r.events[0]; len(parts) > 1 && started.First > started.Ref {
			rt.Fatalf("rests on %d to %d", started.First, started.Ref)
		}
	})
}

func TestOverlappingFragmentsAreDropped(t *testing.T) {
	whole := udpFrame(t, web, noise(64))
	for name, parts := range map[string][][]byte{
		"overlap":          {fragment4(whole, 0, 40, true), fragment4(whole, 32, 72, false)},
		"teardrop":         {fragment4(whole, 0, 40, true), fragment4(whole, 16, 24, false)},
		"two ends":         {fragment4(whole, 64, 72, false), fragment4(whole, 8, 32, false), fragment4(whole, 0, 64, true)},
		"beyond the end":   {fragment4(whole, 8, 16, false), fragment4(whole, 16, 64, true)},
		"odd size":         {fragment4(whole, 0, 13, true)},
		"nothing in it":    {fragment4(whole, 0, 0, true)},
		"past the maximum": {fragment4(slices.Concat(whole, make([]byte, 65600)), 65528, 65536, false)},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t)
			for _, b := range parts {
				r.frame(b)
			}
			if len(of[event.FlowStarted](r)) != 0 || r.Counts().Malformed == 0 {
				t.Fatalf("counts %+v", r.Counts())
			}
			checkBooks(t, r)
		})
	}
}

func TestFragmentFloodIsBounded(t *testing.T) {
	r := record(t)
	b := fragment4(udpFrame(t, web, noise(1400)), 0, 1400, true)
	for i := range 5000 {
		binary.BigEndian.PutUint16(b[18:], uint16(i))
		r.frame(b)
		if r.fragments.held > fragmentBytes || len(r.fragments.waiting) > fragmentedLimit {
			t.Fatalf("holds %d bytes in %d packets", r.fragments.held, len(r.fragments.waiting))
		}
	}
	if r.Counts().Crowded == 0 {
		t.Fatal("dropping is not counted")
	}
}

// TestExtensionHeaders walks a chain of them, and refuses an endless one.
func TestExtensionHeaders(t *testing.T) {
	whole := udpFrame(t, ends{device6, server6, 40000, 9999}, []byte("payload"))
	chain := func(n int) []byte {
		out := slices.Clone(whole[:54])
		binary.BigEndian.PutUint16(out[18:], uint16(8*n+15))
		out[20] = protoDestOpts
		for i := range n {
			next := byte(protoDestOpts)
			if i == n-1 {
				next = protoUDP
			}
			out = append(out, next, 0, 1, 4, 0, 0, 0, 0)
		}
		return append(out, whole[54:]...)
	}
	r := record(t)
	r.frame(chain(3))
	r.frame(chain(30))
	r.Close()
	if one[event.FlowEnded](r).Client.Packets != 1 || one[event.Malformed](r).Layer != "ipv6" {
		t.Fatal("wrong")
	}
}
