package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver"
	"assay/internal/gateway/resolver/validate"
)

// nameTraits are how a device looks names up.
type nameTraits struct {
	builtIn   netip.Addr // asked instead of what the network offers
	only4     bool       // it never asks for IPv6 addresses
	validates bool       // it checks DNSSEC itself, with the trust anchors of the file that ASSAY_ROOT_KEY names
}

// rootKeyVar names the file with the DNSSEC root trust anchor; without it the anchors
// are those of the public root.
const rootKeyVar = "ASSAY_ROOT_KEY"

// cacheLimit bounds the answers that are kept: far more than a device's own names and
// the keys above them.
const cacheLimit = 256

// names looks names up and keeps answers for their lifetime.
type names struct {
	home *home
	nameTraits
	check *validate.Validator // nil where the device does not validate

	one  sync.Mutex // one question at a time, so that nothing is asked twice
	mu   sync.Mutex
	kept map[dns.Question]kept
}

type kept struct {
	msg   *dns.Msg
	until time.Time
}

func newNames(h *home, t nameTraits) (*names, error) {
	n := &names{home: h, nameTraits: t, kept: map[dns.Question]kept{}}
	if !t.validates {
		return n, nil
	}
	o := validate.Options{Source: n}
	if file := os.Getenv(rootKeyVar); file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the DNSSEC root key: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		if o.Anchors, err = resolver.ReadAnchors(f, file); err != nil {
			return nil, err
		}
	}
	var err error
	n.check, err = validate.New(o)
	return n, err
}

// addresses are those of a name that the device can reach, those of IPv6 first (RFC
// 6724). A family without an address of the device's own is not asked for.
func (n *names) addresses(ctx context.Context, name string) ([]netip.Addr, error) {
	k, _ := n.home.now()
	var out []netip.Addr
	var bad error
	for _, family := range []struct {
		mine  bool
		qtype uint16
	}{{k.ipv6 && !n.only4, dns.TypeAAAA}, {k.ipv4, dns.TypeA}} {
		if !family.mine {
			continue
		}
		found, err := n.lookUp(ctx, name, family.qtype)
		out, bad = append(out, found...), errors.Join(bad, err)
	}
	if len(out) == 0 {
		return nil, errors.Join(fmt.Errorf("%s has no address that can be reached", name), bad)
	}
	return out, nil
}

// lookUp asks one question and takes the addresses of an answer that may be believed.
func (n *names) lookUp(ctx context.Context, name string, qtype uint16) (out []netip.Addr, err error) {
	q := question(name, qtype)
	m, err := n.Query(ctx, q.Name, qtype)
	if err != nil {
		return nil, err
	}
	if n.check != nil {
		if v := n.check.Validate(ctx, q, m); v.Status != validate.Secure && v.Status != validate.Insecure {
			return nil, fmt.Errorf("the answer for %s is %s: %s", name, v.Status, v.Why)
		}
	}
	for _, rr := range m.Answer {
		var ip net.IP
		switch r := rr.(type) {
		case *dns.A:
			ip = r.A.To4()
		case *dns.AAAA:
			ip = r.AAAA
		}
		if a, ok := netip.AddrFromSlice(ip); ok && len(out) < serverLimit {
			out = append(out, a)
		}
	}
	return out, nil
}

func question(name string, qtype uint16) dns.Question {
	return dns.Question{Name: dns.CanonicalName(name), Qtype: qtype, Qclass: dns.ClassINET}
}

// Query is that of validate.Source: an answer from the cache, or from the first
// resolver that gives one.
func (n *names) Query(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	n.one.Lock()
	defer n.one.Unlock()
	q := question(name, qtype)
	if m := n.remembered(q); m != nil {
		return m, nil
	}
	bad := errors.New("there is no resolver")
	for _, server := range n.servers() {
		m, err := n.ask(ctx, server, q)
		if err == nil {
			n.keep(q, m)
			return m, nil
		}
		bad = err
	}
	return nil, fmt.Errorf("cannot look %s up: %w", name, bad)
}

func (n *names) servers() []netip.Addr {
	if n.builtIn.IsValid() {
		return []netip.Addr{n.builtIn}
	}
	k, _ := n.home.now()
	return k.resolvers()
}

const (
	// askFor is how long one resolver is waited for.
	askFor = 1500 * time.Millisecond
	// messageSize is what fits a packet everywhere (RFC 9715 section 3.1).
	messageSize = 1232
)

// ask asks one resolver, from a new port with a random number, and over TCP where the
// answer did not fit.
func (n *names) ask(ctx context.Context, server netip.Addr, q dns.Question) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.Id, m.RecursionDesired, m.Question = dns.Id(), true, []dns.Question{q}
	if n.validates {
		m.CheckingDisabled = true // it checks itself (RFC 6840 section 5.9)
		m.SetEdns0(messageSize, true)
	}
	c := dns.Client{Timeout: askFor, UDPSize: messageSize}
	to := netip.AddrPortFrom(server, 53).String()
	answer, _, err := c.ExchangeContext(ctx, m, to)
	if err == nil && answer.Truncated {
		c.Net = "tcp"
		answer, _, err = c.ExchangeContext(ctx, m, to)
	}
	switch {
	case err != nil:
		return nil, err
	case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
		return nil, errors.New("the resolver says " + dns.RcodeToString[answer.Rcode])
	}
	return answer, nil
}

func (n *names) remembered(q dns.Question) *dns.Msg {
	n.mu.Lock()
	defer n.mu.Unlock()
	if k, ok := n.kept[q]; ok && time.Now().Before(k.until) {
		return k.msg
	}
	delete(n.kept, q)
	return nil
}

// keep keeps an answer for as long as all of it holds.
func (n *names) keep(q dns.Question, m *dns.Msg) {
	ttl, some := uint32(0), false
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			if own := rr.Header().Ttl; !some || own < ttl {
				ttl, some = own, true
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.kept) < cacheLimit {
		n.kept[q] = kept{m, time.Now().Add(time.Duration(ttl) * time.Second)}
	}
}
