package main

import (
	"errors"
	"time"
)

// labCmd runs a program of the user's as the device under test.
type labCmd struct {
	Plan          string        `default:"observe" placeholder:"ID" help:"What is done with the device: observe (it is watched while COMMAND runs), or the experiments of quick, full, demo or a plan file of yours (FILE.yaml), for which COMMAND is started again and again."`
	Network       string        `enum:"N1,N2" default:"N2" help:"Network that the device is offered: N1 (IPv4 alone) or N2 (IPv4 and IPv6)."`
	Shell         bool          `help:"Give a prompt on the device instead of running COMMAND."`
	Pcap          string        `placeholder:"FILE" help:"Keep what crossed the LAN cable, as the evidence that was graded."`
	Logins        bool          `help:"Let factory passwords be tried on COMMAND: it is yours, and can be started again."`
	DeviceTimeout time.Duration `placeholder:"D" help:"End COMMAND after this time, such as 90s; then the report is made."`
	Profile       string        `placeholder:"ID" help:"Which demands count how much: internet-standards or legal-baseline."`
	Pace          string        `enum:"careful,fast" default:"careful" help:"How fast the experiments ask COMMAND itself: careful, as they ask hardware, or fast, for a program that bears it."`
	Format        string        `enum:"text,json,html" default:"text" help:"Form of the report: text, json or html."`
	Output        string        `short:"o" placeholder:"PATH" help:"Write the report to this file."`
	Command       []string      `arg:"" optional:"" passthrough:"" name:"command" help:"Program and arguments, after --. It finds the bare link eth0, which is down, and does its own DHCP. What it prints goes to standard error."`
}

// planObserve is the plan without experiments.
const planObserve = "observe"

// Help is what --help says beyond the flags.
func (*labCmd) Help() string {
	return `A virtual internet, the real gateway and, in a network of its own, your program as the device. Needs Linux, but neither root nor hardware.

The program has its own /etc/resolv.conf, trusts the virtual internet's certificates, and finds the DNSSEC root key in the file that ASSAY_ROOT_KEY names. Nothing reaches the real network. An example:

  assay lab -- sh -c 'busybox udhcpc -n -q -i eth0 && curl -s https://www.cam.example/'

The exit code is that of the report.`
}

// Validate checks what kong cannot.
func (l *labCmd) Validate() error {
	if len(l.Command) > 0 && l.Command[0] == "--" {
		l.Command = l.Command[1:]
	}
	switch {
	case l.Shell:
		return l.validateShell()
	case len(l.Command) == 0:
		return errors.New("name a program to run as the device, as in 'assay lab -- sh -c ...', or use --shell")
	}
	return l.validateTimes()
}

func (l *labCmd) validateShell() error {
	switch {
	case l.Plan != planObserve:
		return errors.New("--shell is one device that you are at; a plan has to start it again and again: give a command")
	case len(l.Command) > 0:
		return errors.New("--shell and a command exclude each other")
	}
	return l.validateTimes()
}

func (l *labCmd) validateTimes() error {
	switch {
	case l.DeviceTimeout < 0:
		return errors.New("--device-timeout needs a time above zero, such as 90s")
	case l.Pcap != "" && l.Output == l.Pcap:
		return errors.New("the report would overwrite the evidence " + l.Pcap)
	}
	return nil
}
