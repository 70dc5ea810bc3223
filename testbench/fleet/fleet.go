package fleet

import "fmt"

// Device is one of the virtual products.
type Device struct {
	Name  string // as Run takes it: "good-camera"
	Title string // as people call it: "A careful camera"
	Words string // one sentence on what it is
	MAC   [6]byte
}

// The names of the devices.
const (
	GoodCamera     = "good-camera"
	CarelessCamera = "careless-camera"
	Plug           = "plug"
	Hub            = "hub"
)

// All lists the devices in the order of the demonstration. Their hardware addresses
// are from the block for documentation (RFC 9542 section 2.1.2).
func All() []Device {
	return []Device{
		{GoodCamera, "A careful camera", "It checks every certificate, speaks IPv6, and its own page needs a password that no other unit has.", number(0x11)},
		{CarelessCamera, "A careless camera", "It takes any certificate for genuine, asks a resolver of its own choice, and its page and Telnet open with the factory password.", number(0x12)},
		{Plug, "A cheap plug", "It knows IPv4 alone and sends its password, its readings and its updates without encryption.", number(0x13)},
		{Hub, "A hub that checks answers", "It validates DNSSEC itself, checks every certificate and works without IPv4.", number(0x14)},
	}
}

func number(last byte) [6]byte { return [6]byte{0x00, 0x00, 0x5e, 0x00, 0x53, last} }

// Find gives the device of that name; the error names those there are.
func Find(name string) (Device, error) {
	var names []string
	for _, d := range All() {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Device{}, fmt.Errorf("there is no virtual device %q; there are: %v", name, names)
}
