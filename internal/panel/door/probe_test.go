package door

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestProbeRestart(t *testing.T) {
	now := time.Unix(1700000000, 0)
	d, h := opened(t, Config{Now: func() time.Time { return now }})
	c, _ := d.begin()
	with := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-assay", Value: c}) }
	for range 3 {
		now = now.Add(6 * time.Hour)
		if w := ask(h, "GET", "/", reader, nil, with); w.Code != 200 {
			t.Fatal(w.Code)
		}
	}
	again, _ := New(d.cfg)
	if len(again.sessions) != 1 {
		t.Error("a session in use is lost by a restart")
	}
}

func TestProbeRace(t *testing.T) {
	_, h := opened(t, Config{})
	var through atomic.Int32
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 2000 {
		wg.Go(func() {
			<-start
			r := httptest.NewRequest("POST", "https://192.0.2.1/enter", strings.NewReader(url.Values{"token": {"x"}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = reader
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code == 401 {
				through.Add(1)
			}
		})
	}
	close(start)
	wg.Wait()
	if through.Load() > 5 {
		t.Error("guesses checked:", through.Load())
	}
}

func TestProbeSlowBody(t *testing.T) {
	d, h := opened(t, Config{})
	id, _ := LoadIdentity(d.cfg.Folder, "", []netip.Addr{netip.MustParseAddr("127.0.0.1")}, time.Now())
	id2, _ := LoadIdentity(d.cfg.Folder, "", []netip.Addr{netip.MustParseAddr("127.0.0.1")}, time.Now())
	if string(id.certificate.Certificate[0]) != string(id2.certificate.Certificate[0]) {
		t.Error("each start has another certificate")
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	s, err := Serve(context.Background(), l, h, &id)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var conns []net.Conn
	for range 64 {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /enter HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n")
		conns = append(conns, c)
	}
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Error("nobody else gets in after 20 s:", err)
	} else {
		_ = c.Close()
	}
	conns[0].SetReadDeadline(time.Now().Add(25 * time.Second))
	if _, err := bufio.NewReader(conns[0]).ReadByte(); err != nil {
		t.Error("a body that does not come is waited for:", err)
	}
	for _, c := range conns {
		c.Close()
	}
}
