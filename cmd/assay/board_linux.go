package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"assay/board"
	"assay/internal/panel/light"
	"assay/internal/run/config"
	"assay/internal/run/show"
)

// lamps are those of a box, with its button and its relay.
type lamps struct {
	driver *board.Driver
	player *light.Player
	life   context.Context // done at the end
	ended  sync.WaitGroup
	stop   context.CancelFunc
}

// openLamps takes the board over. Where none was asked for by name and none is there,
// it is nil; a relay needs its board.
func openLamps(set config.Board) (*lamps, error) {
	var d *board.Driver
	var err error
	if set.Kind != "none" {
		d, err = board.Open(set.Kind)
	}
	switch {
	case err != nil && !absent(set, err):
		return nil, fail(exitMissing, "%w; 'board: {kind: none}' in the settings does without", err)
	case d == nil && set.Relay:
		return nil, fail(exitMissing, "the settings say that the device's power goes over the relay (board.relay), but there is no board: name it under board.kind, or turn board.relay off")
	case d == nil:
		return nil, nil //nolint:nilnil // there need not be one
	}
	return newLamps(d), nil
}

// absent says that a board was only looked for, and is not there.
func absent(set config.Board, err error) bool {
	return set.Kind == "auto" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, board.ErrUnknown))
}

func newLamps(d *board.Driver) *lamps {
	l := &lamps{driver: d}
	l.player = light.NewPlayer(l)
	l.life, l.stop = context.WithCancel(context.Background())
	return l
}

// Set lights a lamp in a colour.
func (l *lamps) Set(lamp int, c light.Colour) error {
	return l.driver.Light(lamp, c == light.Red || c == light.Amber, c == light.Green || c == light.Amber)
}

// follow shows what goes on, and hears the button.
func (l *lamps) follow(s *show.Show, c controls, warn func(error)) {
	ctx := l.life
	ticks := time.NewTicker(light.Every)
	l.ended.Go(func() {
		defer ticks.Stop()
		if err := l.player.Play(ctx, s.Live, ticks.C); err != nil {
			warn(err)
		}
	})
	l.ended.Go(func() {
		if err := l.driver.Button(ctx, func(p board.Press) { l.pressed(ctx, p, s, c, warn) }); err != nil {
			warn(err)
		}
	})
}

// pressed does what the button asks for: a short press begins with the next device, a
// long one ends the run that goes on.
func (l *lamps) pressed(ctx context.Context, p board.Press, s *show.Show, c controls, warn func(error)) {
	if p == board.Short {
		if err := c.box.Desk().Again(ctx); err != nil {
			warn(err)
		}
		return
	}
	for _, r := range s.Live().Runs {
		if !r.Ended() {
			if err := c.End(ctx, r.ID, "The button of the box was held."); err != nil {
				warn(err)
			}
		}
	}
}

// darkFor is how long the device is without power: long enough for every capacitor.
const darkFor = 5 * time.Second

// cycle switches the device off and on.
func (l *lamps) cycle(ctx context.Context) (string, error) {
	return "relay", l.driver.Cycle(ctx, darkFor)
}

// test lights each lamp in turn while nothing else is shown.
func (l *lamps) test(ctx context.Context, tell func(string)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(l.life, stop)()
	return l.player.Test(ctx, tell)
}

// close ends the lamps; they are dark then.
func (l *lamps) close() error {
	if l == nil {
		return nil
	}
	l.stop()
	l.ended.Wait()
	return l.driver.Close()
}

// testLamps is 'assay doctor --lamps'.
func testLamps(ctx context.Context, c *console, set config.Board) error {
	l, err := openLamps(set)
	if err != nil {
		return err
	}
	if l == nil {
		return fail(exitMissing, "there are no lamps to test: this computer is no board with known wiring; name one in the settings under board.kind")
	}
	c.tell("assay: compare each lamp with these words\n")
	return errors.Join(l.test(ctx, func(words string) { _, _ = fmt.Fprintln(c.out, words) }), l.close())
}
