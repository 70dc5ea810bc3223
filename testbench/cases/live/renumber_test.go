//go:build linux

package live

import "testing"

// renumberPlan gives the network other addresses, and nothing else.
const renumberPlan = `id: renumber
title: Other addresses
steps:
  - {network: N2, experiment: observe, at_most: 5s, fresh: step}
  - {network: N2, experiment: renumber, at_most: 8m, window: 2s}
`

// visits goes on for as long as the device is on.
const visits = `
echo SCRIPT-DONE
while :; do curl -4 -s -m 3 https://www.cam.example/ >/dev/null || true; sleep 1; done
`

// TestOtherAddresses: a device that notices that its cable was pulled, one that asks for
// an address only when it starts, and one with addresses built in.
func TestOtherAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []liveCase{
		{
			name: "notices-the-cable",
			script: `lease
( while :; do while ip link show eth0 | grep -q LOWER_UP; do sleep 0.2; done
  while ! ip link show eth0 | grep -q LOWER_UP; do sleep 0.2; done
  ip -4 addr flush dev eth0; busybox udhcpc -n -q -t 8 -i eth0 >/dev/null 2>&1; done ) &` + visits,
			want: map[string]string{"AD-03": "PASS"},
		},
		{
			name: "asks-when-it-starts", script: `lease` + visits,
			want: map[string]string{"AD-03": "PARTIAL"},
		},
		{
			name: "addresses-built-in",
			script: `ip addr add 192.168.77.9/24 dev eth0; ip link set eth0 up; ip -6 addr flush dev eth0
echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
( while :; do ip route replace default via 192.168.77.1 2>/dev/null; sleep 1; done ) &
echo nameserver 192.168.77.1 >/etc/resolv.conf` + visits,
			want: map[string]string{"AD-03": "FAIL"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.programs = append(c.programs, "busybox", "curl")
			graded(t, renumberPlan, c)
		})
	}
}
