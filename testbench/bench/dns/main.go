//go:build linux

// Command dns measures the gateway's resolver against dnsmasq and unbound: the
// same questions by dnsperf, the same upstream, the same cores, in one run,
// inside a network namespace of its own. It prints queries per second, latency
// and ratios. It owns the measuring only; the names are the small internet's.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"assay/testbench/lab"
)

type settings struct {
	seconds int
	rounds  int
	clients int
	threads int
	json    bool
	serve   string // folder; only this program's resolver, for the measuring process
}

func main() {
	lab.Reentry()
	var s settings
	flag.IntVar(&s.seconds, "seconds", 3, "how long each measurement lasts")
	flag.IntVar(&s.rounds, "rounds", 3, "how often each server is measured; the median counts")
	flag.IntVar(&s.clients, "clients", 20, "how many sockets dnsperf asks from")
	flag.IntVar(&s.threads, "threads", 1, "threads of dnsperf")
	flag.BoolVar(&s.json, "json", false, "print JSON in place of the table")
	flag.StringVar(&s.serve, "serve", "", "")
	flag.Parse()
	os.Exit(start(s))
}

// start goes into the namespace first, unless it is there already.
func start(s settings) int {
	if !lab.Inside() {
		code, err := lab.Reexec()
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			return 69
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
		return 69
	}
	return 0
}

// kind is one way of asking.
type kind struct {
	name  string
	flags []string // of dnsperf
	file  string
}

func measureAll(ctx context.Context, s settings) error {
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	kinds := []kind{
		{"cached, plain", nil, b.path("plain")},
		{"cached, DNSSEC", []string{"-D"}, b.path("signed")},
	}
	all := map[string][]sample{}
	for range s.rounds {
		for _, k := range kinds {
			for _, v := range b.servers {
				got, err := b.measure(ctx, v, k)
				if err != nil {
					return err
				}
				all[k.name+"/"+v.name] = append(all[k.name+"/"+v.name], got)
			}
		}
	}
	var rows []row
	for _, k := range kinds {
		rows = append(rows, rowsOf(k, b.servers, all)...)
	}
	return show(os.Stdout, rows, s.json)
}

func show(w io.Writer, rows []row, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(rows)
	}
	var out bytes.Buffer
	printTable(&out, rows)
	_, err := w.Write(out.Bytes())
	return err
}

// deadline bounds the start of a server.
const deadline = 10 * time.Second
