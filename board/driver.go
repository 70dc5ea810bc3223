package board

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Driver lights the lamps of a board, hears its button and switches its relay. Its
// methods may be called by several goroutines, Button by one.
type Driver struct {
	board Board
	pins  map[Line]gpio.PinIO
	lamps [5]Lamp

	mu     sync.Mutex
	levels map[Line]gpio.Level // of the lamps
}

// Drive takes the lines over: lamps and relay as outputs, the button as an input that
// is pulled up.
func Drive(b Board, byName func(string) gpio.PinIO) (*Driver, error) {
	pins, err := b.Pins(byName)
	if err != nil {
		return nil, err
	}
	d := &Driver{
		board: b, pins: pins, levels: map[Line]gpio.Level{},
		lamps: [5]Lamp{b.DNSSEC, b.TLS, b.IPv6, b.Credentials, {Green: b.Run}},
	}
	if err := pins[b.Button].In(gpio.PullUp, gpio.BothEdges); err != nil {
		return nil, cannot(b.Button, err)
	}
	return d, d.Close()
}

// Name is that of the board.
func (d *Driver) Name() string { return d.board.Name }

func cannot(l Line, err error) error {
	return fmt.Errorf("cannot use the line %s: %w; may this user open /dev/gpiochip0 (group gpio)?", l, err)
}

// Light lights a lamp, counted from 0: DNSSEC, TLS, IPv6, Credentials, the run. The
// lamp of the run has one colour.
func (d *Driver) Light(lamp int, red, green bool) error {
	if lamp < 0 || lamp >= len(d.lamps) {
		return fmt.Errorf("there is no lamp %d", lamp)
	}
	l := d.lamps[lamp]
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.out(l.Red, gpio.Level(red)), d.out(l.Green, gpio.Level(green)))
}

// out writes a line whose level is not known to be that. The lock is held.
func (d *Driver) out(l Line, level gpio.Level) error {
	if before, known := d.levels[l]; l == "" || known && before == level {
		return nil
	}
	if err := d.pins[l].Out(level); err != nil {
		return cannot(l, err)
	}
	d.levels[l] = level
	return nil
}

// Cycle cuts the device's power and gives it back, also when ctx ends between.
func (d *Driver) Cycle(ctx context.Context, dark time.Duration) error {
	if err := d.power(gpio.High); err != nil {
		return errors.Join(err, d.power(gpio.Low)) // nobody knows how far it came
	}
	select {
	case <-time.After(dark):
	case <-ctx.Done():
	}
	if err := d.power(gpio.Low); err != nil {
		return err
	}
	return ctx.Err()
}

// power writes the relay, which cuts the power when its line is high. It is written
// whatever it was before: a device must not stay without power.
func (d *Driver) power(level gpio.Level) error {
	if err := d.pins[d.board.Relay].Out(level); err != nil {
		return cannot(d.board.Relay, err)
	}
	return nil
}

// Press is how the button was pressed.
type Press uint8

// The presses.
const (
	Short Press = iota // start or next
	Long               // three seconds: end the run
)

// The times of a button: contacts bounce for a few milliseconds.
const (
	bounce = 30 * time.Millisecond
	long   = 3 * time.Second
	listen = time.Second // how often it is looked whether somebody still listens
)

// Button tells each press, when the button is let go, until ctx is done. The button
// connects its line to ground.
func (d *Driver) Button(ctx context.Context, pressed func(Press)) error {
	pin := d.pins[d.board.Button]
	var since time.Time
	for ctx.Err() == nil {
		// One that cannot be waited for answers at once, and is then looked at now and
		// again.
		pin.WaitForEdge(listen)
		edge := time.Now()
		select {
		case <-time.After(bounce):
		case <-ctx.Done():
			return nil
		}
		down := pin.Read() == gpio.Low
		switch {
		case down && since.IsZero():
			since = edge
		case !down && !since.IsZero():
			pressed(pressFor(edge.Sub(since)))
			since = time.Time{}
		}
	}
	return nil
}

func pressFor(held time.Duration) Press {
	if held >= long {
		return Long
	}
	return Short
}

// Close makes every lamp dark and gives the device its power.
func (d *Driver) Close() error {
	var all error
	for i := range d.lamps {
		all = errors.Join(all, d.Light(i, false, false))
	}
	return errors.Join(all, d.power(gpio.Low))
}
