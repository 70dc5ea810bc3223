package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/assess/event"
	"assay/internal/gateway/intercept"
	"assay/internal/gateway/netos"
	"assay/internal/panel"
	"assay/internal/run/box"
	"assay/internal/run/config"
	"assay/internal/run/health"
	"assay/internal/run/session"
)

// box runs the gateway until it is told to stop.
func (g *gatewayCmd) box(c *console, set config.Config) error {
	if os.Geteuid() != 0 {
		return fail(exitMissing, "the gateway changes the network of this machine and needs root: run it with sudo; 'assay lab' needs neither")
	}
	if err := findPorts(&set); err != nil {
		return err
	}
	cfg, err := boxConfig(set)
	if err != nil {
		return err
	}
	kernel, err := netos.New(netos.Options{})
	if err != nil {
		return fail(exitMissing, "cannot speak to the kernel about its network: %w", err)
	}
	defer kernel.Close()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	shown := newBoxPage(set, cfg.Book)
	if err := shown.join(&cfg, c, set, g.JSON); err != nil {
		return err
	}
	cfg.Kernel = kernel
	b, err := box.Start(ctx, cfg)
	if err != nil {
		return errors.Join(fail(exitMissing, "cannot start the gateway: %w", err), shown.close())
	}
	err = shown.begin(ctx, c, set, b, cfg, g.NewKey)
	if err == nil {
		c.tell("assay: plug the device into %s; it gets an address of %s. Runs are kept in %s. Ctrl-C ends everything.\n",
			set.Ports.LAN, b.Addresses().IPv4.Masked(), set.Store.Folder)
		until(ctx, b.Failed())
	}
	if err := errors.Join(err, shown.close(), b.Close(context.Background())); err != nil {
		return fail(exitMissing, "the gateway ended: %w", err)
	}
	return nil
}

// until waits for the end of the box: somebody's, or its own.
func until(ctx context.Context, failed <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-failed:
	}
}

// boxConfig loads what the settings name.
func boxConfig(set config.Config) (box.Config, error) {
	cfg := box.Config{Settings: set, Version: programVersion(), Clock: box.SystemClock}
	var err error
	if cfg.Book, err = loadBook(set.Run.Profile); err != nil {
		return cfg, err
	}
	if cfg.Steps, err = loadSteps(set.Run.Plan); err != nil {
		return cfg, err
	}
	cfg.Plan = cfg.Steps.ID
	cfg.Consent, cfg.Reset = consent(panel.Details{
		Tester: set.Run.Tester, Owner: set.Run.Owner, Model: set.Run.Model, Serial: set.Run.Serial,
	}, time.Now().Format(time.DateOnly)), set.Run.Reset
	cfg.Operator, err = loadOperator(set.Run)
	return cfg, err
}

// loadOperator reads the operator's certificate, where there is one.
func loadOperator(r config.Run) (*intercept.Operator, error) {
	if r.Certificate == "" {
		return nil, nil //nolint:nilnil // there need not be one
	}
	chain, err := os.ReadFile(r.Certificate)
	if err != nil {
		return nil, fail(exitMissing, "cannot read the operator's certificate (run.certificate): %w", err)
	}
	key, err := os.ReadFile(r.Key)
	if err != nil {
		return nil, fail(exitMissing, "cannot read the key of the operator's certificate (run.key): %w", err)
	}
	o, err := intercept.LoadOperator(chain, key, nil, time.Now())
	if err != nil {
		return nil, fail(exitData, "%s: %w", r.Certificate, err)
	}
	return o, nil
}

// findPorts fills in the ports that the settings leave open.
func findPorts(set *config.Config) error {
	ports, err := health.ListPorts(set.Ports.LAN, set.Ports.WAN)
	if err != nil {
		return fail(exitMissing, "cannot list the network ports: %w", err)
	}
	lan, wan, err := health.Choose(ports, set.Ports.LAN, set.Ports.WAN)
	if err != nil {
		return fail(exitMissing, "%w", err)
	}
	set.Ports = config.Ports{LAN: lan, WAN: wan}
	return nil
}

// teller prints how the runs go.
type teller struct {
	*console
	asJSON bool
	mu     sync.Mutex
	said   map[string]string // last line of each run
}

// told is a change of a run as --json prints it.
type told struct {
	Run     string    `json:"run"`
	Device  string    `json:"dut"`
	State   string    `json:"state"`
	Why     string    `json:"why"`
	Since   time.Time `json:"since"`
	Verdict string    `json:"verdict,omitempty"`
	Lamps   []string  `json:"lamps,omitempty"`
	Trouble string    `json:"trouble,omitempty"`
}

func (t *teller) take(s session.Snapshot) {
	line := t.line(s)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.said[s.Record.DUT] == line {
		return
	}
	t.said[s.Record.DUT] = line
	_, _ = fmt.Fprintln(t.out, line) // where that fails there is nobody left to tell
}

func (t *teller) line(s session.Snapshot) string {
	now := told{Run: s.Record.ID, Device: s.Record.DUT, State: string(s.State), Why: s.Why, Since: s.Since.UTC(), Trouble: s.Trouble}
	text := fmt.Sprintf("%s  %-10s  %s", now.Device, now.State, event.Clean(now.Why))
	if s.Graded {
		now.Verdict = s.Report.Overall.Verdict
		text += "  " + now.Verdict
		for _, l := range s.Report.Lamps {
			now.Lamps = append(now.Lamps, l.Name+" "+l.Grade)
			text += fmt.Sprintf("  %s %s", l.Name, l.Grade)
		}
	}
	if s.Trouble != "" {
		text += "  TROUBLE: " + event.Clean(s.Trouble)
	}
	if !t.asJSON {
		return text
	}
	asJSON, err := json.Marshal(now)
	if err != nil {
		return text
	}
	return string(asJSON)
}

// examine makes the checks and prints them.
func (d *doctorCmd) examine(c *console, set config.Config) error {
	if d.Lamps {
		return testLamps(context.Background(), c, set.Board)
	}
	results := health.Examine(context.Background(), checks(set))
	if err := d.print(c, results); err != nil {
		return err
	}
	if health.Worst(results) == health.Bad {
		return silent(exitMissing)
	}
	return nil
}

func (d *doctorCmd) print(c *console, results []health.Result) error {
	if d.JSON {
		text, err := json.MarshalIndent(results, "", "  ")
		_, werr := fmt.Fprintf(c.out, "%s\n", text)
		return errors.Join(err, werr)
	}
	marks := map[health.State]string{health.Good: "✓", health.Remark: "~", health.Bad: "✗", health.Unknown: "?"}
	for _, r := range results {
		if _, err := fmt.Fprintf(c.out, "%s %-22s %s\n", marks[r.State], r.Title, r.Says); err != nil {
			return err
		}
		if r.Do != "" {
			if _, err := fmt.Fprintf(c.out, "  %-22s → %s\n", "", r.Do); err != nil {
				return err
			}
		}
	}
	return nil
}
