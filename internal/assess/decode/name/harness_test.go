package name

import (
	"fmt"
	"net/netip"
	"time"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// tape is a Context that writes down what a reader reports.
type tape struct {
	conn   wire.Conn
	now    time.Time
	ref    event.Ref
	bodies []event.Body
	offs   []int
	name   string
}

func (t *tape) Conn() wire.Conn { return t.conn }
func (t *tape) Now() time.Time  { return t.now }
func (t *tape) Ref() event.Ref  { return t.ref }
func (t *tape) Emit(off int, b event.Body) {
	t.bodies = append(t.bodies, b)
	t.offs = append(t.offs, off)
}
func (t *tape) Name(n string) { t.name = n }
func (t *tape) at(ref event.Ref, ms int64) {
	t.ref, t.now = ref, time.UnixMilli(1_700_000_000_000+ms).UTC()
}
func udp(client, server uint16) *tape { return newTape(event.UDP, client, server) }
func tcp(client, server uint16) *tape { return newTape(event.TCP, client, server) }
func (t *tape) recognise(k wire.DatagramKind, from event.Side, data []byte) wire.Match {
	return k.Recognise(t.conn, from, data)
}

func newTape(tr event.Transport, client, server uint16) *tape {
	t := &tape{conn: wire.Conn{
		Flow: 1, Transport: tr,
		Device:     event.HostByAddr(netip.MustParseAddr("192.0.2.10")),
		Peer:       event.HostByAddr(netip.MustParseAddr("192.0.2.1")),
		ClientPort: client, ServerPort: server,
	}}
	t.at(1, 0)
	return t
}

// lines is one line for each report, in full, for golden files.
func (t *tape) lines() []string {
	var out []string
	for i, b := range t.bodies {
		out = append(out, fmt.Sprintf("@%d %T %+v", t.offs[i], b, b))
	}
	return out
}
