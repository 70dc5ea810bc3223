package main

import "time"

// demoCmd shows the whole thing with virtual devices.
type demoCmd struct {
	Listen string        `default:"127.0.0.1:8642" placeholder:"ADDRESS" help:"Where the page is, on this machine alone; another free port where that one is taken."`
	Open   bool          `negatable:"" default:"true" help:"Open the page in the browser where there is a desktop."`
	Stay   bool          `negatable:"" default:"${stay}" help:"Keep the page up when all is graded, until Ctrl-C; usual on a terminal."`
	Only   []string      `placeholder:"NAME" help:"Show only these devices: good-camera, careless-camera, plug, hub."`
	Plan   string        `default:"demo" placeholder:"ID" help:"What is done with each device: demo, quick, full or a plan file of yours."`
	Bound  time.Duration `hidden:"" default:"30m" help:"End after this time whatever happens."`
}

// Help is what --help says beyond the flags.
func (*demoCmd) Help() string {
	return `Four virtual devices of clearly different quality are plugged into the real gateway, one after the other, in a virtual internet; the page shows them being tested and compares them in the end. Needs Linux, but neither root nor hardware, and leaves nothing behind. Nothing reaches the real network.

The exit code is 0 when every device was graded, whatever its grade.`
}
