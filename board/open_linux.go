package board

import (
	"fmt"
	"os"
	"strings"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio/gpioreg"
	_ "periph.io/x/host/v3/gpioioctl" // lines of the kernel's character device, and nothing that maps memory
)

// modelFile is where the kernel names the computer (Devicetree Specification, "model").
const modelFile = "/proc/device-tree/model"

// Open finds the board of this computer, or the one that is named, and takes its lines
// over.
func Open(name string) (*Driver, error) {
	b, err := choose(name, readModel)
	if err != nil {
		return nil, err
	}
	if _, err := driverreg.Init(); err != nil {
		return nil, fmt.Errorf("cannot use the lamps of %s: %w", b.Name, err)
	}
	return Drive(b, gpioreg.ByName)
}

func readModel() (string, error) {
	text, err := os.ReadFile(modelFile)
	return strings.TrimRight(string(text), "\x00\n"), err
}
