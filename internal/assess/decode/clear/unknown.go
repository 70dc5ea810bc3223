package clear

import (
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// listener looks through a conversation without reading its protocol.
type listener struct {
	talk
	name string // "" when the protocol is not known
}

// NewUnknown reads a TCP conversation that nothing recognised: it looks for
// exposed data in the first 64 KiB of each side.
func NewUnknown(canaries []string) wire.Stream {
	return newListener(scan.Compile(canaries), "")
}

func newListener(p *scan.Patterns, name string) wire.Stream {
	return &listener{talk: newTalk(p, scan.Budget), name: name}
}

// Data implements wire.Stream.
func (l *listener) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if l.name != "" {
		c.Name(l.name)
		l.name = ""
	}
	l.look(c, from, 0, data, scan.Full)
	if l.scanner.Spent(from) {
		return wire.Step{Consumed: len(data), Next: wire.SideDone}
	}
	return wire.Step{Consumed: len(data)}
}

// Gap implements wire.Stream.
func (l *listener) Gap(_ wire.Context, from event.Side, _ int) { l.scanner.Gap(from) }

// Close implements wire.Stream.
func (l *listener) Close(c wire.Context, from event.Side) { l.endMessage(c, from, 0) }

// datagrams looks through a UDP conversation.
type datagrams struct{ talk }

// NewUnknownDatagram reads a UDP conversation that nothing recognised, as
// NewUnknown does; every datagram is a text of its own.
func NewUnknownDatagram(canaries []string) wire.Datagram {
	return &datagrams{talk: newTalk(scan.Compile(canaries), scan.Budget)}
}

// Packet implements wire.Datagram. Whatever comes is of no known protocol.
func (d *datagrams) Packet(c wire.Context, from event.Side, data []byte) bool {
	if !d.scanner.Spent(from) {
		d.look(c, from, 0, data, scan.Full)
		d.endMessage(c, from, 0)
	}
	return true
}
