package intercept

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a genuine server, an Interceptor before it, and what it noted.
type world struct {
	i       *Interceptor
	at      string // where clients connect
	genuine netip.AddrPort
	ca      string // file with the genuine authority
	pool    *x509.CertPool

	mu      sync.Mutex
	notes   []event.InterceptNote
	secrets []string
	ended   chan event.InterceptNote
}

// one is a policy of a single flaw.
type one struct{ flaw string }

func (o one) Decide(Hello) Decision         { return Decision{o.flaw, 1} }
func (o one) Ended(Hello, Decision, string) {}

// certify makes a certificate for names, signed by parent or by itself.
func certify(t *testing.T, parent *tls.Certificate, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: parent == nil, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signer, above := &tls.Certificate{Leaf: c, PrivateKey: key}, [][]byte(nil)
	if parent == nil {
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageCertSign, nil
	} else {
		signer, above = parent, parent.Certificate
	}
	der, err := x509.CreateCertificate(rand.Reader, c, signer.Leaf, key.Public(), signer.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	out := tls.Certificate{Certificate: append([][]byte{der}, above...), PrivateKey: key}
	if out.Leaf, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return out
}

// start puts an Interceptor with the policy before an HTTPS server "device.test".
func start(t *testing.T, p Policy, change ...func(*Config)) *world {
	t.Helper()
	authority := certify(t, nil)
	w := &world{pool: x509.NewCertPool(), ended: make(chan event.InterceptNote, 64), ca: filepath.Join(t.TempDir(), "ca.pem")}
	w.pool.AddCert(authority.Leaf)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate[0]})
	if err := os.WriteFile(w.ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	site := &http.Server{
		Handler:     http.HandlerFunc(func(o http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(o, "genuine") }),
		TLSConfig:   &tls.Config{Certificates: []tls.Certificate{certify(t, &authority, "device.test")}, NextProtos: []string{"http/1.1"}},
		ReadTimeout: 10 * time.Second, ErrorLog: nil,
	}
	behind := listen(t)
	w.genuine = netip.MustParseAddrPort(behind.Addr().String())
	t.Cleanup(func() { _ = site.Close() })
	go func() { _ = site.ServeTLS(behind, "", "") }()
	w.stand(t, p, change)
	return w
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (w *world) stand(t *testing.T, p Policy, change []func(*Config)) {
	t.Helper()
	front := listen(t)
	w.at = front.Addr().String()
	cfg := Config{
		Listener: front, Policy: p, Note: w.note,
		Original: func(net.Conn) (netip.AddrPort, error) { return w.genuine, nil },
		Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", to.String())
		},
		Secrets: func(_ netip.AddrPort, line string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.secrets = append(w.secrets, line)
		},
		Times: Times{Data: 500 * time.Millisecond, Hello: 300 * time.Millisecond, Swallow: 300 * time.Millisecond},
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if w.i, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.i.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (w *world) note(n evidence.Note) {
	var b event.InterceptNote
	if json.Unmarshal(n.Body, &b) != nil || n.Kind != event.NoteIntercept {
		panic("a note of another kind: " + n.Kind)
	}
	w.mu.Lock()
	w.notes = append(w.notes, b)
	w.mu.Unlock()
	if b.Phase == event.Ended {
		w.ended <- b
	}
}

// outcome waits for the end of one connection.
func (w *world) outcome(t *testing.T) event.InterceptNote {
	t.Helper()
	select {
	case n := <-w.ended:
		return n
	case <-time.After(30 * time.Second):
		t.Fatal("no connection has ended")
		return event.InterceptNote{}
	}
}

// begun says whether the begin of each ended connection was noted before its end.
func (w *world) begun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, n := range w.notes {
		if n.Phase != event.Ended || n.Case == event.CasePass {
			continue
		}
		if !slices.ContainsFunc(w.notes[:i], func(b event.InterceptNote) bool { return b.Phase == event.Begun && b.Client == n.Client }) {
			return false
		}
	}
	return true
}

// dial makes a client's TLS connection, without names being looked up.
func (w *world) dial(t *testing.T, c *tls.Config) (*tls.Conn, error) {
	t.Helper()
	raw, err := net.Dial("tcp", w.at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	if c.ServerName == "" {
		c.ServerName = "device.test"
	}
	conn := tls.Client(raw, c)
	return conn, conn.HandshakeContext(t.Context())
}

func pemOf(t *testing.T, c tls.Certificate) (chain, key []byte) {
	t.Helper()
	for _, der := range c.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func original(l net.Listener) func(net.Conn) (netip.AddrPort, error) {
	to := netip.MustParseAddrPort(l.Addr().String())
	return func(net.Conn) (netip.AddrPort, error) { return to, nil }
}
