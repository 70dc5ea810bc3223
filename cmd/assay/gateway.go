package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"assay/internal/run/config"
)

// settingsFile is where a box looks for its settings when none are named.
const settingsFile = "/etc/assay/assay.yaml"

// settingsFlags name the settings of a box.
type settingsFlags struct {
	Config string `placeholder:"FILE" help:"Settings of the box. Without it /etc/assay/assay.yaml where there is one, else the defaults."`
}

// read reads the settings.
func (s settingsFlags) read() (config.Config, error) {
	name := s.Config
	if name == "" {
		name = settingsFile
	}
	f, err := os.Open(name) //nolint:gosec // the user names his own file
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.Config == "":
		return config.Default(), nil
	case err != nil:
		return config.Config{}, fail(exitMissing, "cannot read the settings %s: %w", shown(name), bare(err))
	}
	defer func() { _ = f.Close() }() // it was only read
	c, err := config.Read(f, name)
	if err != nil {
		return config.Config{}, fail(exitUsage, "the settings hold mistakes:\n%w", err)
	}
	return c, nil
}

// gatewayCmd is the box.
type gatewayCmd struct {
	settingsFlags
	LAN         string `name:"lan" placeholder:"PORT" help:"Port of the device under test; goes before the settings."`
	WAN         string `name:"wan" placeholder:"PORT" help:"Port to the network; goes before the settings."`
	PrintConfig bool   `help:"Print a settings file with every setting explained, and do nothing else."`
	NewKey      bool   `help:"Make another key for the page; the former one and all sessions end."`
	JSON        bool   `name:"json" help:"Print every change of a run as a line of JSON."`
}

// Help is what --help says beyond the flags.
func (*gatewayCmd) Help() string {
	return `The device under test is plugged into the LAN port and gets a complete network by the WAN port: addresses, a validating resolver, the time, IPv4 and IPv6. Everything that crosses the LAN port is recorded, and the device is graded while it is used.

Needs Linux and root. Ctrl-C ends all runs, writes their reports and puts the network of the machine back as it was; so does the next start after a crash. 'assay doctor' tells beforehand whether the machine is fit.`
}

// Run prints the settings or runs the box.
func (g *gatewayCmd) Run(c *console) error {
	if g.PrintConfig {
		_, err := fmt.Fprint(c.out, config.Example)
		return err
	}
	set, err := g.read()
	if err != nil {
		return err
	}
	if g.LAN != "" {
		set.Ports.LAN = g.LAN
	}
	if g.WAN != "" {
		set.Ports.WAN = g.WAN
	}
	return g.box(c, set)
}

// doctorCmd says whether the machine is fit to be a box.
type doctorCmd struct {
	settingsFlags
	JSON  bool `name:"json" help:"Print JSON."`
	Lamps bool `help:"Light each lamp of the board in turn, and do nothing else."`
}

// Help is what --help says beyond the flags.
func (*doctorCmd) Help() string {
	return "Looks at the ports, the kernel, the uplink, the clock, the upstream resolvers and the disk, and says what to do where something is missing. It changes nothing. Exit code 69 when the box could not do its work."
}

// Run examines the machine.
func (d *doctorCmd) Run(c *console) error {
	set, err := d.read()
	if err != nil {
		return err
	}
	return d.examine(c, set)
}
