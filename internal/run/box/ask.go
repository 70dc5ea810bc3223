//go:build linux

package box

import (
	"bufio"
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"

	"assay/internal/gateway/resolver/upstream"
)

// AskUpstream asks one upstream resolver whether it answers and hands DNSSEC data
// on.
func AskUpstream(ctx context.Context, u upstream.Server) (dnssec bool, err error) {
	pool := upstream.New(upstream.Config{}, []upstream.Server{u})
	defer pool.Close()
	states := pool.Probe(ctx)
	switch {
	case len(states) == 0:
		return false, errors.New("it was not asked")
	case states[0].Error != "":
		return false, errors.New(states[0].Error)
	case !states[0].Answers:
		return false, errors.New("there was no answer")
	}
	return states[0].DNSSEC == upstream.Yes, nil
}

// SystemResolvers are those that the system itself asks (resolv.conf(5)); none
// where the file cannot be read.
func SystemResolvers(file string) []upstream.Server {
	f, err := os.Open(file) //nolint:gosec // the caller names a system file
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was only read
	var out []upstream.Server
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil {
			out = append(out, upstream.Server{Addr: netip.AddrPortFrom(a, portDNS)})
		}
	}
	return out
}
