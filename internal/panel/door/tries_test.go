package door

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func newTries() *tries { return &tries{by: map[netip.Prefix]try{}} }

// TestWaitsGrow: each time a place uses its tries up it waits twice as long, up to a
// bound, and an hour of peace forgives.
func TestWaitsGrow(t *testing.T) {
	all, now, from := newTries(), time.Unix(1700000000, 0), netip.MustParsePrefix("198.51.100.7/32")
	use := func() time.Duration {
		for i := range triesMost {
			if wait := all.take(from, now); wait > 0 {
				t.Fatalf("try %d has to wait %v", i, wait)
			}
		}
		return all.take(from, now)
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 16} {
		wait := use()
		if wait != want*time.Minute {
			t.Errorf("wait %d: %v", i, wait)
		}
		now = now.Add(wait)
	}
	now = now.Add(forget)
	if wait := use(); wait != time.Minute {
		t.Errorf("after an hour: %v", wait)
	}
}

// TestTheKeyForgives: who holds it is no guesser, and costs the others nothing.
func TestTheKeyForgives(t *testing.T) {
	all, now, from := newTries(), time.Unix(1700000000, 0), netip.MustParsePrefix("198.51.100.7/32")
	for i := range 10 * allTries {
		if wait := all.take(from, now); wait > 0 {
			t.Fatalf("entry %d has to wait %v", i, wait)
		}
		all.right(from)
	}
	if len(all.by) != 0 {
		t.Errorf("%d places are remembered", len(all.by))
	}
}

// TestManyAtTheSameMoment are no more than one after the other.
func TestManyAtTheSameMoment(t *testing.T) {
	_, h := opened(t, Config{})
	var heard atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range 200 {
		all.Go(func() {
			<-start
			w := ask(h, "POST", "/enter", reader, url.Values{"token": {fmt.Sprint("guess ", i)}}, nil)
			if w.Code == http.StatusUnauthorized {
				heard.Add(1)
			} else if w.Header().Get("Retry-After") == "" {
				t.Errorf("%d without a time to wait", w.Code)
			}
		})
	}
	close(start)
	all.Wait()
	if heard.Load() != triesMost {
		t.Errorf("%d guesses were looked at", heard.Load())
	}
}

// TestGuessesAreBounded: whoever guesses from wherever at whatever times, no more keys
// are looked at than the bounds allow, and no more places remembered.
func TestGuessesAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, now := newTries(), time.Unix(1700000000, 0)
		var heard []time.Time
		for range rapid.IntRange(1, 400).Draw(t, "guesses") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "pause")) * time.Millisecond)
			n := rapid.Uint16().Draw(t, "place")
			from := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(n >> 8), byte(n)}), 64)
			if all.take(from, now) == 0 {
				heard = append(heard, now)
			}
		}
		for i := 2 * allTries; i < len(heard); i++ {
			if heard[i].Sub(heard[i-2*allTries]) < triesWindow {
				t.Fatalf("more than %d keys within a minute", 2*allTries)
			}
		}
	})
	all, now := newTries(), time.Unix(1700000000, 0)
	for i := range 3 * placesMost {
		now = now.Add(2 * time.Second)
		all.take(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), now)
	}
	if len(all.by) != placesMost {
		t.Errorf("%d places are remembered", len(all.by))
	}
}

// TestAClockSetBack locks nobody out for longer than the longest wait and an hour.
func TestAClockSetBack(t *testing.T) {
	all, now, from := newTries(), time.Unix(1700000000, 0), netip.MustParsePrefix("198.51.100.7/32")
	for range allTries {
		all.take(from, now)
	}
	if wait := all.take(from, now.Add(-1000*time.Hour)); wait > 0 {
		t.Errorf("a place that was out waits %v", wait)
	}
}
