//go:build linux

// Command bench measures `assay grade` against tcpdump and tshark on one large
// capture that it makes itself, all in the same run, and prints CPU time and
// peak memory as ratios. It owns the measuring only: the traffic is package
// traffic's, and it must not know what the programs do.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"assay/testbench/traffic"
)

type settings struct {
	assay  string
	frames int
	rounds int
}

func main() {
	var s settings
	flag.StringVar(&s.assay, "assay", "bin/assay", "the program to measure")
	flag.IntVar(&s.frames, "frames", 1_200_000, "how many frames the capture has")
	flag.IntVar(&s.rounds, "rounds", 5, "how often each quick program runs; the median counts")
	flag.Parse()
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(69)
	}
}

// program is one command to measure.
type program struct {
	name   string
	args   []string
	rounds int
	// exits are the exit codes that mean it did its work.
	exits []int
}

// sample is what one run used.
type sample struct {
	cpu  time.Duration
	wall time.Duration
	peak int64 // bytes
}

func run(s settings) error {
	folder, err := os.MkdirTemp("", "assay-bench")
	if err != nil {
		return fmt.Errorf("cannot make a folder for the capture: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "mix.pcapng")
	frames, size, err := makeCapture(file, s.frames)
	if err != nil {
		return err
	}
	w := os.Stdout
	_, _ = fmt.Fprintf(w, "capture: %d frames, %d MB; %d cores, %s/%s\n\n", frames, size>>20, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	results, err := measureAll(programs(s, file), s.rounds)
	if err != nil {
		return err
	}
	return printTable(results, frames)
}

func makeCapture(file string, frames int) (made int, size int64, err error) {
	f, err := os.Create(file)
	if err != nil {
		return 0, 0, fmt.Errorf("cannot make the capture: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if made, err = traffic.Mix(w, frames, 1); err != nil {
		return made, 0, fmt.Errorf("cannot make the capture: %w", err)
	}
	if err = w.Flush(); err != nil {
		return made, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return made, 0, err
	}
	return made, info.Size(), nil
}

func programs(s settings, file string) []program {
	return []program{
		{name: "tcpdump -w", rounds: s.rounds, exits: []int{0},
			args: []string{"tcpdump", "-r", file, "-w", os.DevNull}},
		{name: "assay grade", rounds: s.rounds, exits: []int{0, 1, 2},
			args: []string{s.assay, "grade", "--format", "json", "--output", os.DevNull, file}},
		{name: "tshark -T fields", rounds: 1, exits: []int{0},
			args: []string{"tshark", "-n", "-r", file, "-T", "fields", "-e", "frame.number", "-e", "dns.qry.name", "-e", "dns.a",
				"-e", "dns.aaaa", "-e", "tls.handshake.extensions_server_name", "-e", "tls.handshake.ciphersuite"}},
	}
}

// measureAll runs the programs in turn, so that a machine whose speed drifts
// treats them alike.
func measureAll(list []program, rounds int) (map[string]sample, error) {
	all := map[string][]sample{}
	for round := range rounds {
		for _, p := range list {
			if round >= p.rounds {
				continue
			}
			got, err := measure(p)
			if err != nil {
				return nil, err
			}
			all[p.name] = append(all[p.name], got)
		}
	}
	out := map[string]sample{}
	for name, samples := range all {
		out[name] = median(samples)
	}
	return out, nil
}

func measure(p program) (sample, error) {
	cmd := exec.Command(p.args[0], p.args[1:]...)
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return sample{}, fmt.Errorf("cannot run %s (is it installed?): %w", p.args[0], err)
	}
	if code := cmd.ProcessState.ExitCode(); !slices.Contains(p.exits, code) {
		return sample{}, fmt.Errorf("%s ended with exit code %d", p.name, code)
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return sample{}, errors.New("cannot read what a process used on this system")
	}
	return sample{
		cpu:  cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		wall: wall,
		peak: used.Maxrss << 10,
	}, nil
}

// median takes the run in the middle by CPU time; the peak is the largest.
func median(samples []sample) sample {
	slices.SortFunc(samples, func(a, b sample) int { return int(a.cpu - b.cpu) })
	out := samples[len(samples)/2]
	for _, s := range samples {
		out.peak = max(out.peak, s.peak)
	}
	return out
}

func printTable(results map[string]sample, frames int) error {
	base, ours := results["tcpdump -w"], results["assay grade"]
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "program\tCPU s\tns/frame\tCPU / tcpdump\twall s\tpeak MB\tpeak / assay\t")
	for _, name := range []string{"tcpdump -w", "assay grade", "tshark -T fields"} {
		s := results[name]
		_, _ = fmt.Fprintf(w, "%s\t%.2f\t%d\t%.2f\t%.2f\t%d\t%.2f\t\n", name, s.cpu.Seconds(), s.cpu.Nanoseconds()/int64(frames),
			s.cpu.Seconds()/base.cpu.Seconds(), s.wall.Seconds(), s.peak>>20, float64(s.peak)/float64(ours.peak))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(os.Stdout, "\ntargets: assay grade at most 3 x tcpdump's CPU time and under 128 MB\nmeasured: %.2f x, %d MB\n",
		ours.cpu.Seconds()/base.cpu.Seconds(), ours.peak>>20)
	return err
}
