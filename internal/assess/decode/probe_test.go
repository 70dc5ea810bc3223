package decode

import (
	"bytes"
	"fmt"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// probe is a reader that keeps what it is shown.
type probe struct {
	got    [2]bytes.Buffer
	log    []string
	step   func(p *probe, from event.Side, data []byte) wire.Step
	closed [2]int
}

// Data implements wire.Stream.
func (p *probe) Data(_ wire.Context, from event.Side, data []byte) wire.Step {
	if p.step != nil {
		return p.step(p, from, data)
	}
	p.got[from].Write(data)
	return wire.Step{Consumed: len(data)}
}

// Gap implements wire.Stream.
func (p *probe) Gap(_ wire.Context, from event.Side, n int) {
	p.log = append(p.log, fmt.Sprintf("gap %s %d after %d", from, n, p.got[from].Len()))
}

// Close implements wire.Stream.
func (p *probe) Close(_ wire.Context, from event.Side) { p.closed[from]++ }

// readBy makes the probe the reader of every TCP conversation.
func (r *recorder) readBy(p *probe) {
	r.protocols.streams = []wire.StreamKind{{
		Name:      "probe",
		Recognise: func(wire.Conn, event.Side, []byte) wire.Match { return wire.Yes },
		New:       func() wire.Stream { return p },
	}}
}
