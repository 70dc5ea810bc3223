// Package wire is the contract inside decode: how the transport side (frames,
// addresses, conversations, reassembly) hands bytes to the readers of
// application protocols, and how these report what they recognised.
//
// It owns no protocol. A reader must not keep the bytes it is shown, must not
// grow without bound, and must never panic on anything it is fed.
package wire

import (
	"time"

	"assay/internal/assess/event"
)

// Context is what a reader may know about the conversation it reads, and where
// it reports. The decoder implements it.
type Context interface {
	// Conn tells the ends of the conversation.
	Conn() Conn
	// Now is the time of the packet being read, Ref its evidence number.
	Now() time.Time
	Ref() event.Ref
	// Emit reports body, whose bytes began at offset off of the data that the
	// reader was just offered; the decoder turns that into evidence numbers.
	Emit(off int, body event.Body)
	// Name labels the conversation with the protocol recognised in it ("tls",
	// "http", ...). The last label wins.
	Name(protocol string)
}

// Conn is one conversation as a reader sees it.
type Conn struct {
	Flow      event.FlowID
	Transport event.Transport // TCP or UDP
	// Device and Peer are the hosts of client and server.
	Device, Peer event.HostID
	ClientPort   uint16
	ServerPort   uint16
	// Group says that the destination is a broadcast or multicast address.
	Group bool
	// Midway says that the conversation was joined after its beginning.
	Midway bool
	// Guessed says that nothing but ports and addresses tells who is the client.
	// A recogniser that knows it by content says No to the wrong side.
	Guessed bool
}

// Stream reads one TCP conversation. The decoder buffers for it: Data is called
// with all bytes of one side that were not consumed yet, in order and without
// holes, whenever some were added. A side's buffer is bounded by BufferLimit; a
// reader that leaves more than that unconsumed is told Gap for the surplus.
type Stream interface {
	// Data offers unconsumed bytes of one side.
	Data(c Context, from event.Side, data []byte) Step
	// Gap says that n bytes of that side are missing from the log (or were
	// discarded); what was unconsumed is dropped. A reader may resynchronise.
	Gap(c Context, from event.Side, n int)
	// Close says that this side will send no more.
	Close(c Context, from event.Side)
}

// Releaser is a Stream that holds a share of something that all conversations
// have together. It gives it back when it asks for Restart, and in Release, which
// is called when the conversation is over, whether or not its sides were closed.
type Releaser interface{ Release() }

// BufferLimit is the most unconsumed bytes that are kept for one side.
const BufferLimit = 64 << 10

// Step is a reader's answer to Data.
type Step struct {
	Consumed int // how many bytes of data need not be offered again
	Next     Next
}

// Next is what should happen with the rest of the conversation.
type Next uint8

// What a reader may want next.
const (
	// More goes on reading.
	More Next = iota
	// SideDone wants no more bytes of this side; the other side goes on.
	SideDone
	// Done wants no more bytes of either side; they are only counted.
	Done
	// Restart asks for the rest of both sides to be recognised afresh, as after
	// STARTTLS, CONNECT or an upgrade.
	Restart
)

// Match is a recogniser's opinion of the first bytes of one side.
type Match uint8

// The opinions of a recogniser.
const (
	No    Match = iota // surely not this protocol
	Maybe              // too few bytes to tell
	Yes
)

// StreamKind is a protocol over TCP that can be recognised by content.
type StreamKind struct {
	Name string
	// Recognise looks at the first bytes (at least one) of one side. Ports are a
	// hint to break ties only, never enough for Yes on their own, unless the
	// protocol has no recognisable beginning (Telnet).
	Recognise func(c Conn, from event.Side, first []byte) Match
	// New makes a reader for one conversation.
	New func() Stream
}

// Datagram reads the datagrams of one UDP conversation, one at a time and whole.
type Datagram interface {
	// Packet reads one datagram. It returns false when the datagram is not of
	// this protocol; after several of those the conversation is recognised afresh.
	Packet(c Context, from event.Side, data []byte) bool
}

// DatagramKind is a protocol over UDP that can be recognised by content.
type DatagramKind struct {
	Name      string
	Recognise func(c Conn, from event.Side, data []byte) Match
	New       func() Datagram
}
