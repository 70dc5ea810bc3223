//go:build linux

package v4

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// running is a server in a lab's gateway.
type running struct {
	*Server
	notes *notebook
	lab   *lab.Lab
	ctx   context.Context
}

// start builds a lab and serves its LAN until the test ends.
func start(t *testing.T, o lab.Options, change func(*Config)) running {
	t.Helper()
	lab.Need(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := lab.New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Gateway.Assign(lab.LANLink, netip.MustParsePrefix("192.168.77.1/24")); err != nil {
		t.Fatal(err)
	}
	notes := &notebook{}
	c := Config{Network: homeNet(), Note: notes.add, Folder: t.TempDir(), Open: func() (link Link, err error) {
		return link, l.Gateway.Do(func() error {
			link, err = OpenLink(lab.LANLink)
			return err
		})
	}}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("the lab ended with %v", err)
		}
	})
	return running{s, notes, l, ctx}
}

func (r running) run(t *testing.T, device int, name string, args ...string) string {
	t.Helper()
	out, err := r.lab.Device(device).Command(r.ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s\nserver: %v", name, args, err, out, r.Counts())
	}
	return string(out)
}

// wants fails the test unless every word is in the text.
func wants(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in\n%s", w, text)
		}
	}
}

func TestUDHCPC(t *testing.T) {
	lab.NeedProgram(t, "busybox")
	r := start(t, lab.Options{}, nil)
	for _, flags := range [][]string{{"-r", "192.168.77.120", "-x", "hostname:doorbell", "-V", "acme 1.0"}, {}, {"-B"}} {
		args := append([]string{"udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", lab.UDHCPCScriptFile, "-O", "ntpsrv"}, flags...)
		out := r.run(t, 0, "busybox", args...)
		wants(t, out, "lease of 192.168.77.120 obtained from 192.168.77.1, lease time 3600")
		wants(t, r.run(t, 0, "ip", "route"), "default via 192.168.77.1 dev eth0")
		wants(t, r.run(t, 0, "cat", "/etc/resolv.conf"), "nameserver 192.168.77.1")
	}
	if n := r.Counts(); n["offer"] != 3 || n["ack"] != 3 {
		t.Errorf("three clients that came and left, but counted %v", n)
	}
	wants(t, r.notes.text(), `"event":"leased"`, `"host":"doorbell"`, `"vendor_class":"acme 1.0"`)
}

const dhclientScript = `#!/bin/sh
echo "$reason $new_ip_address router=$new_routers ntp=$new_ntp_servers mtu=$new_interface_mtu" >> /run/said
case "$reason" in
PREINIT) ip link set eth0 up ;;
BOUND|RENEW|REBIND|REBOOT) ip addr replace "$new_ip_address/24" dev eth0 ;;
esac
`

func TestDhclient(t *testing.T) {
	lab.NeedProgram(t, "dhclient")
	r := start(t, lab.Options{}, nil)
	d := r.lab.Device(0)
	conf := "request subnet-mask, routers, domain-name-servers, ntp-servers, interface-mtu;\nsend host-name \"camera\";\n"
	for name, text := range map[string]string{"/etc/assay/script": dhclientScript, "/etc/assay/dhclient.conf": conf} {
		if err := d.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-4", "-1", "-v", "-sf", "/etc/assay/script", "-cf", "/etc/assay/dhclient.conf",
		"-lf", "/run/leases", "-pf", "/run/dhclient.pid", "eth0"}
	r.run(t, 0, "dhclient", args...)
	said, _ := d.ReadFile("/run/said")
	wants(t, string(said), "BOUND 192.168.77.", "router=192.168.77.1 ntp=192.168.77.1 mtu=1400")

	// Started again it knows its lease (INIT-REBOOT) and asks for that alone.
	r.run(t, 0, "dhclient", append([]string{"-x"}, args[1:]...)...)
	before := r.Counts()["offer"]
	r.run(t, 0, "dhclient", args...)
	said, _ = d.ReadFile("/run/said")
	wants(t, string(said), "REBOOT 192.168.77.")
	if r.Counts()["offer"] != before {
		t.Errorf("a client that came back with its lease was sent an offer: %v", r.Counts())
	}
	r.run(t, 0, "dhclient", append([]string{"-r"}, args[2:]...)...)
	if len(r.Leases()) != 0 {
		t.Errorf("after the release there are %v", r.Leases())
	}
}

func TestDhcpcd(t *testing.T) {
	lab.NeedProgram(t, "dhcpcd")
	r := start(t, lab.Options{}, func(c *Config) { c.Network.RapidCommit = true })
	d := r.lab.Device(0)
	script := "#!/bin/sh\necho \"$reason $new_ip_address dns=$new_domain_name_servers\" >> /run/said\n"
	if err := d.WriteFile("/etc/assay/script", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteFile("/etc/assay/dhcpcd.conf", []byte("option domain_name_servers, rapid_commit\nrequire dhcp_server_identifier\nnoipv6\nnoipv4ll\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := r.run(t, 0, "dhcpcd", "-4", "-1", "-w", "-c", "/etc/assay/script", "-f", "/etc/assay/dhcpcd.conf", "eth0")
	said, _ := d.ReadFile("/run/said")
	wants(t, string(said), "BOUND 192.168.77.", "dns=192.168.77.1")
	if n := r.Counts(); n["offer"] != 0 || n["ack"] == 0 {
		t.Errorf("a client with rapid commit got an offer: %v\n%s", n, out)
	}
}

// TestConflictProbe: a device with a static address inside the pool keeps it.
func TestConflictProbe(t *testing.T) {
	lab.NeedProgram(t, "busybox")
	r := start(t, lab.Options{Devices: 2}, nil)
	if err := r.lab.Device(1).Assign("eth0", netip.MustParsePrefix("192.168.77.100/24")); err != nil {
		t.Fatal(err)
	}
	out := r.run(t, 0, "busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", lab.UDHCPCScriptFile, "-r", "192.168.77.100")
	wants(t, out, "lease of 192.168.77.101 obtained")
	wants(t, r.notes.text(), `"event":"in use","mac":"00:00:5e:00:53:02","address":"192.168.77.100"`)
}

// TestLinkIsLost: the port goes down and comes back, and devices are served again.
func TestLinkIsLost(t *testing.T) {
	lab.NeedProgram(t, "busybox")
	r := start(t, lab.Options{}, nil)
	udhcpc := []string{"udhcpc", "-f", "-q", "-t", "10", "-T", "1", "-n", "-i", "eth0", "-s", lab.UDHCPCScriptFile}
	r.run(t, 0, "busybox", udhcpc...)
	if err := r.lab.Gateway.Down(lab.LANLink); err != nil {
		t.Fatal(err)
	}
	r.notes.await(t, `"state":"down"`)
	if err := r.lab.Gateway.Up(lab.LANLink); err != nil {
		t.Fatal(err)
	}
	r.notes.await(t, `"state":"up"`)
	r.run(t, 0, "busybox", udhcpc...)
}
