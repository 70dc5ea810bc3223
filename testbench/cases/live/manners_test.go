//go:build linux

package live

import "testing"

// mannersPlan tries the manners of a device on IPv6, and nothing else.
const mannersPlan = `id: manners
title: Manners on IPv6
steps:
  - {network: N2, experiment: observe, at_most: 30s, fresh: step, stop: settled, window: 3s}
  - {network: N2, experiment: manners, at_most: 2m}
`

// joined is a device with an address of its own that checks it, and visits its server.
const joined = `ip link set eth0 up; lease; global
echo SCRIPT-DONE
while :; do curl -6 -s -m 5 https://www.cam.example/ >/dev/null || true; sleep 2; done
`

// TestMannersOnIPv6: Linux as it is, and Linux with one thing broken at a time.
func TestMannersOnIPv6(t *testing.T) {
	t.Parallel()
	for _, c := range []liveCase{
		{name: "as-it-is", script: joined, want: map[string]string{"V6-08": "PASS"}},
		{
			name: "deaf-to-packet-too-big", programs: []string{"nft"},
			script: `nft add table inet deaf; nft add chain inet deaf in '{ type filter hook input priority 0; }'; nft add rule inet deaf in icmpv6 type packet-too-big drop; ` + joined,
			want:   map[string]string{"V6-08": "FAIL"},
		},
		{
			name: "checks-no-address", script: `echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/eth0/dad_transmits; ` + joined,
			want: map[string]string{"V6-08": "FAIL"},
		},
		{
			name: "reports-by-MLDv1", script: `echo 1 >/proc/sys/net/ipv6/conf/eth0/force_mld_version; ` + joined,
			want: map[string]string{"V6-08": "PARTIAL"},
		},
		{
			name: "answers-no-echo", script: `echo 1 >/proc/sys/net/ipv6/icmp/echo_ignore_all; ` + joined,
			want: map[string]string{"V6-08": "INCONCLUSIVE"},
		},
		{
			name: "believes-other-links", programs: []string{"python3"}, script: believes + joined,
			want: map[string]string{"V6-08": "PARTIAL"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.programs = append(c.programs, "busybox", "curl")
			graded(t, mannersPlan, c)
		})
	}
}

// believes makes an address from each advertisement, whoever sent it.
const believes = `cat >/run/believe.py <<'CODE'
import socket, subprocess
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
done = set()
while True:
    b, _ = s.recvfrom(2048)
    if b[0] != 134: continue
    at = 16
    while at + 8 <= len(b) and b[at + 1]:
        if b[at] == 3 and b[at + 2] == 64 and b[at + 3] & 0x40:
            p = bytes(b[at + 16:at + 24])
            if p.startswith(b"\xfd") and p not in done:
                done.add(p)
                subprocess.run(["ip", "-6", "addr", "add", socket.inet_ntop(socket.AF_INET6, p + bytes(7) + b"\x09") + "/64", "dev", "eth0"])
        at += b[at + 1] * 8
CODE
python3 /run/believe.py 2>/dev/null &
`
