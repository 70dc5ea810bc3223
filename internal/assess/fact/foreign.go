package fact

import (
	"fmt"
	"slices"

	"assay/internal/assess/event"
)

// foreignFlowLimit bounds the streams of one host that are remembered for a named
// certificate.
const foreignFlowLimit = 4096

// foreignKinds are the flaws that a certificate alone can have, with the words that
// their facts carry.
func foreignKinds() []forgedKind {
	return slices.DeleteFunc(forgedKinds(), func(k forgedKind) bool {
		return k.code == event.CaseTLS10 || k.code == event.CaseTLS11
	})
}

// ForeignCases are the flaws for which the certificate of an interception that was
// made with another tool may be named.
func ForeignCases() []string {
	var out []string
	for _, k := range foreignKinds() {
		out = append(out, k.code)
	}
	return out
}

func foreignSchema() []Decl {
	var out []Decl
	for _, k := range foreignKinds() {
		key := "foreign." + k.word
		out = append(out,
			Decl{key + "_streams", Int, "TLS 1.2 or older streams of the device in which the server presented a certificate that the operator named as " + k.what + " of another tool; 0 when none was named"},
			Decl{key + "_accepted", Int, "of these, those in which the device sent application data after both ChangeCipherSpec"},
			Decl{key + "_accepted_names", List, "the far ends of these streams, with how many of how many were accepted"},
		)
	}
	return out
}

// foreignLens applies the acceptance rule for stored captures: in TLS 1.2 and older
// the leaf is readable, and a record of application data after both sides changed
// keys shows that the client accepted it. In TLS 1.3 the leaf is hidden and the first
// such records may be handshake messages, so that nothing is concluded.
type foreignLens struct {
	flows map[event.FlowID]*foreignFlow
	order []*foreignFlow
}

// foreignFlow is a stream with a readable leaf.
type foreignFlow struct {
	dest tlsEnd
	leaf string // SHA-256
	by   *event.Event
	data *event.Event // application data of the client after both ChangeCipherSpec
}

func (*foreignLens) wants() wanted {
	return wanted{Actor: {event.ClientHello{}, event.Certificates{}, event.TLSAppData{}}}
}

func (l *foreignLens) see(_ *world, ev *sighting, role Role) {
	if role != Actor || ev.Flow == 0 {
		return
	}
	f := l.flows[ev.Flow]
	if b, ok := ev.Body.(event.ClientHello); ok && f == nil {
		l.begin(ev, b)
	}
	if f != nil {
		f.see(ev)
	}
}

// see takes what follows the hello: the server's first chain, and data of the client.
func (f *foreignFlow) see(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.Certificates:
		if f.leaf == "" && b.From == event.FromServer && len(b.Chain) > 0 {
			f.leaf, f.by = b.Chain[0].SHA256, ev.keep()
		}
	case event.TLSAppData:
		if f.data == nil && b.From == event.FromClient && b.AfterBoth {
			f.data = ev.keep()
		}
	}
}

func (l *foreignLens) begin(ev *sighting, b event.ClientHello) {
	if len(l.order) >= foreignFlowLimit || b.Transport != event.TCP {
		return
	}
	if l.flows == nil {
		l.flows = map[event.FlowID]*foreignFlow{}
	}
	f := &foreignFlow{dest: addrEnd(unmapped(ev.Server))}
	if b.HasSNI && b.SNI != "" {
		f.dest.name = event.Clean(plainName(b.SNI))
	}
	l.flows[ev.Flow] = f
	l.order = append(l.order, f)
}

func (l *foreignLens) state(w *world, out *Sheet) {
	for _, k := range foreignKinds() {
		var sum foreignSum
		for _, f := range l.order {
			if f.leaf != "" && w.closing.Intercepted[f.leaf] == k.code {
				sum.add(f)
			}
		}
		out.Int("foreign."+k.word+"_streams", sum.streams.Seen(), sum.streams)
		out.Int("foreign."+k.word+"_accepted", sum.count, sum.accepted)
		out.List("foreign."+k.word+"_accepted_names", sum.names(), sum.accepted)
	}
}

// foreignSum is what the streams with one flaw show.
type foreignSum struct {
	streams, accepted Because // of an accepted stream its leaf and its data
	count             int     // accepted
	tried, taken      map[tlsEnd]int
}

func (s *foreignSum) add(f *foreignFlow) {
	if s.tried == nil {
		s.tried, s.taken = map[tlsEnd]int{}, map[tlsEnd]int{}
	}
	s.streams.Add(f.by)
	s.tried[f.dest]++
	if f.data != nil {
		s.accepted.Add(f.by)
		s.accepted.Add(f.data)
		s.taken[f.dest]++
		s.count++
	}
}

func (s *foreignSum) names() []string {
	var out []string
	for e, n := range s.taken {
		out = append(out, fmt.Sprintf("%s (%d of %d)", e, n, s.tried[e]))
	}
	slices.Sort(out)
	return out
}
