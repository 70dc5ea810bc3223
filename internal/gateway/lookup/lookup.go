package lookup

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
)

// Looker asks about names and addresses.
type Looker struct {
	cfg  Config
	last time.Time // of the last connection
}

// New makes a Looker; it does nothing before Run.
func New(cfg Config) (*Looker, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Pause == 0 {
		cfg.Pause = pauseTime
	}
	return &Looker{cfg: cfg}, nil
}

// Run asks all questions about the subjects, one after the other, and notes each. It
// ends when everything was asked or with ctx; what it could not find out is a note,
// not an error. It must not be called twice at the same time.
func (l *Looker) Run(ctx context.Context, s Subjects) error {
	names, ends := tidy(s)
	steps := []func(context.Context){
		func(ctx context.Context) { l.routes(ctx, addresses(ends)) },
		func(ctx context.Context) { l.names(ctx, names) },
		func(ctx context.Context) { l.families(ctx, names) },
		func(ctx context.Context) { l.servers(ctx, ends) },
	}
	for _, step := range steps {
		step(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("the look-ups were ended before all was asked: %w", err)
		}
	}
	return nil
}

// named is one name with what is asked about it.
type named struct {
	name string // canonical
	port uint16 // that a connection over IPv6 is tried at; 0 for none
}

// used is one end with the name it was reached under, "" for none.
type used struct {
	name string
	End
}

// tidy brings the subjects into one form, each name and end once, in their order.
func tidy(s Subjects) (names []named, ends []used) {
	places, known := map[string]int{}, map[used]bool{}
	for _, n := range s.Names {
		name := canonical(n.Name)
		if _, again := places[name]; name != "" && !again && len(names) < nameLimit {
			places[name] = len(names)
			names = append(names, named{name: name})
		}
		for _, e := range n.Ends {
			e.Addr = netip.AddrPortFrom(e.Addr.Addr().Unmap().WithZone(""), e.Addr.Port())
			u := used{name, e}
			if !e.Addr.IsValid() || known[u] {
				continue
			}
			known[u] = true
			ends = append(ends, u)
			if at, ok := places[name]; ok && !e.UDP {
				names[at].port = cmp.Or(names[at].port, e.Addr.Port())
			}
		}
	}
	return names, ends
}

// canonical is a name in lower case with the final dot; "" for what is no name.
func canonical(name string) string {
	if _, ok := dns.IsDomainName(name); !ok || strings.Trim(name, ".") == "" {
		return ""
	}
	return dns.CanonicalName(name)
}

func addresses(ends []used) []netip.Addr {
	var out []netip.Addr
	for _, e := range ends {
		if a := e.Addr.Addr(); !slices.Contains(out, a) && len(out) < addrLimit {
			out = append(out, a)
		}
	}
	return out
}

// names asks what DNS says of each name, after the control.
func (l *Looker) names(ctx context.Context, names []named) {
	l.control(ctx)
	zones := &zones{of: map[string]bool{}}
	for _, n := range names {
		if ctx.Err() != nil {
			return
		}
		l.dnssec(ctx, n.name, zones)
		l.caa(ctx, n.name)
	}
	for _, z := range zones.order {
		if ctx.Err() != nil {
			return
		}
		l.zone(ctx, z)
	}
}

// control shows that the resolver validates: the root is signed.
func (l *Looker) control(ctx context.Context) {
	a := l.ask(ctx, ".", dns.TypeSOA)
	l.note(event.LookupNote{Kind: KindDNSSEC, Subject: ".", Outcome: a.State, Why: a.Why})
}
