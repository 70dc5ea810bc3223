package event

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// NoteClock is the kind of the notes of a time that is told though it is not the true
// one.
const NoteClock = "clock"

// ClockNote says what time the box tells from now on: from Begun to Ended the true one
// with Offset added, to everybody who asks any time server over NTP.
type ClockNote struct {
	Phase  Phase         `json:"phase"`
	Offset time.Duration `json:"offset"` // nanoseconds
	// Servers are the genuine certificates that the box saw when it asked itself; at
	// the told time each has ended.
	Servers []ClockServer `json:"servers,omitempty"`
}

// ClockServer is a TLS server of the device.
type ClockServer struct {
	Name     string         `json:"name,omitempty"` // as asked for, lower case, without the final dot
	Server   netip.AddrPort `json:"server"`
	NotAfter time.Time      `json:"notAfter"`
	Leaf     string         `json:"leaf"` // SHA-256 of the leaf certificate, lower-case hex
}

// ClockShown says what a host takes the time to be, as it wrote in the Date field of an
// HTTP request (RFC 9110 section 6.6.1).
type ClockShown struct{ Time time.Time }

func (ClockShown) body() {}

// Describe is one line for a report.
func (b ClockShown) Describe() string {
	return "dates an HTTP request " + b.Time.UTC().Format(time.RFC3339)
}

// describeClock puts such a note into words.
func describeClock(kind string, js []byte) (string, bool) {
	var n ClockNote
	if kind != NoteClock || json.Unmarshal(js, &n) != nil || n.Phase == "" {
		return "", false
	}
	if n.Phase == Ended {
		return "the box tells the true time again", true
	}
	return fmt.Sprintf("the box tells a time %d days ahead; %d genuine certificates have ended by then", int(n.Offset/(24*time.Hour)), len(n.Servers)), true
}
