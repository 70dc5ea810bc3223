//go:build linux

package v6

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/internal/assess/evidence"
	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// notebook keeps notes as text.
type notebook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notebook) add(note evidence.Note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	line, _ := json.Marshal(note)
	n.text.Write(append(line, '\n'))
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

type running struct {
	*Server
	notes *notebook
	lab   *lab.Lab
	ctx   context.Context
}

func start(t *testing.T, mode Mode, rapid bool) running {
	t.Helper()
	lab.Need(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := lab.New(ctx, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Gateway.Assign(lab.LANLink, netip.MustParsePrefix("2001:db8:77::1/64")); err != nil {
		t.Fatal(err)
	}
	n, notes := homeNet(mode), &notebook{}
	n.RapidCommit = rapid
	s, err := New(Config{Network: n, Note: notes.add, Folder: t.TempDir(), Open: func() (c net.PacketConn, err error) {
		return c, l.Gateway.Do(func() error {
			c, err = OpenPort(lab.LANLink)
			return err
		})
	}})
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

const up = "ip link set eth0 up; n=0; until ip -6 addr show dev eth0 scope link -tentative | grep -q inet6; do n=$((n+1)); [ $n -lt 100 ] || exit 9; sleep 0.1; done\n"

// sh runs a shell script on the device.
func (r running) sh(t *testing.T, script string) string {
	t.Helper()
	out, err := r.lab.Device(0).Command(r.ctx, "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\nserver: %v", err, out, r.Counts())
	}
	return string(out)
}

func wants(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in\n%s", w, text)
		}
	}
}

// dhclient prepares ISC's client and returns its command line.
func (r running) dhclient(t *testing.T) string {
	t.Helper()
	d := r.lab.Device(0)
	script := "#!/bin/sh\necho \"$reason $new_ip6_address dns=$new_dhcp6_name_servers search=$new_dhcp6_domain_search sntp=$new_dhcp6_sntp_servers\" >> /run/said\n" +
		"[ -z \"$new_ip6_address\" ] || ip -6 addr replace $new_ip6_address/128 dev eth0 nodad\n"
	conf := "also request dhcp6.sntp-servers;\nsend dhcp6.fqdn \"\";\n"
	for name, text := range map[string]string{"/etc/assay/script": script, "/etc/assay/dhclient.conf": conf} {
		if err := d.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return "dhclient -6 -v -sf /etc/assay/script -cf /etc/assay/dhclient.conf -lf /run/leases -pf /run/dhclient.pid "
}

func TestDhclientStateful(t *testing.T) {
	lab.NeedProgram(t, "dhclient")
	r := start(t, Stateful, false)
	client := r.dhclient(t)
	r.sh(t, up+client+"-1 eth0")
	said := r.sh(t, "cat /run/said")
	wants(t, said, "BOUND6 2001:db8:77:0:", "dns=2001:db8:77::1 search=lan.example. sntp=2001:db8:77::1")
	leases := r.Leases()
	if len(leases) != 1 {
		t.Fatalf("leases: %v", leases)
	}
	wants(t, r.notes.String(), `"event":"leased","mac":"00:00:5e:00:53:01"`, leases[0].Address.String())

	r.sh(t, client+"-x; "+client+"-1 eth0; tail -n 1 /run/said >&2; "+client+"-r eth0")
	if n := r.Counts(); n["CONFIRM"] == 0 || n["RELEASE"] == 0 || len(r.Leases()) != 0 {
		t.Errorf("after it came back and left: %v, %v", n, r.Leases())
	}
	r.sh(t, ": > /run/said; rm /run/leases; "+client+"-1 -D LL eth0")
	wants(t, r.sh(t, "cat /run/said"), "BOUND6 2001:db8:77:0:")
}

func TestDhclientStateless(t *testing.T) {
	lab.NeedProgram(t, "dhclient")
	r := start(t, Stateless, false)
	r.sh(t, up+r.dhclient(t)+"-1 -S eth0")
	wants(t, r.sh(t, "cat /run/said"), "dns=2001:db8:77::1 search=lan.example. sntp=2001:db8:77::1")
	if n := r.Counts(); n["INFORMATION-REQUEST"] != 1 || n["answered"] != 1 {
		t.Errorf("counted %v", n)
	}
}

func TestDhcpcd(t *testing.T) {
	lab.NeedProgram(t, "dhcpcd")
	r := start(t, Stateful, true)
	d := r.lab.Device(0)
	script := "#!/bin/sh\necho \"$reason $new_dhcp6_ia_na1_ia_addr1 dns=$new_dhcp6_name_servers ntp=$new_dhcp6_ntp_server_addr\" >> /run/said\n"
	conf := "duid\nipv6only\nnoipv6rs\noption dhcp6_name_servers, dhcp6_ntp_server, dhcp6_rapid_commit\nia_na\n"
	for name, text := range map[string]string{"/etc/assay/script": script, "/etc/assay/dhcpcd.conf": conf} {
		if err := d.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out := r.sh(t, up+"dhcpcd -6 -1 -w -t 20 -c /etc/assay/script -f /etc/assay/dhcpcd.conf eth0 2>&1")
	wants(t, r.sh(t, "cat /run/said"), "BOUND6 2001:db8:77:0:", "dns=2001:db8:77::1")
	if n := r.Counts(); n["SOLICIT"] == 0 || n["REQUEST"] != 0 {
		t.Errorf("rapid commit did not happen: %v\n%s", n, out)
	}
}
