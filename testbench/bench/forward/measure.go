//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"assay/testbench/lab"
)

// patience bounds what must happen soon.
const patience = 15 * time.Second

// paced is the load at which nothing may be lost.
const paced = "1G"

// flow is one run of iperf3.
type flow struct {
	perSecond   float64 // bits, as received
	retransmits int
}

// result is one setting-up of one way.
type result struct {
	top, paced flow // paced is zero when it was not measured
	seen, lost uint64
	memory     uint64 // the highest resident memory of the whole gateway, bytes
}

// measure builds a lab, sets the way up and sends as fast as the machine can; on
// request also at the paced rate.
func measure(ctx context.Context, s settings, w way, also bool) (r result, err error) {
	folder, err := os.MkdirTemp(s.folder, "forward-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	l, err := lab.New(ctx, lab.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	g, err := w.up(ctx, s, l, folder)
	if err != nil {
		return r, err
	}
	err = r.flows(ctx, s, l, also)
	if g.pid != 0 {
		var merr error
		r.memory, merr = peak(g.pid)
		err = errors.Join(err, merr)
	}
	var derr error
	r.seen, r.lost, derr = g.down()
	return r, errors.Join(err, derr)
}

func (r *result) flows(ctx context.Context, s settings, l *lab.Lab, also bool) (err error) {
	d := l.Device(0)
	if err := errors.Join(
		l.Internet.Assign(lab.InternetLink, server),
		d.Assign(lab.DeviceLink, device),
		d.Route(netip.MustParsePrefix("0.0.0.0/0"), lanAddress.Addr())); err != nil {
		return err
	}
	if err := wait(ctx, d); err != nil {
		return err
	}
	listen := l.Internet.Command(ctx, "iperf3", "-s")
	if err := listen.Start(); err != nil {
		return fmt.Errorf("cannot start iperf3: %w", err)
	}
	defer func() { _ = listen.Process.Kill(); _ = listen.Wait() }() // killed: an error is what is expected
	if also {
		if r.paced, err = send(ctx, d, s.seconds, "-b", paced); err != nil {
			return err
		}
	}
	r.top, err = send(ctx, d, s.seconds)
	return err
}

// wait waits until the server's machine says that nobody listens there: the way is
// open.
func wait(ctx context.Context, d *lab.Site) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		once, end := context.WithTimeout(ctx, time.Second)
		c, err := d.Dial(once, "tcp", netip.AddrPortFrom(server.Addr(), 1).String())
		end()
		if err == nil {
			return c.Close()
		}
		if errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.EHOSTUNREACH) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the device does not reach the internet: %w", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// send runs iperf3 on the device. The server may need a moment to listen.
func send(ctx context.Context, d *lab.Site, seconds int, more ...string) (f flow, err error) {
	for range 20 {
		args := append([]string{"-J", "-c", server.Addr().String(), "-t", strconv.Itoa(seconds)}, more...)
		out, _ := d.Command(ctx, "iperf3", args...).Output() // what went wrong stands in the output
		if f, err = parse(out); err == nil || ctx.Err() != nil {
			return f, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return f, err
}

// parse reads what iperf3 -J prints.
func parse(text []byte) (flow, error) {
	var r struct {
		Error string `json:"error"`
		End   struct {
			Sent struct {
				Retransmits int `json:"retransmits"`
			} `json:"sum_sent"`
			Received struct {
				PerSecond float64 `json:"bits_per_second"`
			} `json:"sum_received"`
		} `json:"end"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return flow{}, fmt.Errorf("cannot understand what iperf3 prints: %w", err)
	}
	switch {
	case r.Error != "":
		return flow{}, fmt.Errorf("iperf3: %s", r.Error)
	case r.End.Received.PerSecond <= 0:
		return flow{}, errors.New("iperf3 received nothing")
	}
	return flow{perSecond: r.End.Received.PerSecond, retransmits: r.End.Sent.Retransmits}, nil
}

// peak is the highest resident memory that a process had.
func peak(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("cannot read what memory the gateway uses (has it ended?): %w", err)
	}
	return highWater(string(text))
}

var highWaterLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

func highWater(status string) (uint64, error) {
	found := highWaterLine.FindStringSubmatch(status)
	if found == nil {
		return 0, errors.New("the kernel does not tell the resident memory of a process")
	}
	kb, err := strconv.ParseUint(found[1], 10, 54)
	return kb << 10, err
}

// row is the best of the rounds of one way. Losses add up.
type row struct {
	name string
	result
}

func (r *row) take(got result) {
	if got.top.perSecond > r.top.perSecond {
		r.top = got.top
	}
	if got.paced.perSecond > 0 {
		r.paced = got.paced
	}
	r.seen, r.lost = r.seen+got.seen, r.lost+got.lost
	r.memory = max(r.memory, got.memory)
}

const giga = 1e9

func printTable(w io.Writer, rows []row) error {
	base := rows[0].top.perSecond
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "TCP from the device by way of\tGbit/s\t/ nftables\tat 1 Gbit/s\tresent then\tframes seen\tnot recorded\tpeak MB\t")
	for _, r := range rows {
		seen, lost, memory := "-", "-", "-"
		if r.seen > 0 {
			seen, lost = strconv.FormatUint(r.seen, 10), strconv.FormatUint(r.lost, 10)
		}
		if r.memory > 0 {
			memory = strconv.FormatUint(r.memory>>20, 10)
		}
		_, _ = fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%d\t%s\t%s\t%s\t\n", r.name, r.top.perSecond/giga, r.top.perSecond/base,
			r.paced.perSecond/giga, r.paced.retransmits, seen, lost, memory)
	}
	_ = t.Flush() // what cannot be printed is told below
	var told strings.Builder
	for _, r := range rows[2:] {
		_, _ = fmt.Fprintf(&told, "measured: %s %.2f x\n", r.name, r.top.perSecond/base)
	}
	_, err := fmt.Fprintf(w, "\ntargets: with capture at least 0.90 x nftables, nothing lost at 1 Gbit/s, the whole gateway under 64 MB\n%s", told.String())
	return err
}
