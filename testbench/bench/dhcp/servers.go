//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"assay/internal/gateway/dhcp/v4"
	"assay/testbench/lab"
)

type bench struct {
	s       settings
	lab     *lab.Lab
	servers []*server
}

// server is a DHCP server to measure, and what was measured.
type server struct {
	name  string
	args  []string
	env   []string
	lacks string // the Debian package that is not installed; "" when all is there
	steps []step
}

// programs are the servers, each with the same pool and without a file of leases.
func (b *bench) programs() ([]*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var mac net.HardwareAddr
	if err := b.lab.Device(0).Do(func() error {
		i, err := net.InterfaceByName(lab.DeviceLink)
		if err == nil {
			mac = i.HardwareAddr
		}
		return err
	}); err != nil {
		return nil, err
	}
	conf := filepath.Join(b.lab.Dir(), "kea.conf")
	if err := os.WriteFile(conf, []byte(keaConf()), 0o644); err != nil {
		return nil, fmt.Errorf("cannot write Kea's settings: %w", err)
	}
	out := []*server{
		{name: "assay", args: []string{self, "-serve", mac.String()}},
		{name: "kea", args: []string{"kea-dhcp4", "-c", conf}, env: []string{"KEA_PIDFILE_DIR=" + b.lab.Dir(), "KEA_LOCKFILE_DIR=none"}},
		{name: "dnsmasq", args: []string{"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--port=0",
			"--no-ping", "--quiet-dhcp", "--leasefile-ro", "--dhcp-authoritative", "--interface=" + lab.LANLink,
			fmt.Sprintf("--dhcp-lease-max=%d", poolSize), fmt.Sprintf("--dhcp-range=%s,%s,255.0.0.0,1h", first, last)}},
	}
	for i, pkg := range []string{"", "kea-dhcp4-server", "dnsmasq-base"} {
		if find(out[i].args[0]) == "" {
			out[i].lacks = pkg
		}
	}
	return out, nil
}

// find is the path of a program, also of one in a folder for administrators.
func find(name string) string {
	for _, try := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if p, err := exec.LookPath(try); err == nil {
			return p
		}
	}
	return ""
}

func keaConf() string {
	return fmt.Sprintf(`{"Dhcp4": {
 "interfaces-config": {"interfaces": [%q], "dhcp-socket-type": "raw"},
 "lease-database": {"type": "memfile", "persist": false},
 "valid-lifetime": 3600,
 "multi-threading": {"enable-multi-threading": true},
 "subnet4": [{"subnet": "%s", "pools": [{"pool": "%s - %s"}]}],
 "loggers": [{"name": "kea-dhcp4", "severity": "ERROR", "output_options": [{"output": "stderr"}]}]
}}
`, lab.LANLink, network, first, last)
}

// tries is how often a server that was started is asked for a first offer.
const tries = 20

// start starts a server and waits until it has offered a lease. stop ends it.
func (b *bench) start(ctx context.Context, v *server) (stop func(), err error) {
	cmd := b.lab.Gateway.Command(ctx, v.args[0], v.args[1:]...)
	if cmd.Env == nil && v.env != nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, v.env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", v.name, err)
	}
	stop = func() {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()         // killed: an error is what is expected
	}
	var last error
	for range tries {
		got, err := b.ask(ctx, "-r", "20", "-n", "1", "-R", "1", "-b", "mac=00:00:5e:00:53:f0")
		if err == nil && got.offerMS > 0 {
			return stop, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return nil, errors.Join(fmt.Errorf("%s offers no lease", v.name), last, ctx.Err())
}

// serveOurs is the measured process of this project: the DHCPv4 server and nothing
// else.
func serveOurs(ctx context.Context, s settings) error {
	mac, err := net.ParseMAC(s.serve)
	if err != nil || len(mac) != len(v4.MAC{}) {
		return fmt.Errorf("cannot use %q: give the relay's MAC address", s.serve)
	}
	server, err := v4.New(v4.Config{
		Network: v4.Network{Prefix: network, Server: gateway, Router: gateway, First: first, Last: last},
		Open: func() (v4.Link, error) {
			l, err := v4.OpenLink(lab.LANLink)
			return relayed{Link: l, mac: v4.MAC(mac)}, err
		},
		Probe: -1, NewPerSecond: 1 << 30,
	})
	if err != nil {
		return err
	}
	return server.Serve(ctx)
}
