//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// sample is one run of dnsperf.
type sample struct {
	perSecond float64
	latency   float64 // mean, seconds
	lost      float64 // share of the questions
}

// row is the median of the runs against one server.
type row struct {
	Kind      string  `json:"kind"`
	Server    string  `json:"server"`
	PerSecond float64 `json:"queries_per_second"`
	Latency   float64 `json:"latency_us"`
	Lost      float64 `json:"lost_percent"`
	ToDnsmasq float64 `json:"ratio_to_dnsmasq"`
	ToUnbound float64 `json:"ratio_to_unbound"`
}

const (
	warmUp  = "1"
	percent = 100
	micro   = 1e6
)

// measure runs dnsperf against a server whose cache is warm.
func (b *bench) measure(ctx context.Context, v *server, k kind) (sample, error) {
	run := func(limit ...string) (string, error) {
		args := append([]string{"-s", v.address, "-d", k.file, "-c", strconv.Itoa(b.s.clients), "-T", strconv.Itoa(b.s.threads)}, limit...)
		out, err := exec.CommandContext(ctx, "dnsperf", append(args, k.flags...)...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("cannot measure %s with dnsperf (is it installed?): %w\n%s", v.name, err, out)
		}
		return string(out), nil
	}
	if _, err := run("-n", warmUp); err != nil {
		return sample{}, err
	}
	text, err := run("-l", strconv.Itoa(b.s.seconds))
	if err != nil {
		return sample{}, err
	}
	if answers := codes(text); len(answers) != 1 || !strings.HasPrefix(answers[0], "NOERROR") {
		return sample{}, fmt.Errorf("%s does not answer all questions alike: %v", v.name, answers)
	}
	return parse(text)
}

func codes(text string) []string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Response codes:"); ok {
			return strings.Split(strings.TrimSpace(rest), ", ")
		}
	}
	return nil
}

func parse(text string) (sample, error) {
	var s sample
	for label, to := range map[string]*float64{"Queries per second": &s.perSecond, "Average Latency (s)": &s.latency} {
		found := regexp.MustCompile(regexp.QuoteMeta(label) + `:\s+([0-9.]+)`).FindStringSubmatch(text)
		if found == nil {
			return s, fmt.Errorf("cannot find %q in what dnsperf prints:\n%s", label, text)
		}
		v, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			return s, err
		}
		*to = v
	}
	if found := regexp.MustCompile(`Queries lost:\s+\d+ \(([0-9.]+)%\)`).FindStringSubmatch(text); found != nil {
		v, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			return s, err
		}
		s.lost = v / percent
	}
	return s, nil
}

func rowsOf(k kind, servers []*server, all map[string][]sample) []row {
	middle := map[string]sample{}
	for _, v := range servers {
		list := all[k.name+"/"+v.name]
		slices.SortFunc(list, func(a, b sample) int { return int(a.perSecond - b.perSecond) })
		middle[v.name] = list[len(list)/2]
	}
	var out []row
	for _, v := range servers {
		s := middle[v.name]
		out = append(out, row{
			Kind: k.name, Server: v.name, PerSecond: s.perSecond, Latency: s.latency * micro, Lost: s.lost * percent,
			ToDnsmasq: s.perSecond / middle["dnsmasq"].perSecond, ToUnbound: s.perSecond / middle["unbound"].perSecond,
		})
	}
	return out
}

func printTable(w io.Writer, rows []row) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "questions\tserver\tqueries/s\tlatency us\tlost %\t/ dnsmasq\t/ unbound\t")
	for _, r := range rows {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t\n", r.Kind, r.Server, r.PerSecond, r.Latency, r.Lost, r.ToDnsmasq, r.ToUnbound)
	}
	_ = t.Flush() // a buffer takes everything
	_, _ = fmt.Fprintln(w, "\ntargets: plain at least 1 x dnsmasq, DNSSEC at least 10 x dnsmasq")
}
