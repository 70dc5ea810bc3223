//go:build linux

package live

// liveCase is a device made of real programs.
type liveCase struct {
	name     string
	programs []string
	flags    []string
	resolved bool // the script starts systemd-resolved (testbench/resolved)
	script   string
	// want names, by check, the verdicts that may come out, separated by bars.
	want map[string]string
}

var cases = []liveCase{
	{
		name: "curl-over-tls", programs: []string{"busybox", "curl"},
		script: `lease; for h in www.cam.example www.hub.example www.lock.example; do curl -4 -sf https://$h/ >/dev/null; done`,
		want:   map[string]string{"DS-01": "FAIL", "DS-06": "PASS|INCONCLUSIVE", "TC-09": "PASS|PARTIAL", "TC-11": "PASS", "PT-01": "PASS|INCONCLUSIVE", "CR-03": "INCONCLUSIVE|PASS"},
	},
	{
		name: "password-in-clear", programs: []string{"busybox", "curl"},
		script: `lease; curl -sf -u admin:correct-horse http://www.plug.example/ >/dev/null || true; curl -sf -u admin:admin http://www.sensor.example/ >/dev/null || true`,
		want:   map[string]string{"CR-03": "FAIL", "PT-01": "FAIL", "DS-01": "FAIL"},
	},
	{
		name: "dual-stack", programs: []string{"busybox", "curl"},
		script: `ip link set eth0 up; lease; global; curl -6 -sf https://www.cam.example/ >/dev/null; curl -6 -sf https://www.hub.example/ >/dev/null`,
		want:   map[string]string{"V6-02": "PASS", "V6-05": "PASS|INCONCLUSIVE", "TC-11": "PASS"},
	},
	{
		name: "ipv4-network", programs: []string{"busybox", "curl"}, flags: []string{"--network", "N1"},
		script: `lease; curl -sf https://www.cam.example/ >/dev/null`,
		want:   map[string]string{"V6-02": "INCONCLUSIVE", "TC-11": "PASS"},
	},
	{
		name: "built-in-resolver", programs: []string{"busybox", "curl", "dig"},
		script: `lease; dig +tries=2 @8.8.8.8 www.kettle.things +short | grep -q .; curl -4 -sf https://www.cam.example/ >/dev/null; curl -sf --resolve www.kettle.things:80:$(dig @8.8.8.8 www.kettle.things +short | tail -1) http://www.kettle.things/ >/dev/null || true`,
		want:   map[string]string{"DS-06": "FAIL", "DS-01": "FAIL"},
	},
	{
		name: "own-validating-resolver", programs: []string{"busybox", "curl", "unbound", "dig"},
		script: `lease; d=$(mktemp -d); s=$(sed -n 's/^nameserver //p' /etc/resolv.conf | head -1)
cat >$d/u.conf <<CONF
server:
  interface: 127.0.0.1
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "$d"
  pidfile: "$d/pid"
  use-syslog: no
  trust-anchor-file: "$ASSAY_ROOT_KEY"
forward-zone:
  name: "."
  forward-addr: $s
CONF
unbound -c $d/u.conf 2>$d/log & p=$!
echo "nameserver 127.0.0.1" >/etc/resolv.conf
for i in $(seq 50); do curl -4 -sf https://www.cam.example/ >/dev/null && break; sleep 0.1; done
for h in www.hub.example www.lock.example www.sensor.example www.cam.things; do curl -4 -sf https://$h/ >/dev/null; done; dig +short www.kettle.things | grep -q .; kill $p`,
		want: map[string]string{"DS-01": "NOT TESTED|INCONCLUSIVE", "DS-02": "PASS", "TC-11": "PASS"},
	},
	{
		name: "systemd-resolved", programs: []string{"busybox", "curl"}, resolved: true,
		script: `lease; resolved yes; for h in $SIX; do curl -4 -sf https://$h/ >/dev/null; done; resolved_stop`,
		want:   map[string]string{"DS-01": "NOT TESTED", "DS-02": "PASS", "DS-03": "PASS", "DS-06": "PASS", "TC-11": "PASS"},
	},
	{
		// What it asks is the same: that it believes a stripped answer shows only when it gets one.
		name: "systemd-resolved-downgrade", programs: []string{"busybox", "curl"}, resolved: true,
		script: `lease; resolved allow-downgrade; for h in $SIX; do curl -4 -sf https://$h/ >/dev/null; done; resolved_stop`,
		want:   map[string]string{"DS-01": "NOT TESTED", "DS-02": "PASS", "DS-03": "PASS", "DS-04": "NOT TESTED", "DS-06": "PASS", "TC-11": "PASS"},
	},
	{
		name: "systemd-resolved-off", programs: []string{"busybox", "curl"}, resolved: true,
		script: `lease; resolved no; for h in $SIX; do curl -4 -sf https://$h/ >/dev/null; done; resolved_stop`,
		want:   map[string]string{"DS-01": "FAIL", "DS-02": "PARTIAL|FAIL", "DS-03": "FAIL", "DS-06": "PASS", "TC-11": "PASS"},
	},
	{
		name: "mqtt-in-clear", programs: []string{"busybox", "mosquitto_pub"},
		script: `lease; mosquitto_pub -h mqtt.plug.example -p 1883 -u device -P secret-word -t home/temp -m 21.5 || mosquitto_pub -h mqtt.cam.example -p 1883 -u device -P secret-word -t home/temp -m 21.5`,
		want:   map[string]string{"PT-01": "FAIL", "CR-03": "FAIL"},
	},
	{
		name: "dhclient", programs: []string{"dhclient", "curl"},
		script: `d=$(mktemp -d); cat >$d/s <<'S'
#!/bin/sh
case $reason in BOUND|RENEW|REBIND|REBOOT) ip addr add $new_ip_address/24 dev $interface; ip route replace default via $new_routers; echo nameserver $new_domain_name_servers >/etc/resolv.conf;; PREINIT) ip link set $interface up;; esac
S
chmod +x $d/s; dhclient -4 -1 -sf $d/s -lf $d/l -pf $d/p eth0 2>/dev/null; curl -4 -sf https://www.cam.example/ >/dev/null; kill $(cat $d/p)`,
		want: map[string]string{"TC-11": "PASS", "DS-01": "FAIL"},
	},
	{
		name: "static-address", programs: []string{"curl"},
		script: `ip addr add 192.168.77.9/24 dev eth0; ip link set eth0 up; ip route add default via 192.168.77.1; echo nameserver 192.168.77.1 >/etc/resolv.conf; for i in $(seq 50); do curl -4 -sf https://www.cam.example/ >/dev/null && break; sleep 0.1; done`,
		want:   map[string]string{"TC-11": "PASS"},
	},
	{
		name: "wget", programs: []string{"busybox", "wget"},
		script: `lease; wget -4 -q -O /dev/null https://www.cam.example/; wget -4 -q -O /dev/null http://www.sensor.example/`,
		want:   map[string]string{"TC-11": "PASS", "DS-01": "FAIL"},
	},
	{
		name: "chrony", programs: []string{"busybox", "chronyd"},
		script: `lease; d=$(mktemp -d); printf 'server 192.168.77.1 iburst\ncmdport 0\npidfile %s/pid\n' $d >$d/c; timeout 20 chronyd -q -x -t 10 -f $d/c || true`,
		want:   map[string]string{"TC-11": "INCONCLUSIVE|NOT APPLICABLE"},
	},
	{
		name: "resolver-typed-in", programs: []string{"curl"},
		script: `ip addr add 192.168.77.9/24 dev eth0; ip link set eth0 up; global; ip route add default via 192.168.77.1; echo nameserver 192.168.77.1 >/etc/resolv.conf
for h in $SIX; do curl -4 -sf https://$h/ >/dev/null; done`,
		want: map[string]string{"DS-06": "INCONCLUSIVE", "DS-01": "FAIL", "TC-11": "PASS"},
	},
	{
		name: "router-link-local-resolver", programs: []string{"curl"},
		script: `ip link set eth0 up; global; echo "nameserver $(ip -6 route show default | sed -n 's/.*via \([^ ]*\).*/\1/p' | head -1)%eth0" >/etc/resolv.conf
for h in $SIX; do curl -6 -sf https://$h/ >/dev/null; done`,
		want: map[string]string{"DS-06": "INCONCLUSIVE", "V6-02": "PASS", "V6-07": "FAIL"},
	},
	{
		name: "own-public-resolver", programs: []string{"busybox", "curl"},
		script: `lease; echo nameserver 9.9.9.9 >/etc/resolv.conf; for h in $SIX; do curl -4 -sf https://$h/ >/dev/null; done`,
		want:   map[string]string{"DS-06": "FAIL", "DS-01": "FAIL", "DS-02": "FAIL"},
	},
	{
		name: "update-over-http", programs: []string{"busybox", "curl"},
		script: `lease; curl -4 -s -o /dev/null http://download.firmware.example/firmware/v2.1.bin`,
		want:   map[string]string{"PT-01": "FAIL", "DS-01": "FAIL"},
	},
	{
		name: "dns-over-https", programs: []string{"busybox", "curl"},
		script: `lease; for h in $SIX; do curl -4 -sf --doh-url https://dns.google/dns-query https://$h/ >/dev/null; done`,
		want:   map[string]string{"DS-01": "INCONCLUSIVE", "DS-06": "INCONCLUSIVE", "DN-04": "FAIL"},
	},
	{
		name: "dns-over-tls", programs: []string{"busybox", "kdig"},
		script: `lease; for h in $SIX; do kdig +tls @8.8.8.8 $h +short | grep -q .; done`,
		want:   map[string]string{"DS-01": "NOT TESTED|INCONCLUSIVE", "DS-06": "INCONCLUSIVE", "DN-04": "FAIL", "TC-15": "PARTIAL"},
	},
	{
		name: "no-certificate-check", programs: []string{"busybox", "wget"},
		script: `lease; for h in expired self-signed wrong-name; do wget -4 -q --no-check-certificate -O /dev/null https://$h.tls.example/; done`,
		want:   map[string]string{"TC-01": "NOT TESTED", "TC-05": "NOT TESTED", "TC-11": "PASS"},
	},
	{
		name: "private-address", programs: []string{"curl"},
		script: `echo 2001:db8::1234:5678:9abc:def0 >/proc/sys/net/ipv6/conf/eth0/stable_secret; echo 2 >/proc/sys/net/ipv6/conf/eth0/addr_gen_mode
ip link set eth0 up; lease; global; for h in $SIX; do curl -6 -sf https://$h/ >/dev/null; done`,
		want: map[string]string{"V6-02": "PASS", "V6-07": "PASS", "V6-05": "PASS", "DS-06": "PASS"},
	},
	{
		name: "old-tls", programs: []string{"busybox", "openssl"},
		script: `lease; echo | timeout 5 openssl s_client -4 -tls1_1 -cipher DEFAULT@SECLEVEL=0 -connect tls11.tls.example:443 -servername tls11.tls.example >/dev/null 2>&1`,
		want:   map[string]string{"TC-09": "FAIL", "TC-11": "FAIL"},
	},
}
