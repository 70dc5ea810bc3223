//go:build linux

// Command forward measures what the box costs a device in throughput: iperf3
// through plain nftables masquerading, through the router, through the router with
// its LAN port recorded, and through the whole gateway, in one run and in
// namespaces of its own. It owns the measuring only: it must not know how packets
// are forwarded or recorded.
//
// The cables carry full frames, as real ones do: segmentation is the sender's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"assay/testbench/lab"
)

type settings struct {
	seconds int
	rounds  int
	assay   string
	folder  string
}

// limit bounds the whole table.
const limit = time.Minute

// missing is the exit code that says that something needed is not there.
const missing = 69

func main() {
	lab.Reentry()
	var s settings
	flag.IntVar(&s.seconds, "seconds", 3, "how long each measurement lasts")
	flag.IntVar(&s.rounds, "rounds", 2, "how often each way is measured at the machine's limit; the best counts")
	flag.StringVar(&s.assay, "assay", "bin/assay", "the program that is the whole gateway")
	flag.StringVar(&s.folder, "folder", "", "where the evidence is written; the system's temporary folder when empty")
	flag.Parse()
	os.Exit(start(s))
}

// check keeps the run inside its time.
func (s settings) check() error {
	if s.seconds < 1 || s.rounds < 1 || s.seconds*(s.rounds+1)*len(ways) > int(limit/time.Second)-10 {
		return fmt.Errorf("cannot measure %d rounds of %d s within %v: give smaller numbers, at least 1", s.rounds, s.seconds, limit)
	}
	return nil
}

// start goes into the namespaces first, unless it is there already.
func start(s settings) int {
	if err := s.check(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 64
	}
	if !lab.Inside() {
		code, err := lab.Reexec()
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			return missing
		}
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measureAll(ctx, s); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return missing
	}
	return 0
}

func measureAll(ctx context.Context, s settings) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, err := exec.LookPath("iperf3"); err != nil {
		return errors.New("cannot measure throughput without iperf3: install it (Debian: iperf3)")
	}
	rows := make([]row, len(ways))
	for round := range s.rounds {
		for i, w := range ways {
			got, err := measure(ctx, s, w, round == 0)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			rows[i].name = w.name
			rows[i].take(got)
		}
	}
	return printTable(os.Stdout, rows)
}
