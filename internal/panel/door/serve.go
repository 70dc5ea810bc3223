package door

import (
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
	"os"
	"path"
	"strings"
	"time"
)

// policy forbids the page everything but its own files (Content Security Policy
// Level 3).
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// bodyMost is the largest form, in bytes.
const bodyMost = 64 << 10

// Wrap lets requests through to the page that may pass; login asks the others for the
// key.
func (d *Door) Wrap(page, login http.Handler) http.Handler {
	inside := http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.route(w, r, page, login)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		if !own(r, d.cfg.Open) {
			http.Error(w, "this page has another address; open it by the one that the console of the box shows", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, bodyMost)
		inside.ServeHTTP(w, r)
	})
}

func (d *Door) route(w http.ResponseWriter, r *http.Request, page, login http.Handler) {
	if d.cfg.Open {
		page.ServeHTTP(w, r)
		return
	}
	known := d.let(r)
	if !known {
		hurry(w, d.patience)
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /enter":
		d.enter(w, r, login)
		return
	case "POST /leave":
		d.end(w, r)
		return
	}
	switch {
	case public(r):
		page.ServeHTTP(w, r)
	case !known:
		refuse(w, r, login, http.StatusUnauthorized, "")
	case r.URL.Path == "/enter":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		page.ServeHTTP(w, r)
	}
}

// patience is how long a request of somebody without a session may take, both to
// arrive and to be answered: else a few slow strangers would hold all connections.
// Sessions have no such bound, for they follow streams.
const patience = 15 * time.Second

func hurry(w http.ResponseWriter, patience time.Duration) {
	c, end := http.NewResponseController(w), time.Now().Add(patience)
	_ = errors.Join(c.SetReadDeadline(end), c.SetWriteDeadline(end)) // what is no connection needs no bound
}

// public says whether a request is for what the page that asks for the key needs. Only
// a path that is written as it is meant counts: with escapes or dots in it the page
// could read another path than this did.
func public(r *http.Request) bool {
	p := r.URL.EscapedPath()
	if strings.Contains(p, "%") || path.Clean(p) != p {
		return false
	}
	if r.Method == http.MethodPost {
		return p == "/language"
	}
	return path.Dir(p) == "/static" && r.Method == http.MethodGet
}

func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store") // the page says where something may be kept
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

// leaveTime is how long a page that ends waits for answers that are under way.
const leaveTime = time.Second

// Server is a page that is up.
type Server struct {
	server *http.Server
	stop   context.CancelFunc
	ended  chan struct{} // closed when it takes no more connections
	why    error         // why that is, then
	base   string
}

// Serve shows a page at a socket: with an identity over TLS, without one only on
// loopback. It takes the socket over.
func Serve(ctx context.Context, socket net.Listener, h http.Handler, id *Identity) (*Server, error) {
	scheme, limited := "https", bounded(socket)
	if id == nil {
		at, err := netip.ParseAddrPort(socket.Addr().String())
		if err != nil || !at.Addr().IsLoopback() {
			return nil, errors.Join(fmt.Errorf("cannot show the page at %s without TLS: it is not this machine alone", socket.Addr()), socket.Close())
		}
		scheme = "http"
	} else {
		limited = tls.NewListener(limited, id.TLS())
	}
	ctx, stop := context.WithCancel(ctx)
	s := &Server{stop: stop, ended: make(chan struct{}), base: base(scheme, socket.Addr()), server: &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog:    log.New(ours{os.Stderr}, "assay: page: ", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	go func() {
		defer close(s.ended)
		s.why = s.server.Serve(limited)
	}()
	return s, nil
}

// Base is the address of the page, such as "http://127.0.0.1:8642".
func (s *Server) Base() string { return s.base }

// ours lets through what the server says of this program, such as a panic, and not what
// strangers make it say: every browser that does not know the certificate yet, and
// everybody who talks nonsense, would write a line to the console.
type ours struct{ to io.Writer }

func (o ours) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("TLS handshake error")) {
		return len(line), nil
	}
	return o.to.Write(line)
}

// Close ends the page: its streams at once, other answers within a moment.
func (s *Server) Close() error {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	<-s.ended
	if !errors.Is(s.why, http.ErrServerClosed) {
		err = errors.Join(err, s.why)
	}
	return err
}
