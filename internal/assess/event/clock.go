package event

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// NoteClock is the kind of the notes of a time that was told to the device and is not
// the true one.
const NoteClock = "clock"

// ClockNote says which time the box's time server tells the device. From Begun to Ended
// it is Offset seconds ahead of the true one; before and after it is the true one.
type ClockNote struct {
	Phase   Phase         `json:"phase"`
	Offset  int64         `json:"offset"` // seconds, never negative
	From    time.Time     `json:"from"`   // the true time at this moment
	To      time.Time     `json:"to"`     // the time that is told
	Servers []ClockServer `json:"servers,omitempty"`
}

// ClockServer is what a genuine server presented when the box itself looked at it, the
// names that the device used being asked for.
type ClockServer struct {
	Name      string         `json:"name,omitempty"` // asked for; "" for none
	Server    netip.AddrPort `json:"server"`
	Leaf      string         `json:"leaf"` // SHA-256 of the DER, lower-case hexadecimal
	Serial    string         `json:"serial"`
	NotBefore time.Time      `json:"not_before"`
	NotAfter  time.Time      `json:"not_after"`
	// Named says that the leaf is for the name, so that nothing but its end can be
	// wrong with it once the time has moved (RFC 9525).
	Named bool `json:"named"`
}

// ClockShown says what a host takes the time to be, as it wrote in the Date field of an
// HTTP request (RFC 9110 section 6.6.1).
type ClockShown struct{ Time time.Time }

func (ClockShown) body() {}

// Describe is one line for a report.
func (b ClockShown) Describe() string {
	return "dates an HTTP request " + b.Time.UTC().Format(time.RFC3339)
}

// Describe is one line for a report.
func (n ClockNote) Describe() string {
	const day = 86400
	switch n.Phase {
	case Begun:
		return fmt.Sprintf("the box tells a time %d days ahead, %s; %d genuine certificates are known", n.Offset/day, n.To.UTC().Format(time.RFC3339), len(n.Servers))
	case Ended:
		return "the box tells the true time again"
	}
	return "a note about the time"
}

func describeClock(kind string, js []byte) (string, bool) {
	var n ClockNote
	if kind != NoteClock || json.Unmarshal(js, &n) != nil || n.Phase == "" {
		return "", false
	}
	return n.Describe(), true
}
