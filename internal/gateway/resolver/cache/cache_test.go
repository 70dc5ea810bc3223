package cache

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func entry(size int, expires time.Duration) *Entry {
	p := Packed{Wire: make([]byte, size)}
	return &Entry{Full: p, Plain: p, Expires: expires}
}

func TestFreshAndStale(t *testing.T) {
	c := New(100, 1<<20)
	c.Put([]byte("a"), entry(10, time.Minute))
	if c.Get([]byte("a"), time.Minute-1) == nil || c.Get([]byte("a"), time.Minute) != nil || c.Peek([]byte("a")) == nil || c.Peek([]byte("b")) != nil {
		t.Error("an entry is there up to its end, and to be seen after it")
	}
	c.Clear()
	if n, size := c.Size(); n != 0 || size != 0 || c.Peek([]byte("a")) != nil {
		t.Errorf("%d entries, %d bytes after Clear", n, size)
	}
}

// TestBoundsHold whatever is put in, replaced and asked for.
func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries, bytes := rapid.IntRange(shards, 200).Draw(t, "entries"), rapid.IntRange(shards*1000, 200_000).Draw(t, "bytes")
		c := New(entries, bytes)
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			key := []byte(fmt.Sprint(rapid.IntRange(0, 300).Draw(t, "key")))
			if rapid.Bool().Draw(t, "put") {
				e := entry(rapid.IntRange(0, 3000).Draw(t, "size"), time.Hour)
				c.Put(key, e)
				if got := c.Peek(key); got != nil && got != e {
					t.Fatal("an older answer survived a newer one")
				}
			} else {
				c.Get(key, 0)
			}
			if n, size := c.Size(); n > entries || size > bytes {
				t.Fatalf("%d of %d entries, %d of %d bytes", n, entries, size, bytes)
			}
		}
		total := 0
		for i := range c.shards {
			for _, s := range c.shards[i].table {
				total += s.cost
			}
		}
		if _, size := c.Size(); size != total {
			t.Fatalf("%d bytes charged, the entries cost %d", size, total)
		}
	})
}

// TestTheUsedStay: an answer asked for again and again outlives a flood of
// others.
func TestTheUsedStay(t *testing.T) {
	c := New(160, 1<<20)
	c.Put([]byte("mine"), entry(10, time.Hour))
	for i := range 5000 {
		if c.Get([]byte("mine"), 0) == nil {
			t.Fatalf("gone after %d others", i)
		}
		c.Put(fmt.Appendf(nil, "flood%d", i), entry(10, time.Hour))
	}
}
