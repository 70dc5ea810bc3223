// Package board says which GPIO lines of which single-board computer drive the
// box's lamps, button and relay, as plain values, and finds them by name.
//
// It must not know what a lamp means or when it is lit, and it opens no chip by
// itself: the caller hands in how lines are looked up.
package board

import (
	"errors"
	"fmt"
	"strings"

	"periph.io/x/conn/v3/gpio"
)

// Line is a GPIO line by the name that the kernel's device tree gives it. The
// Raspberry Pi trees name all lines of the header "GPIO2" to "GPIO27".
type Line string

// Lamp is one bicolour lamp: a line for each colour.
type Lamp struct {
	Red, Green Line
}

// Board is one computer with its wiring.
type Board struct {
	Name string
	// Model is how /proc/device-tree/model begins on this computer.
	Model string
	// DNSSEC, TLS, IPv6 and Credentials are the four headline lamps.
	DNSSEC, TLS, IPv6, Credentials Lamp
	Run                            Line // lamp for the state of the run
	Button                         Line // start or next, to ground
	Relay                          Line // switches the device's power
}

// header is the wiring of every Raspberry Pi with the 40-pin header: one cable
// fits all. It stays clear of the lines that serial port, I2C and SPI use.
func header(name, model string) Board {
	return Board{
		Name: name, Model: model,
		DNSSEC:      Lamp{Red: "GPIO5", Green: "GPIO6"},
		TLS:         Lamp{Red: "GPIO12", Green: "GPIO13"},
		IPv6:        Lamp{Red: "GPIO16", Green: "GPIO19"},
		Credentials: Lamp{Red: "GPIO20", Green: "GPIO21"},
		Run:         "GPIO26",
		Button:      "GPIO17",
		Relay:       "GPIO27",
	}
}

// Boards lists the computers whose wiring is known.
func Boards() []Board {
	return []Board{
		header("rpi3", "Raspberry Pi 3 "),
		header("rpi4", "Raspberry Pi 4 "),
		header("rpi5", "Raspberry Pi 5 "),
		header("zero2w", "Raspberry Pi Zero 2 "),
	}
}

// ByModel finds the board for the text in /proc/device-tree/model.
func ByModel(model string) (Board, bool) {
	for _, b := range Boards() {
		if strings.HasPrefix(model, b.Model) {
			return b, true
		}
	}
	return Board{}, false
}

// Lines lists every line that the wiring uses.
func (b Board) Lines() []Line {
	var out []Line
	for _, l := range []Lamp{b.DNSSEC, b.TLS, b.IPv6, b.Credentials} {
		out = append(out, l.Red, l.Green)
	}
	return append(out, b.Run, b.Button, b.Relay)
}

// Pins looks up every line. The error names all lines that are not there.
func (b Board) Pins(byName func(string) gpio.PinIO) (map[Line]gpio.PinIO, error) {
	pins := map[Line]gpio.PinIO{}
	var missing []string
	for _, l := range b.Lines() {
		p := byName(string(l))
		if p == nil {
			missing = append(missing, string(l))
			continue
		}
		pins[l] = p
	}
	if missing != nil {
		return nil, fmt.Errorf("cannot use the lamps of %s: the kernel names no line %s; is this a %s?",
			b.Name, strings.Join(missing, ", "), strings.TrimSpace(b.Model))
	}
	return pins, nil
}

// ErrUnknown says that this computer is none of those whose wiring is known.
var ErrUnknown = errors.New("boards with known wiring are others")

// choose finds a board by its name, or by the model of the computer when the name is
// "auto".
func choose(name string, model func() (string, error)) (Board, error) {
	var known []string
	for _, b := range Boards() {
		if b.Name == name {
			return b, nil
		}
		known = append(known, b.Name)
	}
	if name != "auto" {
		return Board{}, fmt.Errorf("there is no board %q: take auto, none or one of %s", name, strings.Join(known, ", "))
	}
	text, err := model()
	if err != nil {
		return Board{}, fmt.Errorf("cannot tell which computer this is: %w; name the board in the settings, or none", err)
	}
	b, ok := ByModel(text)
	if !ok {
		return b, fmt.Errorf("cannot light lamps on %q: %w: %s", text, ErrUnknown, strings.Join(known, ", "))
	}
	return b, nil
}
