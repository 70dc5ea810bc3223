package board

import (
	"strconv"
	"strings"
	"testing"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
)

// reserved are the header's lines that something else may need: I2C (2, 3), SPI
// (7 to 11) and the serial console (14, 15).
var reserved = map[int]bool{2: true, 3: true, 7: true, 8: true, 9: true, 10: true, 11: true, 14: true, 15: true}

func TestEveryLineIsFreeAndUsedOnce(t *testing.T) {
	for _, b := range Boards() {
		seen := map[Line]bool{}
		for _, l := range b.Lines() {
			n, err := strconv.Atoi(strings.TrimPrefix(string(l), "GPIO"))
			if err != nil || n < 2 || n > 27 || reserved[n] {
				t.Errorf("%s: line %q is not a free line of the header", b.Name, l)
			}
			if seen[l] {
				t.Errorf("%s: line %s is used twice", b.Name, l)
			}
			seen[l] = true
		}
		if len(seen) != 11 {
			t.Errorf("%s: %d lines, want 11: two for each lamp, run lamp, button, relay", b.Name, len(seen))
		}
	}
}

func TestByModel(t *testing.T) {
	tests := map[string]string{
		"Raspberry Pi 3 Model B Plus Rev 1.3": "rpi3",
		"Raspberry Pi 4 Model B Rev 1.5":      "rpi4",
		"Raspberry Pi 5 Model B Rev 1.0":      "rpi5",
		"Raspberry Pi Zero 2 W Rev 1.0":       "zero2w",
		"Raspberry Pi Zero W Rev 1.1":         "",
		"linux,dummy-virt":                    "",
	}
	for model, want := range tests {
		if b, ok := ByModel(model); b.Name != want || ok != (want != "") {
			t.Errorf("ByModel(%q) is %q, want %q", model, b.Name, want)
		}
	}
}

func TestPins(t *testing.T) {
	b, _ := ByModel("Raspberry Pi 4 Model B")
	there := map[string]gpio.PinIO{}
	for _, l := range b.Lines() {
		there[string(l)] = &gpiotest.Pin{N: string(l)}
	}
	look := func(name string) gpio.PinIO {
		if p, ok := there[name]; ok {
			return p
		}
		return nil
	}
	pins, err := b.Pins(look)
	if err != nil || len(pins) != len(b.Lines()) {
		t.Fatalf("got %d pins, error %v", len(pins), err)
	}
	if err := pins[b.TLS.Green].Out(gpio.High); err != nil {
		t.Fatal(err)
	}
	if got := there[string(b.TLS.Green)].Read(); got != gpio.High {
		t.Errorf("the green TLS lamp is %v", got)
	}
	delete(there, "GPIO17")
	delete(there, "GPIO27")
	if _, err := b.Pins(look); err == nil || !strings.Contains(err.Error(), "GPIO17, GPIO27") {
		t.Errorf("got %v, want both missing lines named", err)
	}
}
