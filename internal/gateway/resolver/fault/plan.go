package fault

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/gateway/resolver"
)

// Wish is what an experiment shall try.
type Wish struct {
	Experiment string
	Arms       []string // event.Arm*; the control is always there
	Pairs      int      // for each name and arm
	Names      int      // for each arm, where the device has so many
	Seed       uint64   // Config.Seed when 0
	After      int      // the number of the last pair there was; Plan sets it
}

// Skip is what is not tried, and why.
type Skip struct{ Arm, Name, Why string }

// Plan makes the rounds of an experiment with the names the device asked for so far,
// and notes what cannot be tried. Pairs are counted on from plan to plan. It asks Config.Lookup for the
// unsigned zones of dsdenial.
func (c *Conductor) Plan(ctx context.Context, w Wish) ([]Round, []Skip) {
	if w.Seed == 0 {
		w.Seed = c.cfg.Seed
	}
	names := c.Candidates()
	if slices.Contains(w.Arms, event.ArmDSDenial) {
		for i := range names {
			names[i].Cut = c.cut(ctx, names[i])
		}
	}
	if c.cfg.Send == nil || len(c.cfg.Canaries) == 0 {
		w.Arms = slices.DeleteFunc(slices.Clone(w.Arms), func(a string) bool { return a == event.ArmStray })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w.After = c.pairs
	rounds, skipped := PlanFor(w, names)
	for _, r := range rounds {
		c.pairs = max(c.pairs, r.Pair)
	}
	for _, s := range skipped {
		n := event.ArmNote{Experiment: w.Experiment, Arm: s.Arm, Phase: event.Skipped, Why: s.Why}
		if s.Name != "" {
			n.Names = []string{s.Name}
		}
		c.tell(event.NoteArm, n)
	}
	return rounds, skipped
}

// cut finds the unsigned zone around an insecure name, or around where it leads,
// whose denial of DS is signed.
func (c *Conductor) cut(ctx context.Context, n Candidate) string {
	if n.Status != resolver.Insecure || c.cfg.Lookup == nil {
		return ""
	}
	for _, name := range append([]string{n.Name}, n.Aliases...) {
		labels := dns.SplitDomainName(name)
		for i := len(labels) - 1; i >= 0; i-- {
			zone := dns.Fqdn(strings.Join(labels[i:], "."))
			a := c.cfg.Lookup(ctx, zone, dns.TypeDS)
			if a.Msg != nil && deniesDS(a.Status, a.Msg) && flipDenial(a.Msg) {
				return zone
			}
			if a.Status != resolver.Secure {
				break // not signed: nothing below is
			}
		}
	}
	return ""
}

// skipLimit bounds what is told of names that an arm is not tried with.
const skipLimit = 64

// PlanFor makes the rounds of an experiment: for each name and pair one control and
// each arm that can be tried with it. Rounds of a pair stand together, in random
// order; pairs stand in random order too, and the pairs of the arms that are only
// worth trying after flipped and dsdenial come last, with controls of their own.
func PlanFor(w Wish, names []Candidate) ([]Round, []Skip) {
	p := planner{wish: w, pair: w.After, random: rand.New(rand.NewPCG(w.Seed, 0x2_4)), names: primary(names)}
	var first, late []string
	for _, arm := range Arms() {
		switch {
		case !slices.Contains(w.Arms, arm):
		case isLate(arm):
			late = append(late, arm)
		default:
			first = append(first, arm)
		}
	}
	return append(p.pairs(first, false), p.pairs(late, true)...), p.skipped
}

func isLate(arm string) bool {
	return needsSignatures(arm) && arm != event.ArmFlipped
}

// primary leaves out the names that hold no address, and those that only others lead to.
func primary(names []Candidate) []Candidate {
	led := map[string]bool{}
	for _, n := range names {
		for _, a := range n.Aliases {
			led[a] = true
		}
	}
	var out []Candidate
	for _, n := range names {
		if n.HasAddress && !led[n.Name] {
			out = append(out, n)
		}
	}
	return out
}

type planner struct {
	wish    Wish
	random  *rand.Rand
	names   []Candidate
	skipped []Skip
	pair    int
}

// pairs makes the pairs of some arms.
func (p *planner) pairs(arms []string, late bool) []Round {
	byName := map[string][]string{}
	for _, arm := range arms {
		for _, n := range p.choose(arm) {
			byName[n] = append(byName[n], arm)
		}
	}
	var blocks [][]Round
	for _, n := range p.names {
		for range p.wish.Pairs {
			if len(byName[n.Name]) > 0 {
				blocks = append(blocks, p.block(n.Name, byName[n.Name], late))
			}
		}
	}
	p.random.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	return slices.Concat(blocks...)
}

// choose gives the names that an arm is tried with, and tells why not the others
// that would have had their turn.
func (p *planner) choose(arm string) []string {
	var out []string
	for _, n := range p.names {
		if len(out) >= p.wish.Names {
			return out
		}
		if why := obstacle(arm, n); why != "" {
			p.skip(arm, n.Name, why)
			continue
		}
		out = append(out, n.Name)
	}
	if len(out) == 0 {
		p.skip(arm, "", "no name that it can be tried with")
	}
	return out
}

func (p *planner) skip(arm, name, why string) {
	if len(p.skipped) < skipLimit {
		p.skipped = append(p.skipped, Skip{Arm: arm, Name: name, Why: why})
	}
}

// obstacle says why an arm cannot be tried with a name, or "".
func obstacle(arm string, n Candidate) string {
	if n.Status != resolver.Secure && n.Status != resolver.Insecure && n.Status != resolver.Unvalidated {
		return "the genuine answer does not hold"
	}
	switch {
	case needsSignatures(arm):
		return obstacleSigned(n)
	case arm == event.ArmDSDenial:
		return obstacleDenial(n)
	case arm == event.ArmChain:
		return obstacleChain(n)
	default:
		return ""
	}
}

const sameBytes = "the device does not ask for signatures: both answers of a pair would have the same bytes"

func obstacleSigned(n Candidate) string {
	switch {
	case n.Status != resolver.Secure:
		return "the name is not signed"
	case !n.DO:
		return sameBytes
	case n.Rare:
		return "it is signed with an algorithm that not every validator has"
	default:
		return ""
	}
}

func obstacleDenial(n Candidate) string {
	switch {
	case n.Status != resolver.Insecure:
		return "the name is signed"
	case !n.DO:
		return sameBytes
	case n.Cut == "":
		return "there is no signed proof that the zone is unsigned"
	default:
		return ""
	}
}

func obstacleChain(n Candidate) string {
	switch {
	case n.Status == resolver.Secure && n.DO:
		return "the name is signed, and aliases cannot be"
	case len(hops(n.Name)) == 0:
		return "the name is too long for an alias"
	default:
		return ""
	}
}

// block makes one control and the arms of one pair, in random order. The arms
// that have variants have one round for each.
func (p *planner) block(name string, arms []string, late bool) []Round {
	p.pair++
	out := []Round{{Experiment: p.wish.Experiment, Pair: p.pair, Arm: event.ArmControl, Name: name, Late: late}}
	for _, arm := range arms {
		for _, v := range variants(arm) {
			out = append(out, Round{Experiment: p.wish.Experiment, Pair: p.pair, Arm: arm, Name: name, Variant: v, Late: late})
		}
	}
	p.random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// variants are the ways in which an arm is made, one round each.
func variants(arm string) []string {
	switch arm {
	case event.ArmStray:
		return Mismatches()
	case event.ArmStripped:
		return []string{"", StrippedPath}
	default:
		return []string{""}
	}
}
