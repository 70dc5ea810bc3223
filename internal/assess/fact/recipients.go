package fact

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

func recipientSchema() []Decl {
	return []Decl{
		{"recipients.count", Int, "different internet destinations that the device exchanged payload with, by name where one was seen, network services left out"},
		{"recipients.named", Int, "of recipients.count, those whose name was seen"},
		{"recipients.bytes", Int, "payload bytes exchanged with them, both directions"},
		{"recipients.list", List, "each destination with its bytes, the largest first"},
	}
}

// Limits of what is remembered about destinations.
const (
	recipientNames = 1024 // addresses with the name that was asked for them
	recipientLimit = 512  // destinations told apart
)

// recipientLens sums up who exchanges data with the device.
type recipientLens struct {
	names map[netip.Addr]string     // by the device's own questions
	hello map[event.FlowID]string   // by server name or Host header
	sums  map[string]*recipientLine // by name or address
	all   Because
	bytes uint64
}

type recipientLine struct {
	name  string
	named bool
	bytes uint64
}

func (*recipientLens) wants() wanted {
	return wanted{
		Actor: {event.DNSAnswered{}, event.ClientHello{}, event.HTTPRequest{}, event.FlowEnded{}},
	}
}

func (l *recipientLens) see(w *world, ev *sighting, role Role) {
	if role != Actor {
		return
	}
	switch b := ev.Body.(type) {
	case event.DNSAnswered:
		l.seeAnswer(b)
	case event.ClientHello:
		l.seeHello(ev.Flow, b.SNI)
	case event.HTTPRequest:
		host, _, _ := strings.Cut(b.Host, ":")
		l.seeHello(ev.Flow, host)
	case event.FlowEnded:
		l.end(w, ev, b)
	}
}

func (l *recipientLens) seeAnswer(b event.DNSAnswered) {
	if b.Kind != event.DNSUnicast {
		return
	}
	if l.names == nil {
		l.names = map[netip.Addr]string{}
	}
	for _, r := range b.Records {
		if r.Addr.IsValid() && len(l.names) < recipientNames {
			l.names[r.Addr.Unmap()] = strings.TrimSuffix(b.Name, ".")
		}
	}
}

func (l *recipientLens) seeHello(flow event.FlowID, name string) {
	if l.hello == nil {
		l.hello = map[event.FlowID]string{}
	}
	if name != "" && len(l.hello) < openLimit {
		l.hello[flow] = strings.TrimSuffix(strings.ToLower(name), ".")
	}
}

func (l *recipientLens) end(w *world, ev *sighting, b event.FlowEnded) {
	name, named := l.hello[ev.Flow]
	delete(l.hello, ev.Flow)
	to := ev.Server.Addr().Unmap()
	size := b.Client.Bytes + b.Server.Bytes
	if size == 0 || w.scope(to) != ScopeInternet || protocolKinds[b.Protocol] == clearNetwork || !w.isOwnEnd(ev.Client.Addr()) {
		return
	}
	if !named {
		name, named = l.names[to]
	}
	if !named {
		name = to.String()
	}
	l.all.See(ev)
	l.bytes += size
	l.add(name, named, size)
}

func (l *recipientLens) add(name string, named bool, size uint64) {
	if l.sums == nil {
		l.sums = map[string]*recipientLine{}
	}
	line, ok := l.sums[name]
	if !ok {
		if len(l.sums) >= recipientLimit {
			return
		}
		line = &recipientLine{name: event.Clean(name), named: named}
		l.sums[name] = line
	}
	line.bytes += size
}

func (l *recipientLens) state(_ *world, out *Sheet) {
	lines := make([]recipientLine, 0, len(l.sums))
	named := 0
	for _, line := range l.sums {
		lines = append(lines, *line)
		if line.named {
			named++
		}
	}
	slices.SortFunc(lines, func(a, b recipientLine) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), strings.Compare(a.name, b.name))
	})
	var list []string
	for _, line := range lines {
		list = append(list, fmt.Sprintf("%s (%d bytes)", line.name, line.bytes))
	}
	out.Int("recipients.count", len(lines), l.all)
	out.Int("recipients.named", named, l.all)
	out.Int("recipients.bytes", int(l.bytes), l.all)
	out.List("recipients.list", list, l.all)
}
