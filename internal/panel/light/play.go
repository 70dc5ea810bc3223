package light

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"assay/internal/panel"
)

// Board is what lamps are lit on.
type Board interface {
	// Set lights a lamp, counted from 0.
	Set(lamp int, c Colour) error
}

// Player plays patterns on a board and writes only what changes. Its methods may be
// called by several goroutines.
type Player struct {
	board Board
	mu    sync.Mutex // held while the board is written, and for all of Test
	shown [Lamps]Colour
	known bool // shown is what the board shows
	began [Lamps]time.Time
	names [Lamps]string
}

// NewPlayer makes a player; the first Show writes every lamp.
func NewPlayer(b Board) *Player { return &Player{board: b} }

// ErrBusy says that the lamps are being tested.
var ErrBusy = errors.New("the lamps are being tested already; wait for the end of it")

// Show brings the board to the moment. A pattern begins anew when it changes. While the
// lamps are tested it does nothing.
func (p *Player) Show(patterns [Lamps]Pattern, now time.Time) error {
	if !p.mu.TryLock() {
		return nil
	}
	defer p.mu.Unlock()
	var want [Lamps]Colour
	for i, v := range patterns {
		if p.names[i] != v.Name() {
			p.names[i], p.began[i] = v.Name(), now
		}
		want[i] = v.At(now.Sub(p.began[i]))
	}
	return p.set(want)
}

// Off makes every lamp dark, after a test that goes on.
func (p *Player) Off() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dark()
}

// dark writes every lamp, whatever is thought to be shown.
func (p *Player) dark() error {
	p.known = false
	return p.set([Lamps]Colour{})
}

func (p *Player) set(want [Lamps]Colour) error {
	var all error
	for i, c := range want {
		if p.known && p.shown[i] == c {
			continue
		}
		if err := p.board.Set(i, c); err != nil {
			all = errors.Join(all, fmt.Errorf("cannot light the lamp %s: %w", names[i], err))
		}
	}
	p.shown, p.known = want, all == nil // after a failure all are written again
	return all
}

// Play follows what goes on until ctx is done; then all lamps are dark. It returns the
// last error of the board: a lamp that fails for a moment stops nothing.
func (p *Player) Play(ctx context.Context, live func() panel.Live, ticks <-chan time.Time) error {
	var last error
	for {
		select {
		case now := <-ticks:
			last = p.Show(Of(live()), now)
		case <-ctx.Done():
			return errors.Join(last, p.Off())
		}
	}
}

// Every is how often Play wants a tick.
const Every = slot

// testFor is how long each colour of a lamp is lit by Test.
const testFor = 700 * time.Millisecond

// Test lights each lamp in each colour in turn, and tells which before it does. At its
// end all lamps are dark until the next Show. It returns ErrBusy while another goes on.
func (p *Player) Test(ctx context.Context, tell func(words string)) error {
	if !p.mu.TryLock() {
		return ErrBusy
	}
	defer p.mu.Unlock()
	for i, name := range names {
		for _, c := range []Colour{Red, Green} {
			if i == RunLamp && c == Red {
				continue // it has one colour
			}
			tell(name + ": " + map[Colour]string{Red: "red", Green: "green"}[c])
			var want [Lamps]Colour
			want[i] = c
			if err := p.set(want); err != nil {
				return errors.Join(err, p.dark())
			}
			select {
			case <-time.After(testFor):
			case <-ctx.Done():
				return errors.Join(ctx.Err(), p.dark())
			}
		}
	}
	return p.dark()
}

// Virtual is a board without wires.
type Virtual struct {
	mu    sync.Mutex
	lamps [Lamps]Colour
	sets  int
}

// Set lights a lamp.
func (v *Virtual) Set(lamp int, c Colour) error {
	if lamp < 0 || lamp >= Lamps {
		return fmt.Errorf("there is no lamp %d", lamp)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lamps[lamp] = c
	v.sets++
	return nil
}

// Lamps is what the board shows.
func (v *Virtual) Lamps() [Lamps]Colour {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lamps
}
