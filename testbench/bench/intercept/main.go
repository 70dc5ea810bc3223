//go:build linux

// Command intercept measures what standing in for a server costs: handshakes with forged
// certificates and connections that are only passed on, against the bare server of
// crypto/tls in the same run and with the same client, over the loopback. It owns the
// measuring only: it must not know how a certificate is forged.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"assay/internal/assess/event"
)

type settings struct {
	seconds int
	rounds  int
	clients int
}

// limit bounds the whole table, missing is the exit code that says that something needed
// is not there.
const (
	limit   = time.Minute
	missing = 69
)

func main() {
	var s settings
	flag.IntVar(&s.seconds, "seconds", 2, "how long each measurement of handshakes lasts")
	flag.IntVar(&s.rounds, "rounds", 2, "how often each is measured; the best counts")
	flag.IntVar(&s.clients, "clients", 8, "connections at once")
	flag.Parse()
	os.Exit(start(s))
}

func start(s settings) int {
	if s.seconds < 1 || s.rounds < 1 || s.clients < 1 || s.clients > 128 || s.seconds*s.rounds*len(targets) > int(limit/time.Second)-20 {
		_, _ = fmt.Fprintln(os.Stderr, "cannot measure with these numbers within a minute: give smaller ones, at least 1, and at most 128 clients")
		return 64
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measureAll(ctx, s, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return missing
	}
	return 0
}

// target is what the client connects to.
type target struct {
	name string
	flaw string // "" passes on
	bare bool   // without the interceptor
}

var targets = []target{
	{name: "bare crypto/tls server", bare: true},
	{name: "forged, self-signed", flaw: event.CaseSelfSigned},
	{name: "forged, unknown CA", flaw: event.CaseUnknownCA},
	{name: "passed on"},
}

// What is aimed at.
const (
	wantedPerSecond = 2000
	wantedAdded     = time.Millisecond
)

func measureAll(ctx context.Context, s settings, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b, err := build(ctx)
	if err != nil {
		return err
	}
	best := make([]float64, len(targets))
	for range s.rounds {
		for i, t := range targets {
			n, err := b.handshakes(ctx, t, time.Duration(s.seconds)*time.Second, s.clients)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			best[i] = max(best[i], n)
		}
	}
	delays, err := b.delays(ctx)
	if err != nil {
		return err
	}
	if err := b.close(); err != nil {
		return err
	}
	return printTable(w, s, best, delays)
}

func printTable(out io.Writer, s settings, best []float64, d delays) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(w, "%d clients at once\thandshakes/s\t/ bare\t\n", s.clients)
	for i, t := range targets {
		_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.2f\t\n", t.name, best[i], best[i]/best[0])
	}
	_, _ = fmt.Fprintf(w, "\t\t\t\none connection, and one byte there and back\tmedian µs\t95 %% µs\t\n")
	for _, r := range []struct {
		name string
		d    []time.Duration
	}{{"straight to the server", d.bare}, {"passed on", d.passed}} {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t\n", r.name, at(r.d, 0.5).Microseconds(), at(r.d, 0.95).Microseconds())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	added := at(d.passed, 0.5) - at(d.bare, 0.5)
	_, err := fmt.Fprintf(out, "\ntargets: at least %d forged handshakes/s, at most %v added to a connection that is passed on\nmeasured: %.0f and %.0f /s (%.2f and %.2f of bare), %v added\n",
		wantedPerSecond, wantedAdded, best[1], best[2], best[1]/best[0], best[2]/best[0], added.Round(time.Microsecond))
	return err
}
