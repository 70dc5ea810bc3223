package provider

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"net/netip"

	"github.com/miekg/dns"

	"assay/testbench/internet/authority"
	"assay/testbench/internet/serve"
	"assay/testbench/internet/servers"
)

// Plain is a resolver as bad providers have: it knows neither EDNS nor
// signatures, and answers as RFC 1035 knew it.
func Plain(answer authority.Answer) authority.Answer {
	return func(q *dns.Msg) *dns.Msg {
		old := q.Copy()
		old.Extra = nil
		old.CheckingDisabled = false
		return answer(old)
	}
}

// Resolver serves a recursive resolver at addresses: UDP, TCP, and TLS where a
// configuration is given.
func Resolver(ctx context.Context, g *serve.Group, at []netip.Addr, config *tls.Config, answer authority.Answer) error {
	for _, a := range at {
		if err := authority.Plain(ctx, g, a, answer); err != nil {
			return err
		}
		if config == nil {
			continue
		}
		dot := config.Clone()
		dot.NextProtos = []string{"dot"}
		if err := authority.TLS(ctx, g, a, dot, answer); err != nil {
			return err
		}
	}
	return nil
}

// Public serves a public resolver: what Resolver does, and DNS over HTTPS at
// /dns-query.
func Public(ctx context.Context, g *serve.Group, at []netip.Addr, config *tls.Config, answer authority.Answer) error {
	if err := Resolver(ctx, g, at, config, answer); err != nil {
		return err
	}
	site := servers.Site(map[string]http.Handler{"/dns-query": overHTTPS{answer}})
	for _, a := range at {
		if err := servers.HTTPS(ctx, g, a, config, site); err != nil {
			return err
		}
	}
	return nil
}

// mediaType is RFC 8484, section 6.
const mediaType = "application/dns-message"

// overHTTPS is DNS over HTTPS, RFC 8484.
type overHTTPS struct{ answer authority.Answer }

func (o overHTTPS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, status := question(r)
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	q := new(dns.Msg)
	if err := q.Unpack(raw); err != nil || q.Response {
		http.Error(w, "not a DNS query", http.StatusBadRequest)
		return
	}
	out, err := o.answer(q).Pack()
	if err != nil {
		http.Error(w, "no answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	_, _ = w.Write(out) // a client that has gone needs no answer
}

// question takes the DNS message out of a GET or POST request.
func question(r *http.Request) ([]byte, int) {
	switch r.Method {
	case http.MethodGet:
		raw, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
		if err != nil || len(raw) == 0 {
			return nil, http.StatusBadRequest
		}
		return raw, http.StatusOK
	case http.MethodPost:
		if r.Header.Get("Content-Type") != mediaType {
			return nil, http.StatusUnsupportedMediaType
		}
		raw, err := io.ReadAll(io.LimitReader(r.Body, dns.MaxMsgSize))
		if err != nil {
			return nil, http.StatusBadRequest
		}
		return raw, http.StatusOK
	}
	return nil, http.StatusMethodNotAllowed
}
