//go:build linux

// Command capture measures at which rate package capture begins to lose frames:
// a sender in one namespace, the capture in another, a cable between them, and a
// table of what was offered, what came and what a frame cost. It owns the
// measuring only: it must not know how frames are captured or recorded.
//
// It needs no root and touches no interface of the host. Each step is bounded in
// time, and the evidence that it writes in size.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"assay/internal/gateway/capture"
	"assay/testbench/lab"
)

type settings struct {
	rates, sizes, modes string
	seconds             float64
	ring                int
	folder              string
	send                bool
	frames, size, rate  int
}

func main() {
	lab.Reentry()
	var s settings
	flag.StringVar(&s.rates, "rates", "50000,100000,200000,300000,450000", "frames a second to offer")
	flag.StringVar(&s.sizes, "sizes", "60,300,1514", "sizes of the frames, in bytes")
	flag.StringVar(&s.modes, "modes", "capture,evidence,journal", "what is done with the frames: nothing, written to a file, or recorded with their digest")
	flag.Float64Var(&s.seconds, "seconds", 2, "how long each step lasts")
	flag.IntVar(&s.ring, "ring", capture.DefaultBlocks*capture.DefaultBlockSize>>20, "size of the ring in MiB")
	flag.StringVar(&s.folder, "folder", "", "where the evidence is written; the system's temporary folder when empty")
	flag.BoolVar(&s.send, "send", false, "be the sender of one step (used by the program itself)")
	flag.IntVar(&s.frames, "frames", 0, "with -send: how many")
	flag.IntVar(&s.size, "size", 0, "with -send: of how many bytes")
	flag.IntVar(&s.rate, "rate", 0, "with -send: how many a second")
	flag.Parse()
	code, err := run(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(69)
	}
	os.Exit(code)
}

func run(s settings) (int, error) {
	if s.send {
		return 0, send(os.Stdout, lab.DeviceLink, s.frames, s.size, s.rate)
	}
	if !lab.Inside() {
		return lab.Reexec()
	}
	l, err := lab.New(context.Background(), lab.Options{})
	if err != nil {
		return 0, err
	}
	err = ladder(s, l)
	if cerr := l.Close(); err == nil {
		err = cerr
	}
	return 0, err
}

// ladder climbs through all rates for each mode and size, and prints each step.
func ladder(s settings, l *lab.Lab) error {
	sizes, err := numbers(s.sizes)
	if err != nil {
		return err
	}
	rates, err := numbers(s.rates)
	if err != nil {
		return err
	}
	if err := errors.Join(l.Gateway.Up(lab.LANLink), l.Device(0).Up(lab.DeviceLink)); err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(os.Stdout, "A ring of %d MiB, %g s a step. CPU is that of the reading program alone.\n", s.ring, s.seconds)
	_, _ = fmt.Fprintln(out, "mode\tbytes\toffered/s\tsent/s\tsent\treceived\tlost\tlost %\tCPU ns/frame\t")
	for _, mode := range strings.Split(s.modes, ",") {
		if err := climb(out, l, s, mode, sizes, rates); err != nil {
			return err
		}
	}
	return nil
}

// climb prints the part of the table that belongs to one mode.
func climb(out *tabwriter.Writer, l *lab.Lab, s settings, mode string, sizes, rates []int) error {
	for _, size := range sizes {
		for _, rate := range rates {
			r, err := measure(l, s, step{mode: mode, size: size, rate: rate, frames: int(float64(rate) * s.seconds)})
			if err != nil {
				return err
			}
			r.print(out)
		}
	}
	return out.Flush()
}

// step is one line of the table.
type step struct {
	mode               string
	size, rate, frames int
}

type result struct {
	step
	sent     int
	took     time.Duration
	received uint64
	cpu      time.Duration
}

func (r result) print(out *tabwriter.Writer) {
	lost := r.sent - int(r.received)
	_, _ = fmt.Fprintf(out, "%s\t%d\t%d\t%.0f\t%d\t%d\t%d\t%.3f\t%.0f\t\n", r.mode, r.size, r.rate,
		float64(r.sent)/r.took.Seconds(), r.sent, r.received, lost, 100*float64(lost)/float64(max(r.sent, 1)),
		float64(r.cpu.Nanoseconds())/float64(max(r.received, 1)))
}

func numbers(list string) ([]int, error) {
	var out []int
	for _, f := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(f))
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("cannot use %q: give numbers with commas between them", list)
		}
		out = append(out, n)
	}
	return out, nil
}
