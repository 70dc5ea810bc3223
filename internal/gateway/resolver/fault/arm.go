package fault

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/gateway/resolver"
)

// Arms lists the faults, those that are tried first in front.
func Arms() []string {
	return []string{
		event.ArmFlipped, event.ArmDSDenial, event.ArmStripped, event.ArmWrongKey, event.ArmExpired, event.ArmNXDomain,
		event.ArmServfail, event.ArmTruncate, event.ArmLarge, event.ArmChain, event.ArmDrop, event.ArmStray,
	}
}

// needsSignatures says which arms show only in an answer with signatures.
func needsSignatures(arm string) bool {
	switch arm {
	case event.ArmFlipped, event.ArmStripped, event.ArmWrongKey, event.ArmExpired, event.ArmNXDomain:
		return true
	default:
		return false
	}
}

// reply is what becomes of an answer.
type reply struct {
	msg     *dns.Msg // nil: none
	changed bool
	made    string // in which way; of one that was not changed, why
	stray   *Packet
	canary  canary
}

func kept(m *dns.Msg, why string) reply { return reply{msg: m, made: why} }

// within answers in a round.
func (c *Conductor) within(ctx context.Context, r *running, asked resolver.Asked, genuine *dns.Msg) *dns.Msg {
	hit := c.covers(r, asked, genuine)
	if !isAddress(asked.Type) {
		return c.beside(ctx, r, asked, genuine)
	}
	arm, out := r.Arm, reply{msg: genuine.Copy()}
	switch {
	case !hit || r.Arm == event.ArmControl:
		arm = event.ArmControl
	case r.Arm == event.ArmDSDenial:
		out.made = "the denial of DS is what is damaged"
	default:
		out = c.attack(ctx, r, asked, out.msg)
	}
	return c.leave(ctx, r, arm, asked, out, genuine)
}

// beside answers a question for something else than an address: the proof that there
// is no DS is among them.
func (c *Conductor) beside(ctx context.Context, r *running, asked resolver.Asked, genuine *dns.Msg) *dns.Msg {
	out := reply{msg: genuine.Copy()}
	damaged := r.Arm == event.ArmDSDenial && c.above(r, asked.Name) && deny(asked, &out) ||
		r.Variant == StrippedPath && c.above(r, asked.Name) && bare(asked, &out)
	if damaged {
		return c.leave(ctx, r, r.Arm, asked, out, genuine)
	}
	shorten(genuine)
	return genuine
}

// covers says that a question is for the attacked name or for one of its aliases,
// and learns those.
func (c *Conductor) covers(r *running, asked resolver.Asked, genuine *dns.Msg) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked.Name == r.Name {
		r.extend(chainOf(genuine, r.Name))
	}
	if !r.names[asked.Name] {
		return false
	}
	if !r.noticed && isAddress(asked.Type) && c.round == r {
		r.noticed, r.outcome.Asked = true, true
		close(r.asked)
	}
	return true
}

// above says that a name is the attacked name, an alias of it, or above one of them.
func (c *Conductor) above(r *running, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range r.names {
		if dns.IsSubDomain(name, n) {
			return true
		}
	}
	return false
}

// deny damages the proof in a negative answer that was validated.
func deny(asked resolver.Asked, out *reply) bool {
	if !asked.DO || !deniesDS(asked.Status, out.msg) || !flipDenial(out.msg) {
		return false
	}
	out.changed, out.made = true, "signatures over the denial"
	return true
}

// bare leaves the signatures out of an answer that holds.
func bare(asked resolver.Asked, out *reply) bool {
	holds := asked.Status == resolver.Secure || asked.Status == resolver.Insecure
	if !asked.DO || !holds || !strip(out.msg) {
		return false
	}
	out.changed, out.made = true, onThePath
	return true
}

// onThePath is how a note tells of an answer of StrippedPath.
const onThePath = "signatures left out of every answer on the way to the name"

// deniesDS says that a negative answer proves something: its denial is secure, or it
// says by opt-out that there may be an unsigned zone (RFC 5155 section 6).
func deniesDS(status resolver.Status, m *dns.Msg) bool {
	if status == resolver.Secure {
		return true
	}
	return status == resolver.Insecure && slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
		n, ok := rr.(*dns.NSEC3)
		return ok && n.Flags&1 != 0
	})
}

// attack makes the fault of the round in the answer for an address.
func (c *Conductor) attack(ctx context.Context, r *running, asked resolver.Asked, m *dns.Msg) reply {
	switch asked.Status {
	case resolver.Secure:
	case resolver.Insecure, resolver.Unvalidated:
		if needsSignatures(r.Arm) {
			return kept(m, "the name is not signed")
		}
	default:
		return kept(m, "the genuine answer does not hold")
	}
	if needsSignatures(r.Arm) {
		if !asked.DO {
			return kept(m, "no signatures were asked for")
		}
		out := c.unsign(r.Arm, m)
		if out.changed && r.Variant == StrippedPath {
			out.made = onThePath
		}
		return out
	}
	return c.reshape(ctx, r, asked, m)
}

// unsign makes the faults in signatures.
func (c *Conductor) unsign(arm string, m *dns.Msg) reply {
	out := reply{msg: m}
	switch arm {
	case event.ArmFlipped:
		out.changed = flipAll(m)
	case event.ArmStripped:
		out.changed = strip(m)
	case event.ArmWrongKey:
		out.changed, out.made = c.keys.forge(m)
	case event.ArmExpired:
		out.changed, out.made = c.seen.expire(m, uint32(c.cfg.Now().Unix()))
	case event.ArmNXDomain:
		refuse(m, dns.RcodeNameError)
		out.changed = true
	}
	if !out.changed {
		out.made = "no signature over an address in it"
	}
	return out
}

// leave notes an answer, and lets it go. What the round's end overtook leaves as it
// was.
func (c *Conductor) leave(ctx context.Context, r *running, arm string, asked resolver.Asked, out reply, genuine *dns.Msg) *dns.Msg {
	shorten(genuine)
	if !c.noteAnswer(r, arm, asked, out, genuine.Id) {
		return genuine
	}
	if out.stray != nil {
		if err := c.cfg.Send(ctx, *out.stray); err != nil {
			c.unsent(r, asked, genuine.Id)
		}
	}
	if out.msg != nil {
		shorten(out.msg)
	}
	return out.msg
}
