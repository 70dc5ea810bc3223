//go:build linux

package live

// liveCase is a device made of real programs.
type liveCase struct {
	name     string
	programs []string
	flags    []string
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
}
