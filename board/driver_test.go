package board

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
)

// bench is a board on a table: every line is a pin of the test.
func bench(t *testing.T) (*Driver, map[Line]*gpiotest.Pin) {
	t.Helper()
	b := Boards()[0]
	pins := map[Line]*gpiotest.Pin{}
	for _, l := range b.Lines() {
		pins[l] = &gpiotest.Pin{N: string(l), EdgesChan: make(chan gpio.Level), L: gpio.High}
	}
	d, err := Drive(b, func(name string) gpio.PinIO { return pins[Line(name)] })
	if err != nil {
		t.Fatal(err)
	}
	return d, pins
}

// TestLampsAndRelayBeginDark: whatever the lines were before, the device has its power.
func TestLampsAndRelayBeginDark(t *testing.T) {
	d, pins := bench(t)
	for l, p := range pins {
		if l != d.board.Button && p.Read() != gpio.Low {
			t.Errorf("%s is high", l)
		}
	}
}

// TestEachLampHasItsLines
func TestEachLampHasItsLines(t *testing.T) {
	d, pins := bench(t)
	b := d.board
	for i, l := range []Lamp{b.DNSSEC, b.TLS, b.IPv6, b.Credentials, {Green: b.Run}} {
		if err := d.Light(i, true, true); err != nil {
			t.Fatal(err)
		}
		for line, p := range pins {
			lit := line == l.Red || line == l.Green
			if line != b.Button && (p.Read() == gpio.High) != lit {
				t.Errorf("lamp %d: %s is %v", i, line, p.Read())
			}
		}
		if err := d.Light(i, false, false); err != nil {
			t.Fatal(err)
		}
	}
	if d.Light(5, true, true) == nil || d.Light(-1, true, true) == nil {
		t.Error("a lamp that is not there is lit")
	}
}

// TestTheRelayAlwaysGivesThePowerBack: also when nobody waits any more.
func TestTheRelayAlwaysGivesThePowerBack(t *testing.T) {
	d, pins := bench(t)
	if err := d.Cycle(t.Context(), time.Millisecond); err != nil || pins[d.board.Relay].Read() != gpio.Low {
		t.Errorf("%v, the relay is %v", err, pins[d.board.Relay].Read())
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := d.Cycle(ctx, time.Hour); !errors.Is(err, context.Canceled) || pins[d.board.Relay].Read() != gpio.Low {
		t.Errorf("%v, the relay is %v", err, pins[d.board.Relay].Read())
	}
}

// TestTheButton: a press is told when the button is let go, once.
func TestTheButton(t *testing.T) {
	d, pins := bench(t)
	ctx, stop := context.WithCancel(t.Context())
	told, ended := make(chan Press, 4), make(chan error, 1)
	go func() { ended <- d.Button(ctx, func(p Press) { told <- p }) }()
	button := pins[d.board.Button]
	for range 2 {
		button.EdgesChan <- gpio.Low
		button.EdgesChan <- gpio.High
		if got := <-told; got != Short {
			t.Errorf("a short press is %v", got)
		}
	}
	stop()
	if err := <-ended; err != nil || len(told) != 0 {
		t.Errorf("%v, %d more presses", err, len(told))
	}
}

// TestChoosing: by name, by model, and with words that help.
func TestChoosing(t *testing.T) {
	says := func(text string, err error) func() (string, error) {
		return func() (string, error) { return text, err }
	}
	for _, c := range []struct {
		name  string
		model func() (string, error)
		want  string // board, or part of the error
	}{
		{"auto", says("Raspberry Pi 4 Model B Rev 1.5", nil), "rpi4"},
		{"auto", says("Raspberry Pi 5 Model B Rev 1.0", nil), "rpi5"},
		{"auto", says("Raspberry Pi Zero 2 W Rev 1.0", nil), "zero2w"},
		{"auto", says("Raspberry Pi 3 Model B Plus Rev 1.3", nil), "rpi3"},
		{"rpi3", says("", errors.New("no file")), "rpi3"},
		{"auto", says("", errors.New("no file")), "name the board"},
		{"auto", says("Toaster 3000", nil), "Toaster 3000"},
		{"pi9", says("", nil), "none or one of rpi3"},
	} {
		b, err := choose(c.name, c.model)
		if err == nil && b.Name != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s %v", c.name, b.Name, err)
		}
	}
}

