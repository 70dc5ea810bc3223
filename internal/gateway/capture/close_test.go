//go:build linux

package capture

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// waiting starts a reader and returns what its Next ends with, once it waits.
func waiting(t *testing.T, ctx context.Context, c *Capture) <-chan error {
	t.Helper()
	if _, err := c.Next(ctx); err != nil { // the state of the link
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := c.Next(ctx); err != nil {
				done <- err
				return
			}
		}
	}()
	return done
}

func ends(t *testing.T, done <-chan error, want error) {
	t.Helper()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			t.Errorf("Next ended with %v, want %v", err, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Next did not end")
	}
}

func TestCloseEndsTheWait(t *testing.T) {
	_, device := cable(t)
	c := open(t, Config{Interface: "box"})
	newSender(t, device).send(frameOf(1, 60))
	collect(t, c, 1)
	done := make(chan error, 1)
	go func() {
		_, err := c.Next(context.Background())
		done <- err
	}()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	ends(t, done, ErrClosed)
	if _, err := c.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	}
	if n := c.Counts(); n.Seen != 1 || n.Delivered != 1 {
		t.Errorf("the counts after Close are %+v", n)
	}
	if err := c.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	if !c.freed {
		t.Error("the ring was not given back")
	}
}

func TestContextEndsTheWait(t *testing.T) {
	cable(t)
	c := open(t, Config{Interface: "box"})
	ctx, cancel := context.WithCancel(t.Context())
	done := waiting(t, ctx, c)
	cancel()
	ends(t, done, context.Canceled)
}

func TestABatchOutlivesClose(t *testing.T) {
	_, device := cable(t)
	c := open(t, Config{Interface: "box"})
	newSender(t, device).send(frameOf(7, 60))
	var batch Batch
	for len(batch.Frames) == 0 {
		var err error
		if batch, err = c.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close()
	if got := batch.Frames[0].Data[17]; got != 7 {
		t.Errorf("the frame reads %d", got)
	}
	if c.freed {
		t.Error("the ring was given back under the reader")
	}
	c.Release()
	if !c.freed {
		t.Error("the ring was not given back")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	cable(t)
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"no name":      {Config{}, "no interface is named"},
		"unknown":      {Config{Interface: "eth7"}, "no such interface"},
		"long name":    {Config{Interface: "averyverylongnameindeed"}, "no interface can have such a name"},
		"odd block":    {Config{Interface: "box", BlockSize: 3 << 17}, "power of two"},
		"small block":  {Config{Interface: "box", BlockSize: 4096}, "power of two"},
		"one block":    {Config{Interface: "box", Blocks: 1}, "at least 2"},
		"much memory":  {Config{Interface: "box", Blocks: 1 << 20}, "at most"},
		"slow retire":  {Config{Interface: "box", Retire: time.Hour}, "handed out every"},
		"short retire": {Config{Interface: "box", Retire: time.Microsecond}, "handed out every"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "cannot capture") {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
		})
	}
}
