//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/capture"
	"assay/internal/gateway/lan"
	"assay/internal/gateway/netos"
	"assay/internal/run/journal"
	"assay/testbench/lab"
)

// way is one way in which packets get from the device to the internet.
type way struct {
	name string
	up   func(ctx context.Context, s settings, l *lab.Lab, folder string) (*gateway, error)
}

// gateway is what was set up for a way.
type gateway struct {
	// down ends it and tells what its capture saw and lost.
	down func() (seen, lost uint64, err error)
	pid  int // of the process that is the whole gateway, 0 when there is none
}

var ways = []way{
	{"nftables masquerade", plain},
	{"router", router},
	{"router + capture + log", recorded},
	{"whole gateway", whole},
}

var (
	lanAddress = netip.MustParsePrefix("192.168.77.1/24")
	device     = netip.MustParsePrefix("192.168.77.50/24")
	// server is a public address, because the router keeps devices away from others.
	server = netip.MustParsePrefix("8.8.8.8/32")
)

func nothing() (seen, lost uint64, err error) { return 0, 0, nil }

// plain is the peer: what every home router does, and nothing else.
func plain(ctx context.Context, _ settings, l *lab.Lab, _ string) (*gateway, error) {
	if err := l.Gateway.Assign(lab.LANLink, lanAddress); err != nil {
		return nil, err
	}
	if err := l.Gateway.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }); err != nil {
		return nil, err
	}
	cmd := l.Gateway.Command(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(`table ip nat { chain out { type nat hook postrouting priority srcnat;
 oifname "` + lab.WANLink + `" masquerade
}; }`)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot load the rules with nft (Debian: nftables): %w\n%s", err, out)
	}
	return &gateway{down: nothing}, nil
}

func router(ctx context.Context, _ settings, l *lab.Lab, folder string) (*gateway, error) {
	k, err := netos.New(netos.Options{Do: l.Gateway.Do})
	if err != nil {
		return nil, err
	}
	r, err := lan.Up(ctx, k, lan.Config{LAN: lab.LANLink, WAN: lab.WANLink, Network4: lanAddress, StateDir: folder})
	if err != nil {
		k.Close()
		return nil, err
	}
	return &gateway{down: func() (seen, lost uint64, err error) {
		err = r.Down(context.WithoutCancel(ctx))
		k.Close()
		return 0, 0, err
	}}, nil
}

// recorded is the router with a capture of the LAN port that goes to a file.
func recorded(ctx context.Context, s settings, l *lab.Lab, folder string) (*gateway, error) {
	r, err := router(ctx, s, l, folder)
	if err != nil {
		return nil, err
	}
	stop, err := record(ctx, l, filepath.Join(folder, "evidence.pcapng"))
	if err != nil {
		_, _, derr := r.down()
		return nil, errors.Join(err, derr)
	}
	return &gateway{down: func() (seen, lost uint64, err error) {
		counts, err := stop()
		_, _, derr := r.down()
		return counts.Seen, counts.Dropped, errors.Join(err, derr)
	}}, nil
}

// record captures the LAN port into a file until stop is called.
func record(ctx context.Context, l *lab.Lab, file string) (stop func() (capture.Counts, error), err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	log, err := journal.New(f, "forward", lab.LANLink, func(evidence.Entry) {})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	var c *capture.Capture
	if err := l.Gateway.Do(func() (err error) {
		c, err = capture.Open(capture.Config{Interface: lab.LANLink})
		return err
	}); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- pump(ctx, c, log) }()
	return func() (capture.Counts, error) {
		cancel()
		err := <-ended
		return c.Counts(), errors.Join(err, c.Close(), log.Close())
	}, nil
}

func pump(ctx context.Context, c *capture.Capture, log *journal.Log) error {
	for {
		b, err := c.Next(ctx)
		switch {
		case errors.Is(err, context.Canceled):
			return nil
		case err != nil:
			return err
		}
		for _, f := range b.Frames {
			log.Packet(f.At, f.Length, f.Data)
		}
		if err := log.Err(); err != nil {
			return err
		}
	}
}

// whole is the program as a user starts it, with a run of the device.
func whole(ctx context.Context, s settings, l *lab.Lab, folder string) (*gateway, error) {
	program, err := filepath.Abs(s.assay)
	if err != nil {
		return nil, err
	}
	runs, conf := filepath.Join(folder, "runs"), filepath.Join(folder, "assay.yaml")
	text := fmt.Sprintf("ports: {lan: %s, wan: %s}\nuplink: {mode: existing}\nlan: {ipv4: %s}\ndns: {upstreams: [%s]}\nrun: {observe: off}\nstore: {folder: %s, state: %s}\n",
		lab.LANLink, lab.WANLink, lanAddress, netip.MustParsePrefix(lab.InternetV4).Addr(), runs, filepath.Join(folder, "state"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := l.Gateway.Command(ctx, program, "gateway", "--config", conf)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s (is it built?): %w", s.assay, err)
	}
	return &gateway{pid: cmd.Process.Pid, down: func() (seen, lost uint64, err error) {
		_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended: then Wait says so
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait() // the exit code is that of the report
		seen, lost, err = reported(runs)
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, said.String())
		}
		return seen, lost, err
	}}, nil
}

// reported adds up what the reports of the runs say.
func reported(runs string) (seen, lost uint64, err error) {
	files, err := filepath.Glob(filepath.Join(runs, "*", "report.json"))
	if err != nil || len(files) == 0 {
		return 0, 0, errors.New("the gateway made no report")
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return seen, lost, err
		}
		var r struct {
			Lost     uint64 `json:"lost"`
			Evidence struct {
				Frames uint64 `json:"frames"`
			} `json:"evidence_file"`
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return seen, lost, fmt.Errorf("cannot read a report: %w", err)
		}
		seen, lost = seen+r.Evidence.Frames+r.Lost, lost+r.Lost
	}
	return seen, lost, nil
}
