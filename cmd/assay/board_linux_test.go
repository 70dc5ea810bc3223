package main

import (
	"errors"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"assay/board"
	"assay/internal/assess/report"
	"assay/internal/panel"
	"assay/internal/panel/light"
	"assay/internal/run/config"
)

// wired is the board of a table: the lamps of a box on pins of the test.
func wired(t *testing.T) (light.Board, func() [light.Lamps]light.Colour) {
	t.Helper()
	b := board.Boards()[0]
	pins := map[board.Line]*gpiotest.Pin{}
	for _, l := range b.Lines() {
		pins[l] = &gpiotest.Pin{N: string(l), EdgesChan: make(chan gpio.Level)}
	}
	d, err := board.Drive(b, func(name string) gpio.PinIO { return pins[board.Line(name)] })
	if err != nil {
		t.Fatal(err)
	}
	l := newLamps(d)
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	return l, func() (out [light.Lamps]light.Colour) {
		for i, lamp := range []board.Lamp{b.DNSSEC, b.TLS, b.IPv6, b.Credentials} {
			red, green := pins[lamp.Red].Read() == gpio.High, pins[lamp.Green].Read() == gpio.High
			out[i] = map[[2]bool]light.Colour{{true, false}: light.Red, {false, true}: light.Green, {true, true}: light.Amber}[[2]bool{red, green}]
		}
		if pins[b.Run].Read() == gpio.High {
			out[light.RunLamp] = light.Green
		}
		return out
	}
}

// TestWiresShowWhatThePatternsSay: over three seconds of every pattern a report can ask
// for, on a board without wires and on pins.
func TestWiresShowWhatThePatternsSay(t *testing.T) {
	virtual := &light.Virtual{}
	onPins, read := wired(t)
	for name, b := range map[string]struct {
		board light.Board
		shown func() [light.Lamps]light.Colour
	}{"virtual": {virtual, virtual.Lamps}, "pins": {onPins, read}} {
		t.Run(name, func(t *testing.T) {
			player := light.NewPlayer(b.board)
			for _, state := range []report.LampState{
				report.LampGood, report.LampRemarks, report.LampBad, report.LampCritical, report.LampUnknown, report.LampOff,
			} {
				lit := light.Of(panel.Live{Runs: []panel.Run{{State: "done", Graded: true, Report: report.Report{Lamps: []report.Lamp{
					{Name: "DNSSEC", State: state}, {Name: "TLS", State: report.LampGood}, {Name: "Credentials", State: state},
				}}}}})
				playThrough(t, player, lit, b.shown)
			}
			if err := player.Off(); err != nil || b.shown() != [light.Lamps]light.Colour{} {
				t.Errorf("%v %v", b.shown(), err)
			}
		})
	}
}

// playThrough compares the first and the fourth lamp with their pattern for three
// seconds. A pattern that stays goes on where it was, and these two are always new.
func playThrough(t *testing.T, player *light.Player, lit [light.Lamps]light.Pattern, shown func() [light.Lamps]light.Colour) {
	t.Helper()
	for at := time.Duration(0); at < 3*time.Second; at += light.Every {
		if err := player.Show(lit, time.Unix(1e9, 0).Add(at)); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 3} {
			if got := shown()[i]; got != lit[i].At(at) {
				t.Fatalf("%s: lamp %d shows %v after %v", lit[i].Name(), i, got, at)
			}
		}
	}
}

// TestARelayNeedsItsBoard: a box that was told to switch the power does not pretend to.
func TestARelayNeedsItsBoard(t *testing.T) {
	for _, c := range []struct {
		set  config.Board
		fine bool
	}{
		{config.Board{Kind: "none"}, true},
		{config.Board{Kind: "none", Relay: true}, false},
		{config.Board{Kind: "pi9"}, false},
	} {
		l, err := openLamps(c.set)
		if l != nil || (err == nil) != c.fine {
			t.Errorf("%+v: %v", c.set, err)
		}
		var wrong failure
		if err != nil && (!errors.As(err, &wrong) || wrong.code != exitMissing) {
			t.Errorf("%+v ends with %d", c.set, wrong.code)
		}
	}
}
