// Package scan looks for personal data and secrets in bytes that anybody on the
// path could read.
//
// It owns what counts as such a find and how to look for it in linear time, in
// pieces of any size with the same result. It is strict on purpose: a find is
// evidence against a device, so a text that merely looks odd is left alone. It
// must not know protocols or conversations.
package scan

import (
	"assay/internal/assess/event"
)

const (
	// perKind is how many finds of one kind are reported in one conversation.
	perKind = 3
	// Budget is how many bytes are looked at of one side, or of one message where
	// a protocol has messages.
	Budget = 64 << 10
	// sampleLimit is how much of a find is kept.
	sampleLimit = 256
)

// Depth says how much to look for.
type Depth uint8

const (
	// Full looks for everything; for headers, data and unknown bytes.
	Full Depth = iota
	// Marks looks only for what cannot be there by chance: canaries and own
	// addresses. For pages, scripts, firmware and other published files, which
	// hold addresses and keys of their authors.
	Marks
	// Media looks for canaries and own addresses, images and video.
	Media
)

// Found is one find.
type Found struct {
	Kind   event.ExposedKind
	From   event.Side
	Sample event.Secret
	Shown  string
	// Off is where it begins in the piece that completed it; 0 when it began in
	// an earlier piece.
	Off int
	end int // where it was complete, for the order
}

// Exposed is the find as an event.
func (f Found) Exposed() event.Exposed {
	return event.Exposed{Kind: f.Kind, From: f.From, Sample: f.Sample, Shown: f.Shown}
}

// Cut wraps a secret text, at most 256 bytes of it.
func Cut(text string) event.Secret {
	return event.NewSecret(string([]byte(text[:min(len(text), sampleLimit)])))
}
