package fact

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
)

const (
	yearOn   = 400 * 24 * time.Hour
	timeEnds = "192.168.1.9:123"
	timeBox  = "192.168.1.1:123"
)

// later lets the box tell a later time, for one server whose certificate ends after the
// given time from now; 0 puts it right.
func (s *netScene) later(offset, end time.Duration) *netScene {
	n := event.ClockNote{Phase: event.Ended}
	if offset > 0 {
		n = event.ClockNote{Phase: event.Begun, Offset: offset, Servers: []event.ClockServer{{
			Name: "cloud.example", Server: netip.MustParseAddrPort(cloud4), NotAfter: s.at.Add(end),
		}}}
	}
	b, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return s.says(event.NoteClock, string(b))
}

// asksTime lets the device ask, with its own time so much later than the true one, and
// be answered with another.
func (s *netScene) asksTime(own, told time.Duration) *netScene {
	s.tell(cam, event.TimeAsked{Mode: 3, Transmit: s.at.Add(own)}, timeEnds, timeBox)
	return s.tell(cam, event.TimeAnswered{Mode: 4, Transmit: s.at.Add(told)}, timeEnds, timeBox)
}

// connects lets the device begin TLS, and send data or none.
func (s *netScene) connects(hello event.ClientHello, data bool) *netScene {
	if data {
		return s.sends(hello, event.ServerHello{Version: 0x0304}, 400, 900)
	}
	return s.sends(hello, event.ServerHello{Version: 0x0304}, 19, 540) // an alert
}

// resumes lets the device go on with an older session.
func (s *netScene) resumes() *netScene {
	return s.sends(event.ClientHello{PSKOffered: true}, event.ServerHello{Version: 0x0304, PSK: true}, 400, 900)
}

// sends is a TLS connection with a record of so many bytes, and so many bytes in all.
func (s *netScene) sends(hello event.ClientHello, answer event.ServerHello, length int, sum uint64) *netScene {
	hello.Transport = event.TCP
	hello.HasSNI, hello.SNI = true, "cloud.example"
	s.flow = event.FlowID(s.ref + 1)
	defer func() { s.flow = 0 }()
	s.tell(cam, event.FlowStarted{Transport: event.TCP}, fromV4, cloud4).tell(cam, hello, fromV4, cloud4)
	s.tell(cam, answer, fromV4, cloud4).tell(cam, event.TLSAppData{From: event.FromClient, Length: length}, fromV4, cloud4)
	half := event.Half{Packets: 4, Bytes: sum}
	return s.tell(cam, event.FlowEnded{Transport: event.TCP, How: event.EndedByClose, Protocol: "tls", Established: true, Client: half, Server: half}, fromV4, cloud4)
}

// dates is connects with a hello that tells the device's own time.
func (s *netScene) dates(own time.Duration, data bool) *netScene {
	return s.connects(event.ClientHello{Time: uint32(s.at.Add(own).Unix())}, data)
}

func TestALaterTime(t *testing.T) {
	const day = 24 * time.Hour
	hello := event.ClientHello{}
	begun := func() *netScene { return newNetScene().joins().connects(hello, true).later(yearOn, 90*day) }
	adopted := func() *netScene { return begun().asksTime(0, yearOn).asksTime(yearOn, yearOn) }
	for name, c := range map[string]struct {
		s                                                     *netScene
		adopted, kept, ends, accepted, refused, backed, early int
	}{
		"refused":                          {adopted().connects(hello, false).later(0, 0).connects(hello, true), 1, 0, 1, 0, 1, 1, 0},
		"refused, and never works again":   {adopted().connects(hello, false).later(0, 0).connects(hello, false), 1, 0, 1, 0, 1, 0, 0},
		"accepted":                         {adopted().connects(hello, true).later(0, 0), 1, 0, 1, 1, 0, 0, 0},
		"accepted at times":                {adopted().connects(hello, false).connects(hello, true).later(0, 0), 1, 0, 1, 1, 0, 0, 0},
		"a handshake alone":                {adopted().sends(hello, event.ServerHello{Version: 0x0304}, 58, 620).later(0, 0), 1, 0, 1, 0, 0, 0, 0},
		"a handshake alone in TLS 1.2":     {adopted().sends(hello, event.ServerHello{Version: 0x0303}, 58, 620).later(0, 0), 1, 0, 1, 1, 0, 0, 0},
		"it puts its clock right":          {adopted().asksTime(0, yearOn).connects(hello, true), 1, 1, 0, 0, 0, 0, 1},
		"an older session is resumed":      {adopted().resumes().later(0, 0), 1, 0, 0, 0, 0, 0, 0},
		"the time is not taken":            {begun().asksTime(0, yearOn).asksTime(0, yearOn).connects(hello, true), 0, 1, 0, 0, 0, 0, 1},
		"the time is not told":             {begun().asksTime(0, yearOn).asksTime(77*day, yearOn).connects(hello, true), 0, 0, 0, 0, 0, 0, 1},
		"its hello tells the time":         {newNetScene().joins().dates(0, true).later(yearOn, 90*day).asksTime(77*day, yearOn).dates(yearOn, true), 1, 0, 1, 1, 0, 0, 0},
		"its hello is chance":              {newNetScene().joins().dates(5*day, true).later(yearOn, 90*day).asksTime(77*day, yearOn).dates(yearOn, true), 0, 0, 0, 0, 0, 0, 1},
		"its request is dated":             {begun().asksTime(77*day, yearOn).tell(cam, event.ClockShown{Time: newNetScene().at.Add(yearOn)}).connects(hello, true), 1, 0, 1, 1, 0, 0, 0},
		"it was restarted since":           {adopted().wait(time.Hour).joins().connects(hello, true).later(0, 0), 1, 0, 0, 0, 0, 0, 1},
		"the certificate holds even then":  {newNetScene().joins().later(yearOn, 500*day).asksTime(0, yearOn).asksTime(yearOn, yearOn).connects(hello, true), 1, 0, 0, 0, 0, 0, 0},
		"the true time again, and it asks": {adopted().later(0, 0).asksTime(yearOn, 0).connects(hello, true), 1, 0, 0, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, c.s.sheet(), map[string]any{
				"clock.adopted": int64(c.adopted), "clock.kept": int64(c.kept), "clock.ends": int64(c.ends), "clock.accepted": int64(c.accepted),
				"clock.refused": int64(c.refused), "clock.backed": int64(c.backed), "clock.unshown": int64(c.early),
			})
		})
	}
}

// TestALaterTimeThatWasOnlyNoted says nothing: no packet told it.
func TestALaterTimeThatWasOnlyNoted(t *testing.T) {
	s := newNetScene().joins().later(yearOn, time.Hour).asksTime(yearOn, 0).connects(event.ClientHello{}, true).sheet()
	if _, known := s.Get("clock.adopted"); known {
		t.Error("a note alone counts")
	}
}
