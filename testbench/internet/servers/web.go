package servers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"time"

	"assay/testbench/internet/serve"
)

// Firmware is what update servers give: its size is that of a small image.
const firmwareSize = 64 << 10

// firmware is the same in every lab.
func firmware() []byte {
	out, sum := make([]byte, 0, firmwareSize), sha256.Sum256([]byte("firmware 2.4.1"))
	for len(out) < firmwareSize {
		out = append(out, sum[:]...)
		sum = sha256.Sum256(sum[:])
	}
	return out
}

// Manifest is what /firmware/latest.json says.
type Manifest struct {
	Version string `json:"version"`
	Path    string `json:"path"`
	Size    int    `json:"size"`
	SHA256  string `json:"sha256"`
}

// Site is what all web servers serve: a page that says what was reached and
// how, a telemetry sink at /api/, firmware at /firmware/. extra adds paths.
func Site(extra map[string]http.Handler) http.Handler {
	image := firmware()
	sum := sha256.Sum256(image)
	m := Manifest{Version: "2.4.1", Path: "/firmware/2.4.1.bin", Size: len(image), SHA256: fmt.Sprintf("%x", sum)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /firmware/latest.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(m) // a client that has gone needs nothing
	})
	mux.HandleFunc("GET "+m.Path, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, m.Path, time.Time{}, bytes.NewReader(image))
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxUpload))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/generate_204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/", page)
	for path, h := range extra {
		mux.Handle(path, h)
	}
	return mux
}

// maxUpload bounds what the telemetry sink reads of one request.
const maxUpload = 1 << 20

func page(w http.ResponseWriter, r *http.Request) {
	how := "no TLS"
	if r.TLS != nil {
		how = tls.VersionName(r.TLS.Version)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "%q reached with %s from %s\n", r.Host, how, r.RemoteAddr)
}

// patience is how long a silent client is kept, and how long an ending server
// waits for requests under way.
const patience = 10 * time.Second

func webServer(h http.Handler, config *tls.Config) *http.Server {
	return &http.Server{Handler: h, TLSConfig: config, ReadHeaderTimeout: patience, IdleTimeout: patience,
		ErrorLog: log.New(io.Discard, "", 0)} // clients that refuse a certificate are the point of the lab
}

// HTTP serves on port 80 of an address.
func HTTP(ctx context.Context, g *serve.Group, at netip.Addr, h http.Handler) error {
	l, err := g.Listen(ctx, netip.AddrPortFrom(at, 80))
	if err != nil {
		return err
	}
	s := webServer(h, nil)
	g.Go(s.Close, func() { _ = s.Serve(l) }) // its error is that it was closed
	return nil
}

// HTTPS serves on port 443 of an address, HTTP/1.1 and HTTP/2.
func HTTPS(ctx context.Context, g *serve.Group, at netip.Addr, config *tls.Config, h http.Handler) error {
	l, err := g.Listen(ctx, netip.AddrPortFrom(at, 443))
	if err != nil {
		return err
	}
	s := webServer(h, config.Clone())
	if config.MaxVersion != 0 && config.MaxVersion < tls.VersionTLS12 {
		s.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // no HTTP/2: RFC 9113, section 9.2
	}
	g.Go(s.Close, func() { _ = s.ServeTLS(l, "", "") }) // its error is that it was closed
	return nil
}
