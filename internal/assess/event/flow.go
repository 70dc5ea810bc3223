package event

import (
	"fmt"
	"net/netip"
	"time"
)

// AddressUsed says that a host sent its first packet from an IP address.
type AddressUsed struct {
	Addr netip.Addr
}

// FlowStarted says that a conversation's first packet was seen.
type FlowStarted struct {
	Transport Transport // TCP or UDP
	// Midway is true when the first packet seen was not the conversation's
	// beginning (TCP without a SYN).
	Midway bool
	// Guessed says that nothing but ports and addresses tells who is the client.
	Guessed bool
}

// FlowEstablished says that the server answered: SYN-ACK for TCP, a first
// datagram in return for UDP.
type FlowEstablished struct {
	Transport Transport
	After     time.Duration // since the conversation's first packet
	Guessed   bool          // as in FlowStarted
}

// FlowEnded sums a conversation up. It comes once, when the conversation is
// closed, falls silent for long, or the log ends.
type FlowEnded struct {
	Transport Transport
	How       Ending
	// Protocol is the application protocol that was recognised by content, in
	// lower case ("tls", "http", "dns", "mqtt", ...), or "" when none was.
	Protocol string
	Started  time.Time
	// Established as in FlowEstablished.
	Established bool
	// Guessed as in FlowStarted, unless what was said told who is the client; then
	// it may be the other one than FlowStarted said.
	Guessed bool
	Client  Half
	Server  Half
}

// Half is what one side of a conversation sent.
type Half struct {
	Packets uint64
	Bytes   uint64 // transport payload bytes on the wire
	Missing uint64 // payload bytes that the log does not hold
	// Content is what the first readable bytes look like; zero for protocols
	// that were recognised.
	Content Content
}

// Content measures unrecognised payload, over at most the first 16 KiB.
type Content struct {
	Bytes     int     // how many bytes were measured
	Entropy   float64 // bits per byte, 0 to 8
	Printable float64 // share of printable ASCII, 0 to 1
	ChiSquare float64 // against the uniform distribution, 255 degrees of freedom
	// Repeats is how many aligned 16-byte blocks occurred before: what a block
	// cipher in ECB mode does to repeated plaintext.
	Repeats int
	// Media names a compressed or media format whose header was recognised
	// ("jpeg", "gzip", "h264", ...): such bytes look encrypted and are not.
	Media string
	// Head is the first bytes, at most 32, for the reader of the report.
	Head []byte
}

// Ending is how a conversation ended.
type Ending uint8

// The ways a conversation ends.
const (
	EndedByLog     Ending = iota // the log ended while it was open
	EndedByClose                 // FIN from both sides
	EndedByReset                 // RST
	EndedBySilence               // nothing for the time-out of its transport
	EndedByLimit                 // pushed out of a bounded table
)

// String is a short phrase.
func (e Ending) String() string {
	return [...]string{"open when the log ended", "closed", "reset", "fell silent", "no longer followed"}[min(int(e), 4)]
}

// Malformed says that bytes did not follow their protocol. Only the first few of
// each kind per host are events; Counted on the capture tells the rest.
type Malformed struct {
	Layer string // "ipv4", "tcp", "dns", "tls", ...
	Why   string
}

// ICMPError is an ICMP or ICMPv6 error about an earlier packet.
type ICMPError struct {
	V6         bool
	Type, Code uint8
	MTU        uint32         // for Packet Too Big and Fragmentation Needed
	From       netip.Addr     // source of the packet complained about; invalid where the quotation is too short
	About      netip.AddrPort // destination of that packet
}

// NoteSeen is a note of the box itself, handed on as it stands.
type NoteSeen struct {
	Kind string
	JSON []byte
}

// FramesLost says that the capture itself missed frames.
type FramesLost struct {
	Dropped uint64
}

func (AddressUsed) body()     {}
func (FlowStarted) body()     {}
func (FlowEstablished) body() {}
func (FlowEnded) body()       {}
func (Malformed) body()       {}
func (ICMPError) body()       {}
func (NoteSeen) body()        {}
func (FramesLost) body()      {}

// Describe is one line for a report.
func (b AddressUsed) Describe() string { return "uses address " + b.Addr.String() }

// Describe is one line for a report.
func (b FlowStarted) Describe() string {
	if b.Midway {
		return b.Transport.String() + " conversation, joined midway"
	}
	return b.Transport.String() + " conversation opened"
}

// Describe is one line for a report.
func (b FlowEstablished) Describe() string {
	return fmt.Sprintf("%s answered after %s", b.Transport, b.After.Round(time.Microsecond))
}

// Describe is one line for a report.
func (b FlowEnded) Describe() string {
	name := b.Protocol
	if name == "" {
		name = "unrecognised protocol"
	}
	return fmt.Sprintf("%s conversation (%s) %s: client sent %d bytes, server %d bytes",
		b.Transport, name, b.How, b.Client.Bytes, b.Server.Bytes)
}

// Describe is one line for a report.
func (b Malformed) Describe() string { return "malformed " + b.Layer + ": " + Clean(b.Why) }

// Describe is one line for a report.
func (b ICMPError) Describe() string {
	name := "ICMP"
	if b.V6 {
		name = "ICMPv6"
	}
	return fmt.Sprintf("%s error type %d code %d about %s", name, b.Type, b.Code, b.About)
}

// Describe is one line for a report.
func (b NoteSeen) Describe() string {
	if text, ok := describeNote(b.Kind, b.JSON); ok {
		return text
	}
	return "note " + Clean(b.Kind) + " " + Clean(string(b.JSON))
}

// Describe is one line for a report.
func (b FramesLost) Describe() string {
	return fmt.Sprintf("the capture lost %d frames", b.Dropped)
}
