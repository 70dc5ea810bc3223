package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path"
	"time"

	"golang.org/x/net/netutil"
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
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		if !own(r, d.cfg.Open) {
			http.Error(w, "this page has another address; open it by the one that the console of the box shows", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, bodyMost)
		d.route(w, r, page, login)
	})
	return http.NewCrossOriginProtection().Handler(guarded)
}

func (d *Door) route(w http.ResponseWriter, r *http.Request, page, login http.Handler) {
	if d.cfg.Open || public(r) {
		page.ServeHTTP(w, r)
		return
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
	case !d.let(r):
		refuse(w, r, login, http.StatusUnauthorized, "")
	case r.URL.Path == "/enter":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		page.ServeHTTP(w, r)
	}
}

// public says whether a request is for what the page that asks for the key needs.
func public(r *http.Request) bool {
	if r.Method == http.MethodPost {
		return r.URL.Path == "/language"
	}
	return path.Dir(path.Clean(r.URL.Path)) == "/static" && r.Method == http.MethodGet
}

func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

// connectionsMost bounds the connections of all readers together.
const connectionsMost = 64

// Server is a page that is up.
type Server struct {
	server *http.Server
	stop   context.CancelFunc
	ended  chan error
	base   string
}

// Serve shows a page at a socket: with an identity over TLS, without one only on
// loopback. It takes the socket over.
func Serve(ctx context.Context, socket net.Listener, h http.Handler, id *Identity) (*Server, error) {
	scheme, limited := "https", netutil.LimitListener(socket, connectionsMost)
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
	s := &Server{stop: stop, ended: make(chan error, 1), base: base(scheme, socket.Addr()), server: &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	go func() { s.ended <- s.server.Serve(limited) }()
	return s, nil
}

// Base is the address of the page, such as "http://127.0.0.1:8642".
func (s *Server) Base() string { return s.base }

// Close ends the page and every stream of it.
func (s *Server) Close() error {
	s.stop()
	err := s.server.Close()
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
