package intercept

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/event"
)

const request = "GET / HTTP/1.1\r\nHost: device.test\r\nConnection: close\r\n\r\n"

func flaws() []string {
	return []string{event.CaseSelfSigned, event.CaseUnknownCA, event.CaseReplacedKey}
}

func TestAClientThatChecksRefuses(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, flaw := range flaws() {
			t.Run(fmt.Sprintf("%s %s", flaw, tls.VersionName(version)), func(t *testing.T) {
				w := start(t, one{flaw})
				_, err := w.dial(t, &tls.Config{RootCAs: w.pool, MinVersion: version, MaxVersion: version})
				if err == nil {
					t.Error("the client found nothing wrong")
				}
				n := w.outcome(t)
				if n.Outcome != event.InterceptRefused || !n.Alerted || n.Name != "device.test" || n.Server != w.genuine {
					t.Errorf("note %+v", n)
				}
				if !w.begun() {
					t.Error("its begin was not noted before its end")
				}
			})
		}
	}
}

func TestAClientThatDoesNotCheckIsCaught(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		for _, flaw := range flaws() {
			t.Run(fmt.Sprintf("%s %s", flaw, tls.VersionName(version)), func(t *testing.T) {
				w := start(t, one{flaw})
				conn, err := w.dial(t, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}) //nolint:gosec // it is what is tested
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(conn, request)
				n := w.outcome(t)
				if n.Outcome != event.InterceptAccepted || n.AppBytes != len(request) || n.Version != version || n.KeyType != keyECDSA {
					t.Errorf("note %+v", n)
				}
				if len(w.secrets) == 0 {
					t.Error("no session secrets were told")
				}
			})
		}
	}
}

// TestAFinishedHandshakeIsNoAcceptance: a client may look at the name afterwards.
func TestAFinishedHandshakeIsNoAcceptance(t *testing.T) {
	w := start(t, one{event.CaseUnknownCA})
	conn, err := w.dial(t, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}) //nolint:gosec // it is what is tested
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if n := w.outcome(t); n.Outcome != event.InterceptCompleted || n.AppBytes != 0 {
		t.Errorf("note %+v", n)
	}
}

func TestReplacedKeyLooksGenuine(t *testing.T) {
	w := start(t, one{event.CaseReplacedKey})
	var seen []*x509.Certificate
	_, _ = w.dial(t, &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error { //nolint:gosec // it only looks
		seen = s.PeerCertificates
		return nil
	}})
	if len(seen) != 2 || seen[0].Issuer.String() != seen[1].Subject.String() || seen[0].DNSNames[0] != "device.test" {
		t.Fatalf("presented: %v", seen)
	}
	if err := seen[0].CheckSignatureFrom(seen[1]); err == nil {
		t.Error("the issuer's signature holds")
	}
	if n := w.outcome(t); n.ChainBytes == 0 || n.GenuineBytes == 0 {
		t.Errorf("note %+v", n)
	}
}

func TestUntouchedOtherwise(t *testing.T) {
	w := start(t, one{event.CasePass})
	conn, err := w.dial(t, &tls.Config{RootCAs: w.pool})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, request)
	if text, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(text), "genuine") {
		t.Errorf("%q, %v", text, err)
	}
	_ = conn.Close()
	if n := w.outcome(t); n.Outcome != event.InterceptPassed {
		t.Errorf("note %+v", n)
	}
}

