//go:build linux

package internet_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/testbench/internet"
	"assay/testbench/internet/servers"
	"assay/testbench/lab"
)

// shell runs a line in the gateway's site, whose resolver is the provider's.
func shell(t *testing.T, l *lab.Lab, line string) (out string, code int) {
	t.Helper()
	cmd := l.Gateway.Command(t.Context(), "sh", "-c", "echo nameserver 198.51.100.53 > /etc/resolv.conf; "+line)
	raw, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(raw), cmd.ProcessState.ExitCode()
}

// served is a lab whose programs trust its authority and its root key.
func served(t *testing.T) (*lab.Lab, *internet.Internet) {
	t.Helper()
	l, i := world(t, internet.Options{}, lab.Options{})
	if err := l.Trust(i.CAPEM(), []byte(i.TrustAnchorFile())); err != nil {
		t.Fatal(err)
	}
	return l, i
}

// TestRealClients lets ordinary programs use the internet as its servers are
// meant: what should work works, what should be refused is refused, with the
// exit code that tells why.
func TestRealClients(t *testing.T) {
	l, i := served(t)
	anchor := filepath.Join(t.TempDir(), "anchor")
	if err := os.WriteFile(anchor, []byte(i.AnchorStatement()), 0o644); err != nil {
		t.Fatal(err)
	}
	const wrongCertificate, handshakeFailed = 60, 35 // of curl
	old := "--ciphers DEFAULT@SECLEVEL=0 --tlsv1.0"
	for _, c := range []struct {
		name, needs, line, want string
		code                    int
	}{
		{"TLS 1.3", "curl", "curl -sS https://www.cam.example/", "reached with TLS 1.3", 0},
		{"TLS 1.3 over IPv6", "curl", "curl -6 -sS https://www.hub.example/", "[2001:db8:100::2]", 0},
		{"an alias into another zone", "curl", "curl -sS https://to-secure.cam.example/", `"to-secure.cam.example" reached`, 0},
		{"a wildcard", "curl", "curl -sS https://any.dev.cam.example/", "TLS 1.3", 0},
		{"IPv4 only", "kdig", "kdig @198.51.100.53 toy.legacy AAAA", "ANSWER: 0; AUTHORITY: 1", 0},
		{"TLS 1.2 alone", "curl", "curl -sS https://tls12.tls.example/", "TLS 1.2", 0},
		{"TLS 1.2 for a client that wants 1.3", "curl", "curl -sS --tlsv1.3 https://tls12.tls.example/", "", handshakeFailed},
		{"TLS 1.3 for a client that wants 1.2", "curl", "curl -sS --tls-max 1.2 https://tls13.tls.example/", "", handshakeFailed},
		{"TLS 1.1", "curl", "curl -sS " + old + " --tls-max 1.1 https://tls11.tls.example/", "TLS 1.1", 0},
		{"TLS 1.0", "curl", "curl -sS " + old + " --tls-max 1.0 https://tls10.tls.example/", "TLS 1.0", 0},
		{"TLS 1.0 for a client of today", "curl", "curl -sS https://tls10.tls.example/", "", handshakeFailed},
		{"an expired certificate", "curl", "curl -sS https://expired.tls.example/", "expired", wrongCertificate},
		{"a self-signed certificate", "curl", "curl -sS https://self-signed.tls.example/", "self-signed", wrongCertificate},
		{"another name's certificate", "curl", "curl -sS https://wrong-name.tls.example/", "", wrongCertificate},
		{"a client that accepts anything", "curl", "curl -ksS https://wrong-name.tls.example/", "TLS 1.3", 0},
		{"plain HTTP", "curl", "curl -sS http://plug.example/", "no TLS", 0},
		{"telemetry", "curl", "curl -sS -w %{http_code} -d temperature=21 http://api.kettle.things/api/v1", "204", 0},
		{"a certificate for an address", "curl", "curl -sS https://8.8.8.8/", "TLS 1.3", 0},
		{"time", "chronyd", "chronyd -u root -Q -t 10 -f /dev/null 'server pool.ntp.org iburst maxsamples 1'", "System clock wrong by", 0},
		{"DNS over TLS, the provider's", "kdig", "kdig +tls +tls-hostname=resolver.isp.example +tls-ca=$SSL_CERT_FILE @198.51.100.53 www.cam.example A +short",
			"203.0.113.10", 0},
		{"DNS over TLS, public", "kdig", "kdig +tls +tls-hostname=dns.google +tls-ca=$SSL_CERT_FILE @2001:4860:4860::8888 www.cam.example A +short",
			"203.0.113.10", 0},
		{"DNS over HTTPS", "kdig", "kdig +https +tls-hostname=one.one.one.one +tls-ca=$SSL_CERT_FILE @1.1.1.1 www.cam.example AAAA +short",
			"2001:db8:cafe::10", 0},
		{"DNS over HTTPS by GET", "kdig", "kdig +https-get +tls-hostname=dns.quad9.net +tls-ca=$SSL_CERT_FILE @9.9.9.9 www.cam.example A +short",
			"203.0.113.10", 0},
		{"MQTT over TLS", "mosquitto_pub", "mosquitto_pub -h mqtt.cam.example -p 8883 --cafile $SSL_CERT_FILE -t a/b -m 21 -r -q 1 &&" +
			" mosquitto_sub -h mqtt.hub.example -p 1883 -t 'a/#' -C 1 -W 5 -v", "a/b 21", 0},
		{"MQTT 5", "mosquitto_pub", "mosquitto_pub -V mqttv5 -h mqtt.lock.example -t c -m 22 -r -q 2 &&" +
			" mosquitto_sub -V mqttv5 -h mqtt.lock.example -t c -C 1 -W 5", "22", 0},
		{"MQTT with a wrong certificate", "mosquitto_pub", "! mosquitto_pub -h wrong-name.tls.example -p 8883 --cafile $SSL_CERT_FILE -t a -m 1", "TLS error", 0},
		{"delv: secure", "delv", "delv @198.51.100.53 -a " + anchor + " www.cam.example", "; fully validated", 0},
		{"delv: insecure", "delv", "delv @198.51.100.53 -a " + anchor + " www.kettle.things", "; unsigned answer", 0},
		{"delv: bogus", "delv", "delv @198.51.100.53 -a " + anchor + " www.flipped.example", "resolution failed: RRSIG failed to verify", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab.NeedProgram(t, c.needs)
			out, code := shell(t, l, c.line)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("%s\ncode %d, want %d; output, which should contain %q:\n%s", c.line, code, c.code, c.want, out)
			}
		})
	}
}

// TestFirmware downloads what an update server offers and checks its digest.
func TestFirmware(t *testing.T) {
	lab.NeedProgram(t, "curl")
	l, _ := served(t)
	out, code := shell(t, l, "curl -sS https://download.firmware.example/firmware/latest.json")
	var m servers.Manifest
	if err := json.Unmarshal([]byte(out), &m); err != nil || code != 0 {
		t.Fatalf("code %d, %v: %s", code, err, out)
	}
	image, _ := shell(t, l, "curl -sS http://update.cam.example"+m.Path)
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(image))); got != m.SHA256 || len(image) != m.Size {
		t.Errorf("the image has digest %s and %d octets, the manifest says %s and %d", got, len(image), m.SHA256, m.Size)
	}
}
