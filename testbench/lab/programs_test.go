//go:build linux

package lab

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// offer makes the gateway a DHCP server by a real program.
func offer(ctx context.Context, t *testing.T, l *Lab) {
	t.Helper()
	const config = `interface lan0
start 192.0.2.100
end 192.0.2.199
pidfile /run/udhcpd.pid
lease_file /run/udhcpd.leases
option subnet 255.255.255.0
option router 192.0.2.1
option dns 192.0.2.53
option domain lab.example
option lease 600
`
	must(t, l.Gateway.Assign(LANLink, netip.MustParsePrefix("192.0.2.1/24")),
		l.Gateway.WriteFile("/etc/udhcpd.conf", []byte(config), 0o644))
	must(t, l.Gateway.Command(ctx, "busybox", "udhcpd", "-f", "/etc/udhcpd.conf").Start())
}

// TestDHCPClients: real clients with the scripts that their packages bring take a
// lease, a route and a resolv.conf of the site's own.
func TestDHCPClients(t *testing.T) {
	tests := []struct {
		program string
		args    []string
	}{
		{"busybox", []string{"udhcpc", "-i", "eth0", "-n", "-q", "-t", "10", "-T", "1"}},
		{"busybox", []string{"udhcpc", "-i", "eth0", "-n", "-t", "10", "-T", "1", "-b", "-s", UDHCPCScriptFile}},
		{"dhclient", []string{"-4", "-1", "-v", "eth0"}},
		{"dhcpcd", []string{"-4", "-1", "-A", "-t", "20", "eth0"}},
	}
	for _, tt := range tests {
		t.Run(tt.program+" "+strings.Join(tt.args, " "), func(t *testing.T) {
			NeedProgram(t, "busybox")
			NeedProgram(t, tt.program)
			hosts, err := os.ReadFile("/etc/resolv.conf")
			must(t, err)
			ctx, l := start(t, Options{})
			offer(ctx, t, l)
			log, err := os.Create(t.TempDir() + "/log")
			must(t, err)
			cmd := l.Device(0).Command(ctx, tt.program, tt.args...)
			cmd.Stdout, cmd.Stderr = log, log
			if err := cmd.Run(); err != nil {
				text, _ := os.ReadFile(log.Name())
				t.Fatalf("%v\n%s", err, text)
			}
			got := Snapshot(l.Device(0))
			for _, want := range []string{"\neth0 192.0.2.1", "\n0.0.0.0/0 dev=eth0 "} {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got[:strings.Index(got, "# routing rules")])
				}
			}
			conf, err := l.Device(0).ReadFile("/etc/resolv.conf")
			if err != nil || !strings.Contains(string(conf), "nameserver 192.0.2.53") {
				t.Errorf("resolv.conf: %q, %v", conf, err)
			}
			if now, err := os.ReadFile("/etc/resolv.conf"); err != nil || string(now) != string(hosts) {
				t.Errorf("the host's resolv.conf is %q, %v", now, err)
			}
		})
	}
}

// TestProgramsTrustTheLab: a program believes a certificate of the lab's authority,
// and does not without it.
func TestProgramsTrustTheLab(t *testing.T) {
	tests := []struct {
		program string
		args    []string
	}{
		{"curl", []string{"-sS", "-m", "10"}},
		{"wget", []string{"-q", "-O", "-", "-T", "10", "-t", "1"}},
		{"openssl", nil}, // s_client, see below
	}
	ca, server := authority(t)
	for _, tt := range tests {
		t.Run(tt.program, func(t *testing.T) {
			NeedProgram(t, tt.program)
			ctx, l := start(t, Options{CA: ca})
			serve(ctx, t, l, server)
			fetch := func() (string, error) {
				args := append(tt.args, "https://192.0.2.1/")
				if tt.program == "openssl" {
					args = []string{"s_client", "-connect", "192.0.2.1:443", "-verify_return_error", "-quiet", "-no_ign_eof"}
				}
				cmd := l.Device(0).Command(ctx, tt.program, args...)
				cmd.Stdin = strings.NewReader("GET / HTTP/1.0\r\nConnection: close\r\n\r\n")
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			if out, err := fetch(); err != nil || !strings.Contains(out, "welcome") && tt.program != "openssl" {
				t.Errorf("with the authority: %v\n%s", err, out)
			}
			must(t, l.Trust(nil, nil))
			if out, err := fetch(); err == nil {
				t.Errorf("without the authority it said\n%s", out)
			}
		})
	}
}

// serve answers HTTPS at the gateway's end of the LAN cable until the test ends.
func serve(ctx context.Context, t *testing.T, l *Lab, cert tls.Certificate) {
	t.Helper()
	must(t, l.Gateway.Assign(LANLink, netip.MustParsePrefix("192.0.2.1/24")), l.Device(0).Assign(DeviceLink, netip.MustParsePrefix("192.0.2.2/24")))
	at, err := l.Gateway.Listen(ctx, "tcp", "192.0.2.1:443")
	must(t, err)
	s := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "welcome") }),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		ErrorLog:  log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.ServeTLS(at, "", "") // ends when it is closed
	}()
	t.Cleanup(func() { s.Close(); <-done })
}

// authority makes a certificate authority (PEM) and a server's certificate of it.
func authority(t *testing.T) ([]byte, tls.Certificate) {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Lab Root"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	root, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "192.0.2.1"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
	}
	cert, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
}