// TestWhatIsNoTLSIsSplicedThrough: bytes that are no ClientHello, in one piece and in
// many, and a client that waits for the server.
func TestWhatIsNoTLSIsSplicedThrough(t *testing.T) {
	for name, sent := range map[string][]string{
		"http": {"GET / HTTP/1.0\r\n\r\n"}, "one byte": {"\x16"}, "half a record": {"\x16\x03\x01\x02\x00\x01"},
		"an alert": {"\x15\x03\x01\x00\x02\x02\x28"}, "pieces": {"\x16", "\x03", "\x01\x00", "\x01x"}, "nothing": nil,
	} {
		t.Run(name, func(t *testing.T) {
			behind := listen(t)
			defer func() { _ = behind.Close() }()
			w := start(t, one{event.CaseUnknownCA}, func(c *Config) { c.Original = original(behind) })
			got := make(chan string, 1)
			go func() {
				c, err := behind.Accept()
				if err != nil {
					got <- err.Error()
					return
				}
				_, _ = io.WriteString(c, "hello client")
				text, _ := io.ReadAll(c)
				_ = c.Close()
				got <- string(text)
			}()
			c, err := net.Dial("tcp", w.at)
			if err != nil {
				t.Fatal(err)
			}
			for _, piece := range sent {
				_, _ = io.WriteString(c, piece)
			}
			if len(sent) > 0 {
				_ = c.(*net.TCPConn).CloseWrite()
			} else {
				defer func() { _ = c.(*net.TCPConn).CloseWrite() }()
			}
			answer := make([]byte, len("hello client"))
			if _, err := io.ReadFull(c, answer); err != nil {
				t.Error(err)
			}
			_ = c.(*net.TCPConn).CloseWrite()
			if text := <-got; text != strings.Join(sent, "") {
				t.Errorf("the server got %q", text)
			}
			_ = c.Close()
		})
	}
}

func TestOldVersions(t *testing.T) {
	for name, tc := range map[string]struct {
		least   uint16
		outcome string
		alert   uint8
	}{
		"offers 1.0": {tls.VersionTLS10, event.InterceptRefused, 42}, "offers 1.2": {tls.VersionTLS12, event.InterceptRefused, 70},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, one{event.CaseTLS10})
			_, err := w.dial(t, &tls.Config{RootCAs: w.pool, MinVersion: tc.least})
			n := w.outcome(t)
			if err == nil || n.Outcome != tc.outcome || n.Alert != tc.alert || n.Version != tls.VersionTLS10 {
				t.Errorf("error %v, note %+v", err, n)
			}
		})
	}
}

// TestOldVersionsForModernOffers: a client that offers nothing of the old versions is
// answered with one all the same, and says what it minds.
func TestOldVersionsForModernOffers(t *testing.T) {
	for name, args := range map[string][]string{
		"TLS 1.3 alone": {"-tls1_3"},
		"AEAD alone":    {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, one{event.CaseTLS11})
			out, _ := exec.Command("openssl", append([]string{"s_client", "-connect", w.at, "-servername", "cam.example"}, args...)...).CombinedOutput()
			n := w.outcome(t)
			if n.Outcome != event.InterceptRefused || !n.Alerted || n.Alert != 70 || n.Version != tls.VersionTLS11 || !strings.Contains(n.Why, "existed") {
				t.Errorf("note %+v\n%s", n, out)
			}
		})
	}
}

func TestNoSuiteIsOffered(t *testing.T) {
	for _, offer := range [][]uint16{nil, {0x00ff}, {0x5600, 0x1a1a, 0xfafa}} {
		if id, _ := oldSuite(offer); id != 0 {
			t.Errorf("%#x of %#x", id, offer)
		}
	}
	if id, existed := oldSuite([]uint16{0x0a0a, 0x1301, 0x00ff}); id != 0x1301 || existed {
		t.Errorf("%#x, %v", id, existed)
	}
}

func TestSwallowed(t *testing.T) {
	w := start(t, one{event.CaseSwallowed})
	if _, err := w.dial(t, &tls.Config{RootCAs: w.pool}); err == nil {
		t.Error("somebody answered")
	}
	if n := w.outcome(t); n.Outcome != event.InterceptSwallowed || !w.begun() {
		t.Errorf("note %+v", n)
	}
}

func TestNoServerHelloIsPossible(t *testing.T) {
	w := start(t, one{event.CaseUnknownCA})
	out, _ := exec.Command("openssl", "s_client", "-connect", w.at, "-tls1_2", "-cipher", "PSK-AES128-CBC-SHA256", "-psk", "00").CombinedOutput()
	if n := w.outcome(t); n.Outcome != event.InterceptNoHello {
		t.Errorf("note %+v\n%s", n, out)
	}
}

