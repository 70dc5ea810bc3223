package login

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// web is HTTP with Basic (RFC 7617) and Digest (RFC 7616) authentication and forms.
type web struct {
	secure  bool
	secrets Secrets
}

// browser is one visit: its own connections and cookies.
type browser struct {
	*http.Client
	base *url.URL
	free func()
}

func (w web) visit(dial Dial, to netip.AddrPort) browser {
	scheme := "http"
	if w.secure {
		scheme = "https"
	}
	host := netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()).String()
	direct := func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, to.String()) }
	transport := &http.Transport{DialContext: direct, TLSClientConfig: anyTLS(w.secrets), MaxResponseHeaderBytes: pageMost, ResponseHeaderTimeout: patience}
	jar, _ := cookiejar.New(nil) // it fails for no options
	b := browser{base: &url.URL{Scheme: scheme, Host: host, Path: "/"}, free: transport.CloseIdleConnections}
	b.Client = &http.Client{Transport: transport, Jar: jar, Timeout: patience, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 5 || r.URL.Host != host {
			return http.ErrUseLastResponse // nobody else is asked
		}
		return nil
	}}
	return b
}

// page is what was fetched.
type page struct {
	code   int
	header http.Header
	body   string
	at     *url.URL
	took   time.Duration // from the request to its answer, redirections and connecting apart
}

// fetch asks once; form is sent with a POST, and authorise as it is.
func (b browser) fetch(ctx context.Context, method string, at *url.URL, form url.Values, authorise string) (p page, err error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	c := &clock{}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, c.trace()), method, at.String(), body)
	if err != nil {
		return p, err
	}
	r.Header.Set("User-Agent", "assay")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if authorise != "" {
		r.Header.Set("Authorization", authorise)
	}
	a, err := b.Do(r)
	if err != nil {
		return p, err
	}
	defer func() { _ = a.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(a.Body, pageMost))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // what came is enough
	}
	return page{code: a.StatusCode, header: a.Header, body: string(text), at: a.Request.URL, took: c.took()}, err
}

// clock measures the first request of several, which its transport makes elsewhere.
type clock struct {
	mu             sync.Mutex
	asked, replied time.Time
}

func (c *clock) trace() *httptrace.ClientTrace {
	now := func(t *time.Time) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if t.IsZero() {
			*t = time.Now()
		}
	}
	return &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { now(&c.asked) }, GotFirstResponseByte: func() { now(&c.replied) }}
}

func (c *clock) took() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.replied.Sub(c.asked))
}

// get fetches a page.
func (b browser) get(ctx context.Context, at *url.URL) (page, error) {
	return b.fetch(ctx, http.MethodGet, at, nil, "")
}
