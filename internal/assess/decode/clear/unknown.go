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

// Unknown makes readers for conversations that nothing recognised: they look for
// exposed data in the first 64 KiB of each side. One Unknown serves one decoder.
type Unknown struct{ patterns *scan.Patterns }

// NewUnknown prepares to look for the canaries and everything else.
func NewUnknown(canaries []string) Unknown { return Unknown{scan.Compile(canaries)} }

// Stream reads one TCP conversation.
func (u Unknown) Stream() wire.Stream { return newListener(u.patterns, "") }

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

// Datagram reads one UDP conversation; every datagram is a text of its own.
func (u Unknown) Datagram() wire.Datagram {
	return &datagrams{talk: newTalk(u.patterns, scan.Budget)}
}

// Packet implements wire.Datagram. Whatever comes is of no known protocol.
func (d *datagrams) Packet(c wire.Context, from event.Side, data []byte) bool {
	if !d.scanner.Spent(from) {
		d.look(c, from, 0, data, scan.Full)
		d.endMessage(c, from, 0)
	}
	return true
}
