package door

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial is a stranger's connection, over TLS 1.3.
func dial(t *testing.T, s *Server) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(s.Base(), "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestAFormThatDoesNotCome: a stranger does not hold a connection by a form that never
// ends.
func TestAFormThatDoesNotCome(t *testing.T) {
	d, h := opened(t, Config{})
	d.patience = 50 * time.Millisecond
	s, _ := overTLS(t, d, h)
	for _, path := range []string{"/enter", "/leave", "/language", "/order", "/api/runs"} {
		c := dial(t, s)
		if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: box\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\ntoken=", path); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: the connection is held: %v", path, err)
		}
	}
}

// endless sends an event at each beat until the reader or the page is gone.
func endless(beat <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out := http.NewResponseController(w)
		for {
			_, _ = fmt.Fprint(w, "data: x\n")
			_ = out.Flush()
			select {
			case <-beat:
			case <-r.Context().Done():
				return
			}
		}
	}
}

// TestAStreamGoesOn: a reader's stream outlives the patience with strangers, and ends
// with the page.
func TestAStreamGoesOn(t *testing.T) {
	d, _ := opened(t, Config{})
	d.patience = 20 * time.Millisecond
	beat := make(chan struct{})
	s, client := overTLS(t, d, d.Wrap(endless(beat), http.NotFoundHandler()))
	a, err := client.PostForm(s.Base()+"/enter", url.Values{"token": {d.Token()}}) // leads to the stream
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	lines, tick := bufio.NewReader(a.Body), time.NewTicker(d.patience)
	defer tick.Stop()
	for i := range 5 {
		if line, err := lines.ReadString('\n'); err != nil || line != "data: x\n" {
			t.Fatalf("beat %d: %q %v", i, line, err)
		}
		<-tick.C
		beat <- struct{}{}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	_, _ = io.Copy(io.Discard, lines) // it ends, in order or not
}

// TestNobodyAloneKeepsOthersOut: one place has half of the connections, those beyond
// are closed at once, and each that ends makes room.
func TestNobodyAloneKeepsOthersOut(t *testing.T) {
	l := &limited{by: map[netip.Prefix]int{}}
	a, b, c := prefixOf("192.0.2.1:1"), prefixOf("[2001:db8::1]:1"), prefixOf("192.0.2.3:1")
	for i := range fromPlaceMost + 1 {
		if in := l.enter(a); in != (i < fromPlaceMost) {
			t.Errorf("connection %d of a place: %v", i, in)
		}
	}
	for i := range connectionsMost - fromPlaceMost {
		if !l.enter(b) {
			t.Errorf("connection %d of another place", i)
		}
	}
	if l.enter(c) {
		t.Error("there are more connections than there may be")
	}
	l.leave(b)
	if !l.enter(c) {
		t.Error("a connection that ended makes no room")
	}
	for range fromPlaceMost {
		l.leave(a)
	}
	if _, known := l.by[a]; known {
		t.Error("a place without connections is remembered")
	}
}

// TestConnectionsBeyondAreClosed, on a real socket, and those that end are forgotten.
func TestConnectionsBeyondAreClosed(t *testing.T) {
	d, h := opened(t, Config{})
	s, _ := overTLS(t, d, h)
	var held []*tls.Conn
	for range fromPlaceMost {
		held = append(held, dial(t, s))
	}
	address := strings.TrimPrefix(s.Base(), "https://")
	if c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("one connection too many is taken", c.Close())
	}
	for _, c := range held {
		_ = c.Close()
	}
	for end := time.Now().Add(10 * time.Second); ; {
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the place stays out: %v", err)
		}
	}
}

// TestOldTLSIsRefused, and so is no TLS.
func TestOldTLSIsRefused(t *testing.T) {
	d, h := opened(t, Config{})
	s, _ := overTLS(t, d, h)
	address := strings.TrimPrefix(s.Base(), "https://")
	if c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 is taken", c.Close())
	}
	plain, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	_, _ = fmt.Fprint(plain, "GET / HTTP/1.1\r\nHost: box\r\n\r\n")
	if said, _ := io.ReadAll(plain); bytes.Contains(said, []byte("page")) || bytes.Contains(said, []byte("login")) {
		t.Errorf("without TLS the page says %q", said)
	}
}

// TestTheLogIsOurs: strangers write nothing to the console, the program's own faults
// stand there.
func TestTheLogIsOurs(t *testing.T) {
	var out bytes.Buffer
	l := log.New(ours{&out}, "assay: page: ", 0)
	l.Printf("http: TLS handshake error from %s: EOF", "192.0.2.1:1")
	if out.Len() != 0 {
		t.Errorf("a stranger wrote %q", out.String())
	}
	l.Printf("http: panic serving %s: out of range", "192.0.2.1:1")
	if !strings.Contains(out.String(), "panic") {
		t.Error("a fault of the program is not told")
	}
}
