//go:build linux

// Command dhcp measures how many leases a second the gateway's DHCPv4 server
// gives, against Kea and dnsmasq: the same clients by perfdhcp, the same pool,
// the same cores, in one run, in namespaces of its own. It owns the measuring
// only: it must not know how a lease is given.
//
// All servers keep their leases in memory and ask nobody by ARP or ping whether
// an address is in use. Each step begins with a server that has just started, so
// that every lease is a new one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"assay/testbench/lab"
)

type settings struct {
	rates   string
	offered []int
	seconds int
	drops   float64
	serve   string // the relay's MAC address; only this program's server, for the measuring process
}

// The network of the measuring. The relay is perfdhcp, which poses as one.
var (
	network  = netip.MustParsePrefix("10.0.0.0/8")
	gateway  = netip.MustParseAddr("10.0.0.1")
	relay    = netip.MustParseAddr("10.0.0.2")
	first    = netip.MustParseAddr("10.1.0.0")
	last     = netip.MustParseAddr("10.4.255.255")
	poolSize = 1 << 18
)

// limit bounds the whole table.
const limit = time.Minute

// missing is the exit code that says that something needed is not there.
const missing = 69

func main() {
	lab.Reentry()
	var s settings
	flag.StringVar(&s.rates, "rates", "1000,2500,5000,7500,10000,15000", "new clients a second to offer, growing")
	flag.IntVar(&s.seconds, "seconds", 2, "how long each step lasts")
	flag.Float64Var(&s.drops, "drops", 1, "percent of the clients that may stay without a lease in a step that counts as carried")
	flag.StringVar(&s.serve, "serve", "", "be the measured server (used by the program itself)")
	flag.Parse()
	os.Exit(start(s))
}

// start goes into the namespaces first, unless it is there already.
func start(s settings) int {
	var err error
	if s.offered, err = numbers(s.rates); err == nil {
		err = s.check()
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 64
	}
	if !lab.Inside() && s.serve == "" {
		code, err := lab.Reexec()
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			return missing
		}
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	work := measureAll
	if s.serve != "" {
		work = serveOurs
	}
	if err := work(ctx, s); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return missing
	}
	return 0
}

// check keeps the steps inside the pool and the time.
func (s settings) check() error {
	if s.seconds < 1 || s.seconds > 20 {
		return errors.New("cannot measure so: -seconds lies between 1 and 20")
	}
	for i, r := range s.offered {
		switch {
		case r*s.seconds > poolSize/2:
			return fmt.Errorf("cannot offer %d clients a second for %d s: the pool has %d addresses", r, s.seconds, poolSize)
		case i > 0 && r <= s.offered[i-1]:
			return fmt.Errorf("cannot use %q: each rate is above the one before", s.rates)
		}
	}
	return nil
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

func measureAll(ctx context.Context, s settings) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if find("perfdhcp") == "" {
		return errors.New("cannot measure leases without perfdhcp: install it (Debian: kea-admin)")
	}
	l, err := lab.New(ctx, lab.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := errors.Join(
		l.Gateway.Assign("lo", netip.MustParsePrefix("127.0.0.1/8")),
		l.Gateway.Assign(lab.LANLink, netip.PrefixFrom(gateway, network.Bits())),
		l.Device(0).Assign(lab.DeviceLink, netip.PrefixFrom(relay, network.Bits()))); err != nil {
		return err
	}
	b := &bench{s: s, lab: l}
	if b.servers, err = b.programs(); err != nil {
		return err
	}
	if err := b.climb(ctx); err != nil {
		return err
	}
	return printTable(os.Stdout, b.servers, s)
}
