package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/assess/event"
	"assay/internal/gateway/probe/login"
)

// The most that is tried at one service of one boot.
const (
	vendorMost   = 5
	genericMost  = 10
	troublesMost = 3 // conversations in a row that failed
	slowness     = 5 // times the first answer
	slowFloor    = 200 * time.Millisecond
	guesses      = 10 // wrong ones, for a user that does not exist
)

// candidates are the pairs worth trying: those of the vendor, where something names it,
// then those that most vendors shipped.
func candidates(all []Pair, service string, words []string) []Pair {
	own, many := map[Pair]bool{}, map[Pair]int{}
	for _, pair := range all {
		if pair.Service != service && (pair.Service != "any" || service == "snmp") {
			continue // a community is no user's password
		}
		bare := Pair{User: pair.User, Secret: pair.Secret}
		many[bare]++
		if pair.Vendor == "many" {
			many[bare] += len(all) // what is known of many vendors comes first
		}
		if names(words, pair.Vendor) {
			own[bare] = true
		}
	}
	rank := func(set []Pair) []Pair {
		slices.SortFunc(set, func(a, b Pair) int {
			return cmp.Or(cmp.Compare(many[b], many[a]), strings.Compare(a.User, b.User), strings.Compare(a.Secret, b.Secret))
		})
		return set
	}
	var first, rest []Pair
	for pair := range many {
		if own[pair] {
			first = append(first, pair)
		} else {
			rest = append(rest, pair)
		}
	}
	first, rest = rank(first), rank(rest)
	return append(first[:min(len(first), vendorMost)], rest[:min(len(rest), genericMost)]...)
}

// names says whether one of the words is about the vendor.
func names(words []string, vendor string) bool {
	vendor = strings.ToLower(vendor)
	for _, w := range words {
		if len(vendor) > 2 && strings.Contains(strings.ToLower(w), vendor) {
			return true
		}
	}
	return false
}

// series is the attempts at one service.
type series struct {
	p      *Prober
	s      service
	client login.Client
	tries  int
	no     int // refusals
	first  time.Duration
	fails  int
	resets int
	end    netip.AddrPort
}

func (p *Prober) series(s service) *series {
	return &series{p: p, s: s, client: p.cfg.Clients[s.name], resets: p.resets}
}

// dial remembers the end of the box, which tells the conversation that decided.
func (g *series) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := g.p.dial(ctx, network, address)
	if err == nil {
		g.end = localEnd(c)
	}
	return c, err
}

// ask finds out how the service asks for a password, and whether it asks at all.
func (g *series) ask(ctx context.Context) (how string, asks bool) {
	how, a := g.client.Ask(ctx, g.dial, g.s.at)
	n := event.ProbeNote{Kind: event.ProbeService, Server: g.s.at, Client: g.end, UDP: g.s.udp, Service: g.s.name, Outcome: event.ProbeAnswered, Why: a.Why, Took: a.Took, Detail: map[string]string{"login": how}}
	if how == "" {
		n.Outcome, n.Detail = string(a.Outcome), nil
	}
	g.p.note(n)
	if a.Open {
		g.p.note(event.ProbeNote{
			Kind: event.ProbeGet, Server: g.s.at, Client: g.end, UDP: g.s.udp, Service: g.s.name, Outcome: event.ProbeAnswered, Why: a.Why,
			Detail: map[string]string{"login": "none", "content": opened(g.s.name)},
		})
	}
	return how, how != "" && how != "none" && !a.Open
}

// opened is what a service shows that lets everybody in.
func opened(service string) string {
	switch service {
	case "telnet", "ssh":
		return "shell"
	case "rtsp", "rtsps":
		return "media"
	case "mqtt", "mqtts":
		return "messages"
	}
	return "settings"
}

// try makes one attempt and says how it ended and whether the next may follow.
func (g *series) try(ctx context.Context, kind string, number int, pair Pair) (outcome string, next bool) {
	if g.tries > 0 && pause(ctx, g.between(kind)) != nil {
		return event.ProbeStopped, false
	}
	a := g.client.Try(ctx, g.dial, g.s.at, pair.User, pair.Secret)
	if ctx.Err() != nil {
		return event.ProbeStopped, false
	}
	g.tries++
	if g.tries == 1 {
		g.first = a.Took
	}
	n := event.ProbeNote{
		Kind: kind, Server: g.s.at, Client: g.end, UDP: g.s.udp, Service: g.s.name,
		Tries: g.tries, Pair: number, User: pair.User, Took: a.Took,
	}
	if a.Outcome == login.Refused {
		g.no++
	}
	if a.Outcome == login.Accepted && kind == event.ProbeLogin && g.no == 0 {
		a = g.doubted(ctx, a)
	}
	n.Outcome, n.Why = string(a.Outcome), a.Why
	g.p.note(n)
	return g.follow(a, kind)
}

