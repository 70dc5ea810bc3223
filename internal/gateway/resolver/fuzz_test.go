package resolver

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/wire"
)

// FuzzHandle: whatever a client sends, the answer is a message, it is an answer
// to that, and it is no longer than the client can take.
func FuzzHandle(f *testing.F) {
	for _, q := range []question{{name: "cam.example.", qtype: dns.TypeSOA, do: true}, {name: "x.local.", qtype: dns.TypeA}, {name: ".", qtype: dns.TypeDNSKEY, do: true, cd: true}} {
		b, err := q.msg().Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	_, r := onInternet(f, Config{Limits: Limits{CacheEntries: 500}})
	from := netip.MustParseAddrPort("192.168.7.66:4000")
	f.Fuzz(func(t *testing.T, b []byte) {
		reply := r.handle(t.Context(), b, from, false)
		q, problem := wire.Parse(b)
		if (reply == nil) != (problem == wire.Silent) {
			t.Fatalf("problem %d, answer %x", problem, reply)
		}
		if reply == nil {
			return
		}
		if len(reply) > limit(&q, false) || binary.BigEndian.Uint16(reply) != q.ID || reply[2]&0x80 == 0 {
			t.Fatalf("%x answered %x", b, reply)
		}
		if err := new(dns.Msg).Unpack(reply); err != nil {
			t.Fatalf("%x answered %x: %v", b, reply, err)
		}
	})
}

// FuzzUpstream: whatever an upstream sends, a client gets a message, and never
// AD with data that no signature is over.
func FuzzUpstream(f *testing.F) {
	genuine := fixed(f, "a.test. 60 CNAME b.test.", "b.test. 60 A 192.0.2.1")
	q := question{name: "a.test.", qtype: dns.TypeA, do: true}
	b, err := genuine(q.msg()).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(dns.Msg)
		if m.Unpack(b) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, r := newWorld(t, func(asked *dns.Msg) *dns.Msg {
			out := m.Copy()
			out.Id, out.Response, out.Opcode, out.Question = asked.Id, true, 0, asked.Question
			if _, err := out.Pack(); err != nil {
				return new(dns.Msg).SetRcode(asked, dns.RcodeServerFailure)
			}
			return out
		}, Config{NegativeAnchors: []string{"test."}})
		reply := r.Ask(ctx, q.msg())
		if reply == nil || reply.AuthenticatedData || len(reply.Extra) != 1 {
			t.Fatalf("%v became %v", m, reply)
		}
		holdsNothingElse(t, reply)
	})
}

func holdsNothingElse(t *testing.T, reply *dns.Msg) {
	t.Helper()
	for _, rr := range reply.Answer {
		switch rr.Header().Rrtype {
		case dns.TypeA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeRRSIG:
		default:
			t.Fatalf("%v was passed on", rr)
		}
	}
}

// BenchmarkCachedAnswer is the path of nearly every question: parse, look up,
// patch.
func BenchmarkCachedAnswer(b *testing.B) {
	for name, q := range map[string]question{
		"plain":  {name: "cam.example.", qtype: dns.TypeA},
		"signed": {name: "cam.example.", qtype: dns.TypeA, do: true},
	} {
		b.Run(name, func(b *testing.B) {
			_, r := onInternet(b, Config{})
			packet, err := q.msg().Pack()
			if err != nil {
				b.Fatal(err)
			}
			from := netip.MustParseAddrPort("192.168.7.2:4000")
			r.handle(b.Context(), packet, from, false)
			out, req, now := make([]byte, 0, serverSize), request{from: from}, r.elapsed()
			b.ReportAllocs()
			for b.Loop() {
				if _, did := r.quick(out, packet, &req, now); did != replied {
					b.Fatal("not cached")
				}
			}
		})
	}
}
