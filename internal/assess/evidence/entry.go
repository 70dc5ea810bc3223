// Package evidence owns the evidence log: one ordered file of packets and
// notes, from which everything the box ever says can be worked out again.
//
// It reads and writes capture files (pcap, pcapng) as streams and numbers their
// frames the way Wireshark does. It must not know what a packet means: the
// bytes inside a frame belong to package decode.
package evidence

import (
	"encoding/json"
	"time"
)

// Ref is an evidence number: the position of a frame in its log, counted from 1.
// It equals the frame number that Wireshark and tshark show for the same file.
// Zero means "no frame".
type Ref uint64

// LinkType is the link-layer header type of an interface, as registered at
// https://www.tcpdump.org/linktypes.html.
type LinkType uint16

// The link types whose frames package decode can open.
const (
	LinkNull     LinkType = 0   // BSD loopback, family in host byte order
	LinkEthernet LinkType = 1   // IEEE 802.3
	LinkRawBSD   LinkType = 12  // raw IP as written on some BSD systems
	LinkRaw      LinkType = 101 // raw IPv4 or IPv6
	LinkLoop     LinkType = 108 // OpenBSD loopback, family in network byte order
	LinkSLL      LinkType = 113 // Linux "cooked" v1
	LinkIPv4     LinkType = 228 // raw IPv4
	LinkIPv6     LinkType = 229 // raw IPv6
	LinkSLL2     LinkType = 276 // Linux "cooked" v2
)

// NotesInterface is the name of the pcapng interface that carries notes. A note
// is believed only when it arrives there: a device can send the note EtherType
// on the cable, and that is data.
const NotesInterface = "assay-notes"

// NoteEtherType is the EtherType of a note's frame (IEEE 802 local experimental 1).
const NoteEtherType = 0x88B5

// Entry is one thing that the log recorded, in the log's own order.
type Entry struct {
	Num  Ref
	At   time.Time // UTC, nanosecond resolution
	Kind Kind
	// Packet is set when Kind is KindPacket. Its Data is only valid until the
	// next entry is read.
	Packet Packet
	// Note is set when Kind is KindNote.
	Note Note
	// Lost is set when Kind is KindLost.
	Lost Loss
}

// Kind says which part of an Entry is filled.
type Kind uint8

// The kinds of entries.
const (
	KindNone Kind = iota
	KindPacket
	KindNote
	// KindLost carries an interface's own count of frames that it could not
	// record. It has no evidence number of its own: Num is that of the last
	// frame before it.
	KindLost
)

// Packet is one captured frame.
type Packet struct {
	Interface int      // index of the capture interface in the file, from 0
	Link      LinkType // link type of that interface
	Length    int      // length of the frame on the wire, in bytes
	Data      []byte   // the captured bytes; shorter than Length when cut by a snap length
}

// Cut reports whether the capture kept only a part of the frame.
func (p Packet) Cut() bool { return len(p.Data) < p.Length }

// Note is something the box did or was told, recorded among the packets.
type Note struct {
	Kind string          `json:"kind"` // for example "fault", "network", "statement"
	Body json.RawMessage `json:"body,omitempty"`
}

// Loss is what an interface reported about frames it did not record.
type Loss struct {
	Interface int
	Received  uint64 // frames the interface saw, 0 when it did not say
	Dropped   uint64 // frames that never reached the log since the last report
}
