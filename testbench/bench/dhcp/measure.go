//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"assay/testbench/lab"
)

// sample is one run of perfdhcp.
type sample struct {
	perSecond      float64 // leases: whole exchanges of four messages
	discovers      int     // clients that began
	acks           int     // clients that got a lease
	offerMS, ackMS float64 // mean delay of the two answers
}

// step is a sample under one load.
type step struct {
	offered int
	sample
}

const percent = 100

// without is how many percent of the clients got no lease.
func (s sample) without() float64 {
	return percent * float64(s.discovers-s.acks) / float64(max(s.discovers, 1))
}

// lag is how far behind its schedule perfdhcp may stay in a step that counts: then
// it is the measuring program that is at its end.
const lag = 0.95

func (s settings) carried(st step) bool {
	return st.without() <= s.drops && st.perSecond >= lag*float64(st.offered)
}

// climb offers each rate to each server in turn, so that a machine whose speed
// drifts treats them alike. All get every load, also above what they carry: one
// that was never offered more would seem to have less to give.
func (b *bench) climb(ctx context.Context) error {
	for _, rate := range b.s.offered {
		for _, v := range b.servers {
			if v.lacks != "" {
				continue
			}
			got, err := b.measure(ctx, v, rate)
			if err != nil {
				return err
			}
			v.steps = append(v.steps, step{offered: rate, sample: got})
		}
	}
	return nil
}

func (b *bench) measure(ctx context.Context, v *server, rate int) (sample, error) {
	stop, err := b.start(ctx, v)
	if err != nil {
		return sample{}, err
	}
	defer stop()
	return b.ask(ctx, "-r", strconv.Itoa(rate), "-R", strconv.Itoa(poolSize), "-p", strconv.Itoa(b.s.seconds))
}

// ask runs perfdhcp once. Its exit code tells that some clients got no lease, which
// its words tell as well.
func (b *bench) ask(ctx context.Context, load ...string) (sample, error) {
	args := append([]string{"-4", "-l", lab.DeviceLink, "-W", "100000", "-d", "0.5"}, append(load, gateway.String())...)
	out, err := b.lab.Device(0).Command(ctx, "perfdhcp", args...).CombinedOutput()
	if ctx.Err() != nil {
		return sample{}, ctx.Err()
	}
	got, perr := parse(string(out))
	if perr != nil {
		return got, fmt.Errorf("%w (it ended with %v)", perr, err)
	}
	return got, nil
}

var (
	rateLine  = regexp.MustCompile(`(?m)^Rate: ([0-9.]+) 4-way exchanges/second`)
	sentLine  = regexp.MustCompile(`(?m)^sent packets: (\d+)$`)
	gotLine   = regexp.MustCompile(`(?m)^received packets: (\d+)$`)
	delayLine = regexp.MustCompile(`(?m)avg delay: ([0-9.]+) ms$`)
)

// parse reads what perfdhcp prints at its end.
func parse(text string) (sample, error) {
	head, rest, ok1 := strings.Cut(text, "***Statistics for: DISCOVER-OFFER***")
	offer, ack, ok2 := strings.Cut(rest, "***Statistics for: REQUEST-ACK***")
	rate := number(rateLine, head)
	sent, got := number(sentLine, offer), number(gotLine, ack)
	if !ok1 || !ok2 || rate == nil || sent == nil || got == nil {
		return sample{}, fmt.Errorf("cannot understand what perfdhcp prints:\n%s", text)
	}
	s := sample{perSecond: *rate, discovers: int(*sent), acks: int(*got)}
	if v := number(delayLine, offer); v != nil { // there is none where nothing came
		s.offerMS = *v
	}
	if v := number(delayLine, ack); v != nil {
		s.ackMS = *v
	}
	return s, nil
}

func number(line *regexp.Regexp, text string) *float64 {
	found := line.FindStringSubmatch(text)
	if found == nil {
		return nil
	}
	v, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		return nil
	}
	return &v
}

// best is the step with the highest rate that was carried.
func (v *server) best(s settings) (best step, ok bool) {
	for _, st := range v.steps {
		if s.carried(st) {
			best, ok = st, true
		}
	}
	return best, ok
}

// most is the step with the most leases a second, whatever was dropped.
func (v *server) most() (most step) {
	for _, st := range v.steps {
		if st.perSecond > most.perSecond {
			most = st
		}
	}
	return most
}

func printTable(w io.Writer, servers []*server, s settings) error {
	most := map[string]float64{}
	for _, v := range servers {
		most[v.name] = v.most().perSecond
	}
	_, _ = fmt.Fprintf(w, "DHCPv4 leases (DISCOVER to ACK) of new clients by perfdhcp, %d s a step, leases in memory, no probing.\n", s.seconds)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(t, "server\tcarried/s\tmost/s\tunder load of\twithout lease %%\tdelay ms\t/ kea\t/ dnsmasq\t\n")
	for _, v := range servers {
		if v.lacks != "" {
			_, _ = fmt.Fprintf(t, "%s\tnot installed (Debian: %s)\t\t\t\t\t\t\t\n", v.name, v.lacks)
			continue
		}
		best, _ := v.best(s)
		top := v.most()
		_, _ = fmt.Fprintf(t, "%s\t%d\t%.0f\t%d\t%.2f\t%.2f\t%s\t%s\t\n", v.name, best.offered, top.perSecond, top.offered, top.without(),
			top.offerMS+top.ackMS, ratio(top.perSecond, most["kea"]), ratio(top.perSecond, most["dnsmasq"]))
	}
	_ = t.Flush() // what cannot be printed is told below
	_, err := fmt.Fprintf(w, "\ncarried: the highest load under which at most %g %% of the clients stay without a lease; most: the most leases a second under any load.\n"+
		"target: at least 1 x kea\nmeasured: %s x\n", s.drops, ratio(most["assay"], most["kea"]))
	return err
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return strconv.FormatFloat(a/b, 'f', 2, 64)
}
