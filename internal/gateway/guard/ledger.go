package guard

import (
	"encoding/json"
	"maps"
	"sync"
	"time"

	"assay/internal/assess/evidence"
)

// noteEvery is the time between two notes about the same refusal: a flood must
// not fill the evidence log with what the packets in it show anyhow.
const noteEvery = 10 * time.Second

// notesRate and notesBurst bound the other notes of a service.
const (
	notesRate  = 10
	notesBurst = 200
)

// Ledger counts what a service did and refused, and writes its notes. It is safe
// for use by several goroutines.
type Ledger struct {
	service string
	note    func(evidence.Note)
	now     func() time.Time

	mu      sync.Mutex
	counts  map[string]uint64
	refused map[string]time.Time // when the reason was last noted
	notes   Bucket
}

// NewLedger starts a ledger for the named service ("dhcp4", "ntp"). note may be
// nil; then it only counts.
func NewLedger(service string, note func(evidence.Note), now func() time.Time) *Ledger {
	return &Ledger{
		service: service, note: note, now: now,
		counts: map[string]uint64{}, refused: map[string]time.Time{},
		notes: Bucket{Rate: notesRate, Burst: notesBurst},
	}
}

// Count adds one to a counter. Names are constants of the service, never words
// that came from the network.
func (l *Ledger) Count(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[name]++
}

// Counts is a copy of all counters.
func (l *Ledger) Counts() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts)
}

// refusal is the body of a note of kind "refused".
type refusal struct {
	Service string `json:"service"`
	Reason  string `json:"reason"`
	Count   uint64 `json:"count"` // of this reason since the service began
	From    string `json:"from,omitempty"`
}

// Refuse counts a bad or hostile message under "refused: reason" and notes it:
// the first one at once, later ones at most every ten seconds with their sum.
// from names the sender (MAC or IP address), "" when unknown.
func (l *Ledger) Refuse(reason, from string) {
	l.mu.Lock()
	key := "refused: " + reason
	l.counts[key]++
	n, now := l.counts[key], l.now()
	last, seen := l.refused[reason]
	due := !seen || now.Sub(last) >= noteEvery || now.Before(last)
	if due {
		l.refused[reason] = now
	}
	l.mu.Unlock()
	if due {
		l.write("refused", refusal{Service: l.service, Reason: reason, Count: n, From: from})
	}
}

// Note writes a note unless the service has written too many lately; those are
// counted as "notes left out".
func (l *Ledger) Note(kind string, body any) {
	l.mu.Lock()
	ok := l.notes.Take(l.now())
	if !ok {
		l.counts["notes left out"]++
	}
	l.mu.Unlock()
	if ok {
		l.write(kind, body)
	}
}

// NoteAlways writes a note that must not be lost in a flood: about the device
// under test, or about the service itself.
func (l *Ledger) NoteAlways(kind string, body any) { l.write(kind, body) }

func (l *Ledger) write(kind string, body any) {
	if l.note == nil {
		return
	}
	text, err := json.Marshal(body)
	if err != nil {
		l.Count("notes that could not be written")
		return
	}
	l.note(evidence.Note{Kind: kind, Body: text})
}
