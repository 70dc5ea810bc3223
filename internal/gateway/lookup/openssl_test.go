//go:build linux

package lookup_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/gateway/lookup"
	"assay/testbench/lab"
)

// TestServersOfOpenSSL asks real servers that differ in what they accept.
func TestServersOfOpenSSL(t *testing.T) {
	lab.NeedProgram(t, "openssl")
	w := newWorld(t)
	at := netip.MustParseAddr("203.0.113.222")
	if err := w.l.Internet.Assign(lab.InternetLink, netip.PrefixFrom(at, 32)); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ name, key, options, want string }{
		{"RSA 2048", "rsa:2048", "", "completed modern=accepted old=refused rsa=accepted cbc=accepted keys=RSA 2048 asked="},
		{"RSA 3072, TLS 1.3 alone", "rsa:3072", "-tls1_3", "completed modern=accepted old=refused rsa=refused cbc=refused keys=RSA 3072 asked="},
		{"RSA 1024", "rsa:1024", "-tls1_3 -cipher DEFAULT@SECLEVEL=0", "completed modern=accepted old=refused rsa=refused cbc=refused keys=RSA 1024 asked="},
		{"RSA key exchange alone", "rsa:2048", "-tls1_2 -cipher AES128-GCM-SHA256", "completed modern=refused old=refused rsa=accepted cbc=refused keys=RSA 2048 asked="},
		{"forward secrecy alone", "rsa:3072", "-cipher ECDHE+AESGCM", "completed modern=accepted old=refused rsa=refused cbc=refused keys=RSA 3072 asked="},
		{"TLS 1.0 too", "rsa:2048", "-cipher ALL@SECLEVEL=0", "completed modern=accepted old=accepted rsa=accepted cbc=accepted keys=RSA 2048 asked="},
		{"P-384", "ec:P-384", "-cipher ECDHE+AESGCM", "completed modern=accepted old=refused rsa=refused cbc=refused keys=ECDSA 384 asked="},
		{"Ed25519", "ed25519", "-cipher ECDHE+AESGCM", "completed modern=accepted old=refused rsa=refused cbc=refused keys=Ed25519 asked="},
		{"a client certificate is demanded", "rsa:3072", "-cipher ECDHE+AESGCM -Verify 1 -verify_return_error",
			"completed modern=accepted old=refused rsa=refused cbc=refused keys=RSA 3072 asked=asked"},
		{"a client certificate is demanded, TLS 1.2", "rsa:3072", "-tls1_2 -cipher ECDHE+AESGCM -Verify 1 -verify_return_error",
			"completed modern=accepted old=refused rsa=refused cbc=refused keys=RSA 3072 asked=asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t, w.notes = t, nil
			port := uint16(4430 + i)
			serveOpenSSL(t, w.l, netip.AddrPortFrom(at, port), c.key, c.options)
			w.run(used("vendor.example", at, port))
			n := w.said("tls", fmt.Sprintf("vendor.example:%d", port))
			d := n.Data
			got := fmt.Sprintf("%s modern=%s old=%s rsa=%s cbc=%s keys=%s asked=%s", n.Outcome, d["offer_modern"], d["offer_old"], d["offer_rsa"], d["offer_cbc"],
				d["keys"], d["client_certificate"])
			if got != c.want || d["chain"] != "self-signed" {
				t.Errorf("got  %s\nwant %s\n%+v", got, c.want, n)
			}
		})
	}
}

// serveOpenSSL runs openssl s_server until the test ends, and returns when it listens.
func serveOpenSSL(t *testing.T, l *lab.Lab, at netip.AddrPort, key, options string) {
	t.Helper()
	dir := t.TempDir()
	kind := "-newkey " + key
	if curve, ok := strings.CutPrefix(key, "ec:"); ok {
		kind = "-newkey ec -pkeyopt ec_paramgen_curve:" + curve
	}
	make := "openssl req -x509 -nodes " + kind + " -subj /CN=vendor.example -days 2 -keyout " + filepath.Join(dir, "k") + " -out " + filepath.Join(dir, "c")
	if out, err := l.Internet.Command(t.Context(), "sh", "-c", make).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	line := fmt.Sprintf("exec openssl s_server -quiet -accept %s -key %s/k -cert %s/c %s", at, dir, dir, options)
	cmd := l.Internet.Command(ctx, "sh", "-c", line)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	for range 200 {
		if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", at.String()); err == nil {
			_ = c.Close()
			return
		}
		<-time.After(25 * time.Millisecond)
	}
	t.Fatalf("openssl does not listen: %s", line)
}

// A server that takes the connection and says nothing has refused nothing.
func TestASilentServer(t *testing.T) {
	w := newWorld(t)
	at := netip.MustParseAddrPort("203.0.113.223:443")
	if err := w.l.Internet.Assign(lab.InternetLink, netip.PrefixFrom(at.Addr(), 32)); err != nil {
		t.Fatal(err)
	}
	ln, err := w.l.Internet.Host(lab.InternetLink).Listen(t.Context(), "tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dial := w.cfg.Dial
	w.cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err == nil && address == at.String() {
			err = c.SetReadDeadline(time.Now()) // as if the time for the handshake were over
		}
		return c, err
	}
	w.run(lookup.Name{Name: "silent.example", Ends: []lookup.End{{Addr: at, TLS: true}}})
	n := w.said("tls", "silent.example:443")
	for _, o := range []string{"modern", "old", "rsa", "cbc"} {
		if n.Data["offer_"+o] != "silent" {
			t.Errorf("%s is %s: %s", o, n.Data["offer_"+o], n.Why)
		}
	}
	if n.Outcome != lookup.OutcomeSilent {
		t.Errorf("%+v", n)
	}
}