// madeUp is a user that does not exist, with a password that nobody has.
func madeUp() Pair {
	return Pair{User: "assay-" + strings.ToLower(rand.Text()[:8]), Secret: rand.Text()[:12]}
}

// doubted tries a made-up pair after one that was accepted at once: a service that
// takes everything shows nothing about a password.
func (g *series) doubted(ctx context.Context, a login.Answer) login.Answer {
	if pause(ctx, g.between(event.ProbeLogin)) != nil {
		return login.Answer{Outcome: login.Unclear, Why: a.Why + "; whether a made-up one is refused was not tried", Took: a.Took}
	}
	g.tries++
	pair := madeUp()
	if control := g.client.Try(ctx, g.dial, g.s.at, pair.User, pair.Secret); control.Outcome == login.Accepted {
		return login.Answer{Outcome: login.Unclear, Why: a.Why + "; but so it does with a made-up one", Took: a.Took}
	}
	return a
}

// between is how long is waited: factory passwords are tried slowly, and whether
// guessing is slowed down can only be seen at one a second.
func (g *series) between(kind string) time.Duration {
	if kind == event.ProbeLockout {
		return g.p.cfg.Pace.Between
	}
	return g.p.cfg.Pace.Attempts
}

// follow applies the rules by which attempts end.
func (g *series) follow(a login.Answer, kind string) (outcome string, next bool) {
	if a.Outcome == login.Failed || a.Outcome == login.Silent {
		g.fails++
	} else {
		g.fails = 0
	}
	switch {
	case a.Outcome == login.Accepted:
		return event.ProbeAccepted, false
	case a.Outcome == login.Locked:
		return event.ProbeLocked, false
	case g.p.resets > g.resets || g.fails >= troublesMost:
		return event.ProbeFailed, false
	case kind == event.ProbeLogin && a.Took > slowness*max(g.first, slowFloor):
		return event.ProbeSlowed, false
	}
	return event.ProbeDone, true
}

// logins tries the factory passwords at one service.
func (p *Prober) logins(ctx context.Context, s service, words []string) (asks bool) {
	g := p.series(s)
	if g.client == nil {
		return false
	}
	if _, asks = g.ask(ctx); !asks || !p.consented() {
		return asks
	}
	list := candidates(p.cfg.Pairs, strings.TrimSuffix(s.name, "s"), words)
	outcome := event.ProbeDone
	for i, pair := range list {
		if g.tries >= vendorMost+genericMost {
			break // made-up ones count too
		}
		p.cfg.Tell(i, len(list), "factory passwords at "+s.name+" on "+s.at.String())
		var next bool
		if outcome, next = g.try(ctx, event.ProbeLogin, i+1, pair); !next {
			break
		}
	}
	p.note(event.ProbeNote{Kind: event.ProbeLogins, Server: s.at, Client: g.end, UDP: s.udp, Service: s.name, Outcome: outcome, Tries: g.tries})
	return asks
}

// lockout watches whether guessing is slowed down, with wrong passwords for a user that
// does not exist.
func (p *Prober) lockout(ctx context.Context, s service) {
	g := p.series(s)
	var times []string
	outcome := event.ProbeDone
	for i := range guesses {
		p.cfg.Tell(i, guesses, "wrong passwords at "+s.name+" on "+s.at.String())
		began := time.Now()
		var next bool
		outcome, next = g.try(ctx, event.ProbeLockout, 0, madeUp())
		times = append(times, strconv.FormatInt(time.Since(began).Milliseconds(), 10))
		if !next {
			break
		}
	}
	n := event.ProbeNote{Kind: event.ProbeLockouts, Server: s.at, Client: g.end, UDP: s.udp, Service: s.name, Outcome: outcome, Tries: g.tries}
	n.Detail = map[string]string{"first": times[0], "last": times[len(times)-1]}
	p.note(n)
}

// consented says whether somebody allowed passwords to be tried.
func (p *Prober) consented() bool { return p.cfg.Consent.Tester != "" && p.cfg.Consent.Owner != "" }
