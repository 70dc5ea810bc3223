package servers

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"
)

func at() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// TestNTPReply checks the fields of RFC 5905, section 7.3, that clients look at.
func TestNTPReply(t *testing.T) {
	q := make([]byte, ntpSize)
	q[0], q[2] = 4<<3|modeClient, 6
	copy(q[40:], "senttime")
	m := ntpReply(q, at().Add(500*time.Millisecond))
	if head := []byte{4<<3 | modeServer, 1, 6}; len(m) != ntpSize || !bytes.HasPrefix(m, head) || string(m[24:32]) != "senttime" {
		t.Fatalf("%x", m)
	}
	// 2026-11-23 12:00 UTC is 46347 days and a half after 1900-01-01.
	if s, f := binary.BigEndian.Uint32(m[40:]), binary.BigEndian.Uint32(m[44:]); s != 46347*86400+43200 || f != 1<<31 {
		t.Errorf("time %d + %d/2^32", s, f)
	}
	short := q[:ntpSize-1]
	answer := append([]byte{4<<3 | modeServer}, q[1:]...)
	for _, wrong := range [][]byte{answer, short, nil} {
		if ntpReply(wrong, at()) != nil {
			t.Errorf("answered what is no question: %x", wrong)
		}
	}
}

// handshake lets a client with trust in the authority connect over a pipe.
func handshake(t *testing.T, config *tls.Config, ca *CA, name string, most uint16) error {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca.PEM()) {
		t.Fatal("the authority's certificate is no PEM")
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a, err := l.Accept()
		if err != nil {
			return
		}
		defer a.Close()
		_ = a.SetDeadline(time.Now().Add(10 * time.Second))
		_ = tls.Server(a, config).HandshakeContext(t.Context())
	}()
	defer func() { <-done }()
	b, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_ = b.SetDeadline(time.Now().Add(10 * time.Second))
	return tls.Client(b, &tls.Config{RootCAs: pool, ServerName: name, MaxVersion: most, Time: at}).HandshakeContext(t.Context())
}

func TestProfiles(t *testing.T) {
	ca, err := NewCA(at)
	if err != nil {
		t.Fatal(err)
	}
	known := func(name string) (string, bool) {
		if name == "any.dev.cam.example" {
			return "*.dev.cam.example.", true
		}
		return name + ".", name == "cam.example"
	}
	addrs := []netip.Addr{netip.MustParseAddr("203.0.113.10")}
	for _, c := range []struct {
		name    string
		profile Profile
		server  string
		most    uint16
		ok      bool
	}{
		{"sound", Profile{}, "cam.example", 0, true},
		{"by a wildcard", Profile{}, "any.dev.cam.example", 0, true},
		{"default name", Profile{}, "host.example", 0, true},
		{"address", Profile{}, "203.0.113.10", 0, true},
		{"name that nobody has", Profile{}, "absent.example", 0, false},
		{"too old a client", Profile{Min: tls.VersionTLS13}, "cam.example", tls.VersionTLS12, false},
		{"too old a server", Profile{Min: tls.VersionTLS10, Max: tls.VersionTLS11}, "cam.example", 0, false},
		{"expired", Profile{Flaw: Expired}, "cam.example", 0, false},
		{"self-signed", Profile{Flaw: SelfSigned}, "cam.example", 0, false},
		{"another name", Profile{Flaw: WrongName}, "cam.example", 0, false},
	} {
		err := handshake(t, ca.Config(c.profile, "host.example", addrs, known), ca, c.server, c.most)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestCertificatesAreKept: one certificate per owner name, however many names a
// wildcard stands for, and a new one when it has ended.
func TestCertificatesAreKept(t *testing.T) {
	now := at()
	ca, err := NewCA(func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	b := &book{ca: ca, name: "host.example", certs: map[string]*tls.Certificate{},
		known: func(string) (string, bool) { return "*.dev.example.", true }}
	first, err := b.get(&tls.ClientHelloInfo{ServerName: "a.dev.example"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.get(&tls.ClientHelloInfo{ServerName: "b.dev.example"})
	if err != nil || first != second || len(b.certs) != 1 {
		t.Errorf("%d certificates, %v", len(b.certs), err)
	}
	now = now.Add(200 * day)
	if third, err := b.get(&tls.ClientHelloInfo{ServerName: "a.dev.example"}); err != nil || third == first || !third.Leaf.NotAfter.After(now) {
		t.Errorf("a certificate that has ended was handed out, %v", err)
	}
}
