package fault

import (
	"encoding/json"
	"maps"
	"slices"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/resolver"
)

// stateWord is how a note names what the box found of an answer.
func stateWord(s resolver.Status) string {
	switch s {
	case resolver.Secure:
		return "secure"
	case resolver.Insecure:
		return "insecure"
	case resolver.Bogus:
		return "bogus"
	default:
		return "indeterminate"
	}
}

// noteArm tells that a round begins or ends. The caller holds mu.
func (c *Conductor) noteArm(r Round, phase event.Phase, why string) {
	names := []string{r.Name} // first, and its aliases
	if c.round != nil {
		others := maps.Clone(c.round.names)
		delete(others, r.Name)
		names = append(names, slices.Sorted(maps.Keys(others))...)
	}
	c.tell(event.NoteArm, event.ArmNote{Experiment: r.Experiment, Pair: r.Pair, Arm: r.Arm, Names: names, Phase: phase, Why: why})
}

// noteAnswer tells of one answer before it leaves; it says no when the round is over.
func (c *Conductor) noteAnswer(r *running, arm string, asked resolver.Asked, out reply, id uint16) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.round != r {
		return false
	}
	switch {
	case arm == event.ArmControl:
		r.outcome.Control++
		c.counts.Control++
	case out.changed:
		r.outcome.Changed++
		c.counts.Changed++
	default:
		r.outcome.Kept++
		c.counts.Kept++
	}
	if r.notes++; r.notes > noteLimit {
		c.counts.Unnoted++
		return true
	}
	n := faulted(r, arm, asked, id)
	n.Canary, n.Made = out.canary, out.made
	n.Unchanged = arm != event.ArmControl && !out.changed
	c.tell(event.NoteFaulted, n)
	return true
}

func faulted(r *running, arm string, asked resolver.Asked, id uint16) event.FaultedNote {
	return event.FaultedNote{
		Pair: r.Pair, Arm: arm, Client: asked.Client, Resolver: asked.Server, ID: id, Name: asked.Name, Type: asked.Type,
		DO: asked.DO, CD: asked.CD, State: stateWord(asked.Status),
	}
}

// unsent takes the note of a stray message back.
func (c *Conductor) unsent(r *running, asked resolver.Asked, id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Failed++
	if c.round != r {
		return
	}
	n := faulted(r, r.Arm, asked, id)
	n.Unchanged, n.Made = true, "the message could not be sent"
	c.tell(event.NoteFaulted, n)
}

func (c *Conductor) tell(kind string, body any) {
	b, err := json.Marshal(body)
	if err != nil { // the bodies are plain structs
		return
	}
	c.cfg.Note(evidence.Note{Kind: kind, Body: b})
}
