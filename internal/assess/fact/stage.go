package fact

import (
	"encoding/json"
	"time"

	"assay/internal/assess/event"
)

// The networks that the box may offer, as its notes name them.
const (
	netIPv4   = "N1" // IPv4 only: the baseline
	netDual   = "N2" // dual stack
	netIPv6   = "N3" // IPv6 only, with NAT64 and DNS64
	netInfo   = "N4" // IPv6 only, with stateless DHCPv6
	netLease  = "N5" // IPv6 only, with stateful DHCPv6
	netMostly = "N6" // dual stack that offers to do without IPv4
	netBroken = "N7" // dual stack whose IPv6 leads nowhere
	netStrict = "N8" // IPv6 only without NAT64
)

// The notes that tell which network is offered and how the way to the internet is.
const (
	noteNetwork = "network"
	noteUplink  = "uplink"
)

// stage is which network is offered. The zero value is a log that does not say it.
type stage struct {
	code  string    // "N1" to "N8", "" when nobody said
	turn  int       // grows with each change
	since time.Time // of the last change
	down  bool      // the box has no way to the internet
	step  int       // steps of a plan that began in this network with a fresh start
}

// see takes a note. One that cannot be read, or names no network, changes nothing.
func (s *stage) see(at time.Time, b event.NoteSeen) {
	switch b.Kind {
	case noteNetwork:
		var n struct{ Offered string }
		if json.Unmarshal(b.JSON, &n) == nil {
			s.change(at, n.Offered)
		}
	case event.NoteStep:
		var n event.StepNote
		if json.Unmarshal(b.JSON, &n) == nil && n.Phase == event.Begun {
			s.seeStep(at, n)
		}
	case noteUplink:
		var n struct{ Up *bool }
		if json.Unmarshal(b.JSON, &n) == nil && n.Up != nil {
			s.down = !*n.Up
		}
	}
}

func (s *stage) seeStep(at time.Time, n event.StepNote) {
	s.change(at, n.Network)
	switch n.Fresh {
	case "relay", "link", "operator":
		s.step++
	}
}

func (s *stage) change(at time.Time, code string) {
	if len(code) != 2 || code < netIPv4 || code > netStrict || code == s.code {
		return
	}
	*s = stage{code: code, turn: s.turn + 1, since: at, down: s.down}
}

// lacksIPv4 says that the network is known to have no IPv4.
func (s *stage) lacksIPv4() bool {
	return s.code == netIPv6 || s.code == netInfo || s.code == netLease || s.code == netStrict
}

// isDual says that both IPv4 and IPv6 are there as far as is known, so that what a
// device chooses says something about the device.
func (s *stage) isDual() bool { return s.code == "" || s.code == netDual }
