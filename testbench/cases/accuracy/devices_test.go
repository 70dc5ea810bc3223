//go:build linux

package accuracy

// device is a program with what is true of it, by check: right or wrong.
type device struct {
	name     string
	plan     string // one of plans
	programs []string
	script   string
	right    []string
	wrong    []string
	// opened says that what the device sent to flawed servers must be readable in its
	// evidence by anybody, with tshark.
	opened bool
	// resolved says that the script starts systemd-resolved (testbench/resolved).
	resolved bool
	// confesses is, by check, what the device's own log holds when it is wrong in it; it
	// is right where the log holds nothing of the kind. For traits that differ between
	// releases of the same program.
	confesses map[string]string
	// rung is the step on the DNSSEC ladder that must come out; "" where any may.
	rung string
}

const (
	right = "right"
	wrong = "wrong"
)

// plans are the experiments, one at a time so that a device is done within a minute.
var plans = map[string]string{
	"tls": `id: tls
title: Flawed servers alone
steps:
  - {network: N2, experiment: observe, at_most: 20s, fresh: step, stop: settled, window: 3s}
  - {network: N2, experiment: tls, at_most: 100s, fresh: round}
`,
	"dnssec": `id: dnssec
title: Damaged signatures alone
steps:
  - {network: N2, experiment: observe, at_most: 30s, fresh: step, stop: settled, window: 3s}
  - {network: N2, experiment: dnssec, at_most: 4m, fresh: round, window: 4s}
`,
	"doors": `id: doors
title: The device's own doors alone
steps:
  - {network: N2, experiment: observe, at_most: 20s, fresh: step, stop: settled, window: 3s}
  - {network: N2, experiment: probe, at_most: 60s, ports: common}
`,
}

// certificates are the checks that a client which verifies certificates passes and
// one that verifies nothing fails.
var certificates = []string{"TC-01", "TC-02", "TC-03", "TC-06"}

const prelude = `busybox udhcpc -n -q -i eth0 >/dev/null 2>&1
often() { for i in $(seq 60); do "$@" >/dev/null 2>&1; done; }
`

var devices = []device{
	{name: "curl", plan: "tls", programs: []string{"curl"}, script: `often curl -4 -s -m 5 https://www.cam.example/`,
		right: append([]string{"TC-13"}, certificates...)},
	{name: "curl -k", opened: true, plan: "tls", programs: []string{"curl"}, script: `often curl -4 -sk -m 5 https://www.cam.example/`,
		wrong: append([]string{"TC-04"}, certificates...)},
	{name: "curl, TLS 1.2", plan: "tls", programs: []string{"curl"}, script: `often curl -4 -s -m 5 --tlsv1.2 --tls-max 1.2 https://www.cam.example/`,
		right: append([]string{"TC-07", "TC-13"}, certificates...)},
	{name: "curl -k, TLS 1.2", opened: true, plan: "tls", programs: []string{"curl"}, script: `often curl -4 -sk -m 5 --tlsv1.2 --tls-max 1.2 https://www.cam.example/`,
		right: []string{"TC-07"}, wrong: append([]string{"TC-04"}, certificates...)},
	{name: "curl over IPv6", plan: "tls", programs: []string{"curl"},
		script: `for i in $(seq 50); do ip -6 route show default | grep -q . && break; sleep 0.1; done; sleep 1.5; often curl -6 -s -m 5 https://www.cam.example/`,
		right:  append([]string{"TC-13"}, certificates...)},
	{name: "curl, no root certificate", plan: "tls", programs: []string{"curl"}, script: `often curl -4 -s -m 5 --tlsv1.2 https://www.hub.example/`,
		right: append([]string{"TC-07", "TC-13"}, certificates...)},
	{name: "wget", plan: "tls", programs: []string{"wget"}, script: `often wget -4 -q -t 1 -T 5 -O - --ca-certificate=$SSL_CERT_FILE https://www.cam.example/`,
		right: []string{"TC-01", "TC-02", "TC-06"}},
	{name: "wget --no-check-certificate", plan: "tls", programs: []string{"wget"}, script: `often wget -4 -q -t 1 -T 5 -O - --no-check-certificate https://www.cam.example/`,
		wrong: []string{"TC-01", "TC-02", "TC-03", "TC-06"}},
	{name: "openssl that verifies", plan: "tls", programs: []string{"openssl"},
		script: `go() { printf 'GET / HTTP/1.0\r\n\r\n' | timeout 3 openssl s_client -quiet -no_ign_eof -connect www.cam.example:443 -servername www.cam.example -CAfile $SSL_CERT_FILE -verify_return_error -verify_hostname www.cam.example; }; often go`,
		right:  certificates},
	{name: "openssl that does not", plan: "tls", programs: []string{"openssl"},
		script: `go() { (printf 'GET / HTTP/1.0\r\n\r\n'; sleep 0.2) | timeout 3 openssl s_client -quiet -connect www.cam.example:443 -servername www.cam.example; }; often go`,
		wrong:  certificates},
	{name: "mosquitto_pub", plan: "tls", programs: []string{"mosquitto_pub"},
		script: `often timeout 5 mosquitto_pub -h mqtt.cam.example -p 8883 --cafile $SSL_CERT_FILE -t t -m m`, right: certificates},
	{name: "mosquitto_pub --insecure", plan: "tls", programs: []string{"mosquitto_pub"},
		script: `often timeout 5 mosquitto_pub -h mqtt.cam.example -p 8883 --cafile $SSL_CERT_FILE --insecure -t t -m m`,
		right:  []string{"TC-01", "TC-02", "TC-06"}, wrong: []string{"TC-03"}},
	{name: "accepts every fourth time", plan: "tls", programs: []string{"curl"},
		script: `for i in $(seq 60); do k=; [ $((i % 4)) = 0 ] && k=-k; curl -4 -s $k -m 5 https://www.cam.example/ >/dev/null; done`,
		wrong:  []string{"TC-01", "TC-02", "TC-13"}},
	{name: "gives in after three failures", plan: "tls", programs: []string{"curl"},
		script: `n=0; for i in $(seq 60); do if [ $n -ge 3 ]; then curl -4 -sk -m 5 https://www.cam.example/ >/dev/null; else curl -4 -s -m 5 https://www.cam.example/ >/dev/null && n=0 || n=$((n+1)); fi; done`,
		wrong:  []string{"TC-01", "TC-02", "TC-13"}},
	{name: "checks all but the name", plan: "tls", programs: []string{"python3"},
		script: pythonClient("c.check_hostname = False"), right: []string{"TC-01", "TC-02", "TC-06"}, wrong: []string{"TC-03"}},
	{name: "python that verifies", plan: "tls", programs: []string{"python3"}, script: pythonClient("pass"), right: certificates},
	{name: "python that does not", plan: "tls", programs: []string{"python3"},
		script: pythonClient("c.check_hostname = False; c.verify_mode = ssl.CERT_NONE"), wrong: certificates},
	{name: "unbound with a trust anchor", plan: "dnssec", programs: []string{"curl", "unbound"}, script: stub(`trust-anchor-file: "$ASSAY_ROOT_KEY"`),
		right: []string{"DS-01", "DS-02", "DS-03"}},
	{name: "unbound that does not validate", plan: "dnssec", programs: []string{"curl", "unbound"}, script: stub(`module-config: "iterator"`),
		wrong: []string{"DS-01"}},
	{name: "glibc alone", plan: "dnssec", programs: []string{"curl"}, script: `often curl -4 -s -m 5 https://www.cam.example/`,
		wrong: []string{"DS-01"}},
	{name: "systemd-resolved, DNSSEC=yes", plan: "dnssec", resolved: true, rung: "D3", programs: []string{"curl"}, script: resolvedStub("yes"),
		right: []string{"DS-01", "DS-02", "DS-03", "DS-05"}, confesses: map[string]string{"DS-04": takesUnsigned}},
	{name: "systemd-resolved, DNSSEC=allow-downgrade", plan: "dnssec", resolved: true, programs: []string{"curl"}, script: resolvedStub("allow-downgrade"),
		right: []string{"DS-02", "DS-03"}, wrong: []string{"DS-04"}},
	{name: "systemd-resolved, DNSSEC=no", plan: "dnssec", resolved: true, rung: "D1", programs: []string{"curl"}, script: resolvedStub("no"),
		wrong: []string{"DS-01"}},
}