// TestHowLongTheButtonIsHeld: contacts that bounce are one press, and three seconds are
// a long one.
func TestHowLongTheButtonIsHeld(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		held time.Duration
		want []Press
	}{
		{"a spike", 5 * ms, nil},
		{"a touch", 200 * ms, []Press{Short}},
		{"nearly long", 2900 * ms, []Press{Short}},
		{"long", 3100 * ms, []Press{Long}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, pins := bench(t)
				ctx, stop := context.WithCancel(t.Context())
				var told []Press
				ended := make(chan error, 1)
				go func() { ended <- d.Button(ctx, func(p Press) { told = append(told, p) }) }()
				// The edges of a real line wait until they are read; its level does not.
				move := func(l gpio.Level) {
					_ = pins[d.board.Button].Out(l)
					pins[d.board.Button].EdgesChan <- l
				}
				go move(gpio.Low)
				<-time.After(c.held)
				_ = pins[d.board.Button].Out(gpio.High)
				go func() {
					for _, l := range []gpio.Level{gpio.High, gpio.Low, gpio.High} {
						pins[d.board.Button].EdgesChan <- l
						_ = pins[d.board.Button].Out(gpio.High)
					}
				}()
				<-time.After(2 * time.Second)
				stop()
				if err := <-ended; err != nil || !slices.Equal(told, c.want) {
					t.Errorf("%v, %v", told, err)
				}
			})
		})
	}
}

// weak is a line that fails some of the times it is written.
type weak struct {
	*gpiotest.Pin
	fail func(gpio.Level) bool
}

func (w *weak) Out(l gpio.Level) error {
	if w.fail != nil && w.fail(l) {
		return errors.New("no current")
	}
	return w.Pin.Out(l)
}

// TestTheEndGivesThePowerBack: where the relay failed to, just before.
func TestTheEndGivesThePowerBack(t *testing.T) {
	b := Boards()[0]
	relay := &weak{Pin: &gpiotest.Pin{N: string(b.Relay)}}
	d, err := Drive(b, func(name string) gpio.PinIO {
		if Line(name) == b.Relay {
			return relay
		}
		return &gpiotest.Pin{N: name, EdgesChan: make(chan gpio.Level)}
	})
	if err != nil {
		t.Fatal(err)
	}
	relay.fail = func(l gpio.Level) bool { return l == gpio.Low }
	if err := d.Cycle(t.Context(), time.Millisecond); err == nil || !strings.Contains(err.Error(), string(b.Relay)) {
		t.Errorf("the failure is not told: %v", err)
	}
	relay.fail = nil
	if err := d.Close(); err != nil || relay.Read() != gpio.Low {
		t.Errorf("%v, the relay is %v", err, relay.Read())
	}
}

// TestAButtonThatCannotBeHeard costs no more than a look now and again.
func TestAButtonThatCannotBeHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Boards()[0]
		deaf := &deafLine{Pin: &gpiotest.Pin{N: string(b.Button), EdgesChan: make(chan gpio.Level)}}
		d, err := Drive(b, func(name string) gpio.PinIO {
			if Line(name) == b.Button {
				return deaf
			}
			return &gpiotest.Pin{N: name}
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := d.Button(ctx, func(Press) { t.Error("nobody pressed it") }); err != nil || deaf.asked > 40 {
			t.Errorf("asked %d times in a second, %v", deaf.asked, err)
		}
	})
}

// deafLine fails at once when it is waited for.
type deafLine struct {
	*gpiotest.Pin
	asked int
}

func (d *deafLine) WaitForEdge(time.Duration) bool {
	d.asked++
	return false
}
