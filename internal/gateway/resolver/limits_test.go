package resolver

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func TestRateOfOneClient(t *testing.T) {
	c := newClients(Limits{ClientRate: 10}.withDefaults())
	bad, good := netip.MustParseAddr("192.168.7.66"), netip.MustParseAddr("192.168.7.2")
	allowed := 0
	for range 1000 {
		if c.ask(bad, 0) {
			allowed++
		}
	}
	if allowed != 20 {
		t.Errorf("%d questions at once, a burst is two seconds' worth", allowed)
	}
	if !c.ask(good, 0) {
		t.Error("one client's flood is held against another")
	}
	if !c.ask(bad, time.Second) {
		t.Error("the flood is never forgiven")
	}
}

// TestTableOfClientsIsBounded: a flood of forged sources neither grows the table
// nor throws out a client with something open.
func TestTableOfClientsIsBounded(t *testing.T) {
	c := newClients(Limits{}.withDefaults())
	mine := netip.MustParseAddr("2001:db8::1")
	if !c.begin(mine, 0) || !c.connect(mine, 0) {
		t.Fatal("the first question is refused")
	}
	for i := range 100_000 {
		a := netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
		c.ask(a, time.Duration(i)*time.Microsecond)
	}
	total := 0
	for i := range c.parts {
		total += len(c.parts[i].table)
	}
	if total > clientParts*clientsPerPart {
		t.Errorf("%d clients are remembered", total)
	}
	if e := c.part(mine).table[mine]; e == nil || e.open != 1 || e.conns != 1 {
		t.Errorf("the open client was forgotten: %+v", e)
	}
	c.end(mine)
	c.disconnect(mine)
}

func TestOpenQuestionsAreBounded(t *testing.T) {
	w, r := unsigned(t, nil, Config{Limits: Limits{Pending: 5, ClientOpen: 3}})
	one, two := netip.MustParseAddrPort("192.168.7.66:1"), netip.MustParseAddrPort("192.168.7.2:1")
	count := func(from netip.AddrPort) (n int) {
		for range 10 {
			if r.admit(from, 0) {
				n++
			}
		}
		return n
	}
	if a, b := count(one), count(two); a != 3 || b != 2 {
		t.Errorf("%d and %d are let in, want 3 of one client and 5 in all", a, b)
	}
	for range 3 {
		r.leave(one)
	}
	if !r.admit(two, 0) {
		t.Error("what has ended still counts")
	}
	if r.Counts().Dropped != 15 || len(w.noted("refused")) != 2 {
		t.Errorf("%d dropped, notes %v", r.Counts().Dropped, w.noted("refused"))
	}
}

func TestNotesOfAFloodAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := unsigned(t, nil, Config{})
		for range 1000 {
			r.drop("flood", netip.MustParseAddrPort("192.168.7.66:53"))
		}
		<-time.After(noteEvery)
		r.drop("flood", netip.MustParseAddrPort("192.168.7.66:53"))
		notes := w.noted("refused")
		if len(notes) != 2 || notes[1]["count"] != 1000.0 || notes[1]["from"] != "192.168.7.66:53" || notes[1]["by"] != "resolver" {
			t.Errorf("notes %v", notes)
		}
		if n := r.Counts().Refused["flood"]; n != 1001 {
			t.Errorf("%d counted", n)
		}
	})
}

func TestCacheStaysWithinBounds(t *testing.T) {
	_, r := unsigned(t, func(q *dns.Msg) *dns.Msg {
		return fixed(t, q.Question[0].Name+" 60 A 192.0.2.1")(q)
	}, Config{Limits: Limits{CacheEntries: 64, CacheBytes: 1 << 16}})
	for i := range 500 {
		over(t, r, question{name: string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".test.", qtype: dns.TypeA}.msg())
	}
	if c := r.Counts(); c.CacheEntries > 64 || c.CacheBytes > 1<<16 || c.CacheEntries < 32 {
		t.Errorf("%d entries, %d bytes", c.CacheEntries, c.CacheBytes)
	}
}