// takesUnsigned is how systemd-resolved says that it holds an answer of a signed zone
// for one of an unsigned zone, as some releases do (compare CVE-2023-7008).
const takesUnsigned = `Looking at www\.cam\.example IN A+ \S+: no-signature\nFound verdict for lookup www\.cam\.example IN A+: insecure`

// deviceLog is where the script of a device that confesses leaves its log.
const deviceLog = "device.log"

// resolvedStub is a device with systemd-resolved as its own resolver; it visits six
// names.
func resolvedStub(setting string) string {
	return `export RESOLVED_LOG=debug; resolved ` + setting + `
for h in www.cam.example www.hub.example www.lock.example www.sensor.example www.cam.things www.kettle.things; do curl -4 -s -m 3 https://$h/ >/dev/null; done
sleep 1; resolved_stop; cat /run/resolved.log >>` + deviceLog
}

// pythonClient is a client of the ssl module with one line of its own.
func pythonClient(line string) string {
	return `cat >/run/client.py <<'PY'
import os, socket, ssl
c = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
` + line + `
for i in range(60):
    try:
        with socket.create_connection(("www.cam.example", 443), 5) as s, c.wrap_socket(s, server_hostname="www.cam.example") as t:
            t.sendall(b"GET / HTTP/1.0\r\nHost: www.cam.example\r\n\r\n")
            t.recv(100)
    except OSError:
        pass
PY
python3 /run/client.py`
}

// stub is a device with unbound as its own resolver; it visits six names.
func stub(setting string) string {
	return `s=$(sed -n 's/^nameserver //p' /etc/resolv.conf | grep -v : | head -1); d=/run/stub; mkdir -p $d
cat >$d/u.conf <<CONF
server:
  interface: 127.0.0.1
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "$d"
  pidfile: "$d/pid"
  use-syslog: no
  ` + setting + `
forward-zone:
  name: "."
  forward-addr: $s
CONF
unbound -c $d/u.conf 2>$d/log & p=$!
echo "nameserver 127.0.0.1" >/etc/resolv.conf
for i in $(seq 30); do dig +time=1 +tries=1 @127.0.0.1 www.cam.example >/dev/null && break; sleep 0.1; done
for h in www.cam.example www.hub.example www.lock.example www.sensor.example www.cam.things www.kettle.things; do curl -4 -s -m 3 https://$h/ >/dev/null; done
sleep 1; kill $p`
}
