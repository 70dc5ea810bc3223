package lookup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/lookup"
	"assay/internal/gateway/resolver"
)

// script is a resolver of records in zone-file form, all of them secure.
type script map[string][]dns.RR

func records(t *testing.T, lines ...string) script {
	t.Helper()
	s := script{}
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(rr.Header().Name, rr.Header().Rrtype)
		s[key] = append(s[key], rr)
	}
	return s
}

func (s script) ask(_ context.Context, name string, qtype uint16) lookup.Answer {
	a := lookup.Answer{State: lookup.StateSecure}
	for range 8 {
		if found := s[fmt.Sprint(name, qtype)]; len(found) > 0 {
			a.Answer = append(a.Answer, found...)
			return a
		}
		alias := s[fmt.Sprint(name, dns.TypeCNAME)]
		if len(alias) == 0 {
			break
		}
		a.Answer = append(a.Answer, alias...)
		name = alias[0].(*dns.CNAME).Target
	}
	return a
}

// asked runs the look-ups of some names and gives the notes by kind and subject.
func asked(t *testing.T, cfg lookup.Config, names ...lookup.Name) map[string]event.LookupNote {
	t.Helper()
	out := map[string]event.LookupNote{}
	cfg.Note = func(n evidence.Note) {
		var b event.LookupNote
		if err := json.Unmarshal(n.Body, &b); err != nil {
			t.Error(err)
		}
		out[b.Kind+" "+b.Subject] = b
	}
	l, err := lookup.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(t.Context(), lookup.Subjects{Names: names}); err != nil {
		t.Fatal(err)
	}
	return out
}

func nobody(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("nobody is there")
}

// A device that has used any number of names and servers makes the box ask no more
// than its bounds, one connection after the other with a pause between them.
func TestBoundsAndPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		s := script{}
		cfg := lookup.Config{Ask: s.ask, Servers: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			at = append(at, time.Now())
			return nil, errors.New("nobody is there")
		}}
		var names []lookup.Name
		for i := range 500 {
			end := lookup.End{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), 443), TLS: true}
			names = append(names, lookup.Name{Name: fmt.Sprintf("n%d.example", i), Ends: []lookup.End{end, end}})
		}
		kinds := map[string]int{}
		for key := range asked(t, cfg, names...) {
			kind, _, _ := strings.Cut(key, " ")
			kinds[kind]++
		}
		if got := fmt.Sprint(kinds, len(at)); got != "map[aaaa:64 caa:64 dnssec:65 rpki:256 tls:32] 32" {
			t.Error(got)
		}
		for i := 1; i < len(at); i++ {
			if d := at[i].Sub(at[i-1]); d < time.Second {
				t.Errorf("connection %d comes %s after the one before", i, d)
			}
		}
	})
}

func TestTheEndOfTheContextEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := script{}
	l, err := lookup.New(lookup.Config{Dial: nobody, Ask: func(ctx context.Context, name string, qtype uint16) lookup.Answer {
		cancel()
		return s.ask(ctx, name, qtype)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(ctx, lookup.Subjects{Names: []lookup.Name{{Name: "a.example"}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestConfigsThatCannotWork(t *testing.T) {
	ask := script{}.ask
	for want, cfg := range map[string]lookup.Config{
		"without a resolver":       {Dial: nobody},
		"without a way":            {Ask: ask},
		"from a file and from RTR": {Ask: ask, Dial: nobody, VRPs: "a", RTR: "b:1"},
	} {
		if _, err := lookup.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Names that are none, and names that only differ in spelling, are not asked for.
func TestSubjectsAreTidied(t *testing.T) {
	got := asked(t, lookup.Config{Ask: script{}.ask, Dial: nobody},
		lookup.Name{Name: "A.Example"}, lookup.Name{Name: "a.example."}, lookup.Name{Name: ""}, lookup.Name{Name: "."},
		lookup.Name{Name: strings.Repeat("a", 64) + ".example"}, lookup.Name{Name: "a..example"})
	if len(got) != 4 || got["dnssec a.example."].Outcome != "secure" {
		t.Errorf("%v", got)
	}
}

// A chain of aliases that never ends is followed only so far.
func TestLoopsOfAliasesEnd(t *testing.T) {
	s := records(t, "a.example. CNAME b.example.", "b.example. CNAME a.example.")
	n := asked(t, lookup.Config{Ask: s.ask, Dial: nobody}, lookup.Name{Name: "a.example"})["dnssec a.example."]
	if strings.Count(n.Data["chain"], ",") != 15 {
		t.Errorf("%+v", n)
	}
}

// The climb follows RFC 8659 section 3, whose example this is, and the grammar its
// sections 4.1 to 4.3.
func TestCAA(t *testing.T) {
	for _, c := range []struct {
		name string
		rrs  []string
		want string
	}{
		{"the name's own", []string{`x.y.z.example. CAA 0 issue "ca1.example"`, `z.example. CAA 0 issue "ca2.example"`}, "issue at x.y.z.example. ca1.example"},
		{"the parent's", []string{`y.z.example. CAA 0 issue "ca1.example"`, `z.example. CAA 0 issue "ca2.example"`}, "issue at y.z.example. ca1.example"},
		{"the top-level domain's", []string{`example. CAA 0 issue "ca.example"`}, "issue at example. ca.example"},
		{"the root's does not count", []string{`. CAA 0 issue "ca.example"`}, "none at  "},
		{"none", nil, "none at  "},
		{"behind an alias", []string{`x.y.z.example. CNAME other.example.`, `other.example. CAA 0 issue "ca3.example"`}, "issue at x.y.z.example. ca3.example"},
		{"an alias of the parent too", []string{`y.z.example. CNAME other.example.`, `other.example. CAA 0 issue "ca3.example"`}, "issue at y.z.example. ca3.example"},
		{"above the alias's target does not count", []string{`x.y.z.example. CNAME a.other.example.`, `other.example. CAA 0 issue "ca3.example"`}, "none at  "},
		{"nobody may issue", []string{`z.example. CAA 0 issue ";"`}, "issue at z.example. nobody"},
		{"nobody, by an empty value", []string{`z.example. CAA 0 issue ""`}, "issue at z.example. nobody"},
		{"with parameters", []string{`z.example. CAA 0 issue "ca1.example; account=230123; policy=ev"`}, "issue at z.example. ca1.example"},
		{"in capitals", []string{`z.example. CAA 0 ISSUE "ca1.example"`}, "issue at z.example. ca1.example"},
		{"two authorities", []string{`z.example. CAA 0 issue "b.example"`, `z.example. CAA 0 issue "a.example"`}, "issue at z.example. a.example b.example"},
		{"wildcards only", []string{`z.example. CAA 0 issuewild "ca1.example"`}, "other at z.example. "},
		{"iodef only", []string{`z.example. CAA 0 iodef "mailto:security@example.com"`}, "other at z.example. "},
		{"a mistake in the only value", []string{`z.example. CAA 0 issue "%%%%%"`}, "other at z.example. "},
		{"a mistake in a parameter", []string{`z.example. CAA 0 issue "ca1.example; account"`}, "other at z.example. "},
		{"an address for an authority", []string{`z.example. CAA 0 issue "https://ca1.example/"`}, "other at z.example. "},
	} {
		n := asked(t, lookup.Config{Ask: records(t, c.rrs...).ask, Dial: nobody}, lookup.Name{Name: "x.y.z.example"})["caa x.y.z.example."]
		if got := fmt.Sprintf("%s at %s %s", n.Outcome, n.Data["at"], n.Data["issuers"]); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// What a hostile zone says is bounded in the notes.
func TestNotesAreBounded(t *testing.T) {
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("z.example. CAA 0 issue \"%s%d.example\"", strings.Repeat("a", 50), i))
	}
	n := asked(t, lookup.Config{Ask: records(t, lines...).ask, Dial: nobody}, lookup.Name{Name: "z.example"})["caa z.example."]
	if len(n.Data["issuers"]) > 1100 {
		t.Errorf("a text of %d bytes in a note", len(n.Data["issuers"]))
	}
}

func TestResolve(t *testing.T) {
	for status, want := range map[resolver.Status]string{
		resolver.Secure: "secure", resolver.Insecure: "insecure", resolver.Bogus: "bogus", resolver.Failed: "failed",
		resolver.Indeterminate: "indeterminate", resolver.Unvalidated: "indeterminate", resolver.Unchecked: "indeterminate",
	} {
		ask := lookup.Resolve(func(context.Context, string, uint16) resolver.Answer {
			return resolver.Answer{Status: status, Msg: new(dns.Msg)}
		})
		if got := ask(t.Context(), "a.example.", dns.TypeA).State; got != want {
			t.Errorf("%s: got %s, want %s", status, got, want)
		}
	}
	none := lookup.Resolve(func(context.Context, string, uint16) resolver.Answer { return resolver.Answer{Status: resolver.Secure} })
	if got := none(t.Context(), "a.example.", dns.TypeA).State; got != "failed" {
		t.Errorf("an answer without a message is %s", got)
	}
}
