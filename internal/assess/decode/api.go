package decode

import (
	"assay/internal/assess/event"
)

// Handler receives events in the order in which their frames completed them.
type Handler func(event.Event)

// Options bound and steer a Decoder. The zero value is the default.
type Options struct {
	// Canaries are texts that the operator typed into the device at set-up (a
	// name, a Wi-Fi name): finding one in clear is proof of exposure.
	Canaries []string
}

// Counts sums up what a Decoder saw. All fields only grow.
type Counts struct {
	Frames    uint64 // packets offered
	Bytes     uint64 // their length on the wire
	Cut       uint64 // frames that a snap length cut
	Unread    uint64 // frames of a link type or network protocol that is not read
	Malformed uint64 // frames or messages that broke their protocol
	Lost      uint64 // frames that the capture itself reported lost
	// Crowded is how often a bounded table had to drop something unfinished.
	Crowded uint64
}
