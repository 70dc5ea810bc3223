package upstream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// real is a name server on real sockets of the loopback.
func real(t *testing.T, h dns.HandlerFunc, config *tls.Config) Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(l.Addr().String())
	p, err := net.ListenPacket("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	var up sync.WaitGroup
	for _, s := range []*dns.Server{{Listener: l, Handler: h}, {PacketConn: p, Handler: h}} {
		up.Add(1)
		s.NotifyStartedFunc = up.Done
		go func() { _ = s.ActivateAndServe() }()
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	up.Wait()
	return Server{Addr: at}
}

func address(w dns.ResponseWriter, q *dns.Msg) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.SetEdns0(1232, true)
	m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: 1, Class: 1, Ttl: 60}, A: []byte{192, 0, 2, 1}}}
	if w != nil {
		_ = w.WriteMsg(m)
	}
	return m
}

func good(w dns.ResponseWriter, q *dns.Msg) { address(w, q) }

func query(t *testing.T, p *Pool) (*dns.Msg, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	return p.Query(ctx, "www.example.com.", dns.TypeA)
}

func TestAsksWithDOAndCD(t *testing.T) {
	var seen atomic.Pointer[dns.Msg]
	for _, mix := range []bool{false, true} {
		p := New(Config{MixCase: mix}, []Server{real(t, func(w dns.ResponseWriter, q *dns.Msg) { seen.Store(q); good(w, q) }, nil)})
		defer p.Close()
		if _, err := query(t, p); err != nil {
			t.Fatal(err)
		}
		q := seen.Load()
		if !q.CheckingDisabled || !q.RecursionDesired || q.IsEdns0() == nil || !q.IsEdns0().Do() || q.IsEdns0().UDPSize() != payloadSize {
			t.Errorf("asked %v", q)
		}
	}
}

// TestForgedAnswersAreNotBelieved: wrong ids and questions are passed over, too
// many of them end in a question over TCP.
func TestForgedAnswersAreNotBelieved(t *testing.T) {
	for _, forged := range []int{3, 50} {
		var tcp atomic.Bool
		var told atomic.Int32
		s := real(t, func(w dns.ResponseWriter, q *dns.Msg) {
			if _, ok := w.RemoteAddr().(*net.TCPAddr); ok {
				tcp.Store(true)
				good(w, q)
				return
			}
			for i := range forged {
				m := address(nil, q)
				if i%2 == 0 {
					m.Id++
				} else {
					m.Question[0].Name = "evil.example.com."
				}
				m.Answer[0].(*dns.A).A = []byte{192, 0, 2, 66}
				_ = w.WriteMsg(m)
			}
			good(w, q)
		}, nil)
		p := New(Config{Suspicious: func(Server, string) { told.Add(1) }}, []Server{s})
		defer p.Close()
		m, err := query(t, p)
		if err != nil || m.Answer[0].(*dns.A).A[3] != 1 {
			t.Fatalf("%v, %v", m, err)
		}
		if p.Counts().Mismatched == 0 || told.Load() == 0 || tcp.Load() != (forged > maxStray) {
			t.Errorf("%d forged: counts %+v, told %d times, over TCP %v", forged, p.Counts(), told.Load(), tcp.Load())
		}
	}
}

func TestCutShortAnswersComeOverTCP(t *testing.T) {
	p := New(Config{}, []Server{real(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := address(nil, q)
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			m.Truncated, m.Answer = true, nil
		}
		_ = w.WriteMsg(m)
	}, nil)})
	defer p.Close()
	for range 3 {
		if m, err := query(t, p); err != nil || len(m.Answer) != 1 {
			t.Fatalf("%v, %v", m, err)
		}
	}
	if n := p.Counts().Truncated; n != 3 {
		t.Errorf("%d counted", n)
	}
}

// TestOtherUpstreamsAreTried when one is silent, refuses or sends nonsense.
func TestOtherUpstreamsAreTried(t *testing.T) {
	for what, h := range map[string]dns.HandlerFunc{
		"silent": func(dns.ResponseWriter, *dns.Msg) {},
		"SERVFAIL": func(w dns.ResponseWriter, q *dns.Msg) {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
		},
		"REFUSED":   func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused)) },
		"malformed": malformed,
	} {
		p := New(Config{}, []Server{real(t, h, nil), real(t, good, nil)})
		for range 3 {
			if m, err := query(t, p); err != nil || len(m.Answer) != 1 {
				t.Errorf("%s: %v, %v", what, m, err)
			}
		}
		p.Close()
	}
}

func malformed(w dns.ResponseWriter, q *dns.Msg) {
	b, err := address(nil, q).Pack()
	if err != nil {
		return
	}
	_, _ = w.Write(b[:len(b)-16]) // counts promise more than there is
}

func TestNoUpstream(t *testing.T) {
	p := New(Config{}, nil)
	defer p.Close()
	_, err := query(t, p)
	var e *Error
	if !errors.As(err, &e) || e.EDE != dns.ExtendedErrorCodeNoReachableAuthority {
		t.Errorf("%v", err)
	}
}

func TestServersWithoutEDNSAreUnderstood(t *testing.T) {
	p := New(Config{}, []Server{real(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.IsEdns0() != nil {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeFormatError))
			return
		}
		good(w, q)
	}, nil)})
	defer p.Close()
	if m, err := query(t, p); err != nil || len(m.Answer) != 1 {
		t.Fatalf("%v, %v", m, err)
	}
	if s := p.Servers()[0]; s.DNSSEC != No {
		t.Errorf("%+v", s)
	}
}

// certificate is a self-signed one for a name, and the pool that trusts it.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func mustBe(t *testing.T, what string, got, want int32) {
	t.Helper()
	if got != want {
		t.Errorf("%d %s, want %d", got, what, want)
	}
}

// TestOverTLS: the name is checked, the connection is used again, the question
// is padded, and there is no way back to clear text.
func TestOverTLS(t *testing.T) {
	cert, roots := certificate(t, "dns.example.net")
	var dials, clear, odd atomic.Int32
	s := real(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			clear.Add(1)
		}
		if q.Len()%padTo != 0 {
			odd.Add(1)
		}
		good(w, q)
	}, &tls.Config{Certificates: []tls.Certificate{cert}})
	for _, tc := range []struct {
		name string
		ok   bool
	}{{"dns.example.net", true}, {"other.example.net", false}} {
		dials.Store(0)
		p := New(Config{Roots: roots, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}}, []Server{{Addr: s.Addr, Name: tc.name}})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if m, err := query(t, p); (err == nil && len(m.Answer) == 1) != tc.ok {
					t.Errorf("%s: %v, %v", tc.name, m, err)
				}
			})
		}
		all.Wait()
		if tc.ok {
			mustBe(t, "connections for 20 questions", dials.Load(), 1)
		}
		p.Close()
	}
	mustBe(t, "questions in clear", clear.Load(), 0)
	mustBe(t, "questions that are not padded", odd.Load(), 0)
}