// TestRealClients: programs that check and the same that do not.
func TestRealClients(t *testing.T) {
	for name, tc := range map[string]struct {
		argv []string // {at} and {ca} are replaced
		want string
	}{
		"curl":             {[]string{"curl", "-s", "--cacert", "{ca}", "--connect-to", "device.test:443:{at}", "https://device.test/"}, event.InterceptRefused},
		"curl -k":          {[]string{"curl", "-sk", "--connect-to", "device.test:443:{at}", "https://device.test/"}, event.InterceptAccepted},
		"curl -k TLS 1.2":  {[]string{"curl", "-sk", "--tls-max", "1.2", "--connect-to", "device.test:443:{at}", "https://device.test/"}, event.InterceptAccepted},
		"wget":             {[]string{"wget", "-q", "-t", "1", "-O", "-", "--ca-certificate", "{ca}", "https://{at}/"}, event.InterceptCompleted},
		"wget no check":    {[]string{"wget", "-q", "-t", "1", "-O", "-", "--no-check-certificate", "https://{at}/"}, event.InterceptAccepted},
		"openssl verifies": {[]string{"openssl", "s_client", "-connect", "{at}", "-servername", "device.test", "-CAfile", "{ca}", "-verify_return_error"}, event.InterceptRefused},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, one{event.CaseUnknownCA})
			if _, err := exec.LookPath(tc.argv[0]); err != nil {
				t.Skipf("%s is not there: %v", tc.argv[0], err)
			}
			argv := strings.Split(strings.NewReplacer("{at}", w.at, "{ca}", w.ca).Replace(strings.Join(tc.argv, "\x00")), "\x00")
			cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr, cmd.Stdin = &out, &out, strings.NewReader(request)
			_ = cmd.Run() // how it ends is its own matter
			if n := w.outcome(t); n.Outcome != tc.want {
				t.Errorf("note %+v\n%s", n, out.String())
			}
		})
	}
}

func TestOperatorsCertificate(t *testing.T) {
	authority := certify(t, nil)
	roots := x509.NewCertPool()
	roots.AddCert(authority.Leaf)
	own := certify(t, &authority, "buyer.test")
	chain, key := pemOf(t, own)
	now := time.Now()
	o, err := LoadOperator(chain, key, roots, now)
	if err != nil {
		t.Fatal(err)
	}
	if o.Name() != "buyer.test" {
		t.Errorf("name %q", o.Name())
	}
	other, otherKey := pemOf(t, certify(t, nil, "x.test"))
	for name, tc := range map[string]struct {
		chain, key []byte
		at         time.Time
		why        string
	}{
		"another key": {chain, otherKey, now, "private key does not match"}, "expired": {chain, key, now.Add(2 * time.Hour), "expired at"},
		"not yet": {chain, key, now.Add(-2 * time.Hour), "not valid before"}, "nobody's": {other, otherKey, now, "not publicly trusted"},
		"no PEM": {[]byte("x"), key, now, "PEM"},
	} {
		if _, err := LoadOperator(tc.chain, tc.key, roots, tc.at); err == nil || !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFlawsOfTheOperatorsCertificate(t *testing.T) {
	authority := certify(t, nil)
	roots := x509.NewCertPool()
	roots.AddCert(authority.Leaf)
	chain, key := pemOf(t, certify(t, &authority, "buyer.test"))
	o, err := LoadOperator(chain, key, roots, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for flaw, certificates := range map[string]int{event.CaseWrongName: 2, event.CaseLeafAsCA: 3} {
		w := start(t, one{flaw}, func(c *Config) { c.Operator = o })
		presented := 0
		_, err := w.dial(t, &tls.Config{RootCAs: roots})
		_, _ = w.dial(t, &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error { //nolint:gosec // it only looks
			presented = len(s.PeerCertificates)
			return nil
		}})
		if n := w.outcome(t); err == nil || n.Outcome != event.InterceptRefused || presented != certificates {
			t.Errorf("%s: %v, %d certificates, %+v", flaw, err, presented, n)
		}
	}
}

func TestWithoutTheOperatorsCertificate(t *testing.T) {
	w := start(t, one{event.CaseWrongName})
	if _, err := w.dial(t, &tls.Config{RootCAs: w.pool}); err == nil {
		t.Error("something was presented")
	}
	if n := w.outcome(t); n.Outcome != event.InterceptBroken || !strings.Contains(n.Why, "no certificate of the operator") {
		t.Errorf("note %+v", n)
	}
}
