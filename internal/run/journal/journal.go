// Package journal is the evidence log of one run: frames and notes go into one
// file in one order, and each entry goes to the assessment as the file has it.
//
// It owns that what is graded live is what the file holds: the entries handed on
// are, one by one, those that a reader of the file gets. It must not know what an
// entry means, where the file lies, or which device it is about.
package journal

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
)

// File is where a log goes; *os.File is one.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// buffer is how much is written at once, in bytes: a memory card likes few large
// writes.
const buffer = 256 << 10

// Log is the evidence log of one run. One goroutine owns it.
type Log struct {
	file  File
	out   *bufio.Writer
	sum   hash.Hash
	size  uint64
	pcap  *evidence.Writer
	lan   int
	take  func(evidence.Entry)
	last  evidence.Ref
	when  time.Time     // of the last frame or note
	total evidence.Loss // as last written
	base  evidence.Loss // total of the part that another process wrote
	err   error         // the first failure to write
	room  room
	// missed counts frames that came after the disk was full.
	missed uint64
}

// New begins a log of the named interface and hands each entry to take.
// application is the name and version of the writing program.
func New(f File, application, iface string, take func(evidence.Entry)) (*Log, error) {
	l := &Log{file: f, out: bufio.NewWriterSize(f, buffer), sum: sha256.New(), take: take}
	l.room.claim = claimOf(f)
	err := l.room.want(0)
	if err != nil {
		return nil, fmt.Errorf("cannot begin the evidence log: %w", err)
	}
	if l.pcap, err = evidence.NewWriter(l, application); err == nil {
		l.lan, err = l.pcap.AddInterface(evidence.Interface{Name: iface, Link: evidence.LinkEthernet})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot begin the evidence log: %w", err)
	}
	return l, nil
}

// Write takes the bytes of the file on their way: the digest is that of what was
// handed to the file.
func (l *Log) Write(p []byte) (int, error) {
	n, err := l.out.Write(p)
	l.sum.Write(p[:n])
	l.size += uint64(n) //nolint:gosec // a count of bytes
	return n, err
}

// Err is the first failure to write, nil while all is well. From then on nothing
// is recorded and nothing is graded: a report never rests on what is not in the
// file.
func (l *Log) Err() error { return l.err }

// Packet records a frame of the interface. Data is used until Packet returns.
func (l *Log) Packet(at time.Time, length int, data []byte) {
	if !l.fits(at, len(data)) {
		l.missed++
		return
	}
	ref, err := l.pcap.Packet(l.lan, at, length, data)
	l.done(err, evidence.Entry{Num: ref, At: at.UTC(), Kind: evidence.KindPacket,
		Packet: evidence.Packet{Interface: l.lan, Link: evidence.LinkEthernet, Length: length, Data: data}})
}

// Note records something that the box did or was told.
func (l *Log) Note(at time.Time, n evidence.Note) {
	n = asRead(n)
	if l.fits(at, len(n.Kind)+len(n.Body)) {
		l.note(at, n)
	}
}

func (l *Log) note(at time.Time, n evidence.Note) {
	ref, err := l.pcap.Note(at, n)
	l.done(err, evidence.Entry{Num: ref, At: at.UTC(), Kind: evidence.KindNote, Note: n})
}

// Secrets records lines of a TLS key log, which let people see inside the sessions in
// which the box stood in for a server. Nothing is graded by them: they are no entry.
func (l *Log) Secrets(at time.Time, lines string) {
	if !l.fits(at, len(lines)) {
		return
	}
	if err := l.pcap.Secrets([]byte(lines)); err != nil {
		l.fail(err)
	}
}

// asRead is a note as a reader of the log gets it: its JSON in the shortest form,
// nothing where it was none.
func asRead(n evidence.Note) evidence.Note {
	if n.Kind == "" {
		n.Kind = "note" // a reader takes a note without a kind for an unreadable one
	}
	if !json.Valid(n.Body) {
		n.Body = nil
	}
	var out evidence.Note
	if text, err := json.Marshal(n); err != nil || json.Unmarshal(text, &out) != nil {
		return evidence.Note{Kind: "note"}
	}
	return out
}

// Lost records the interface's counts since New or Continue, when more was lost
// than the log says already.
func (l *Log) Lost(at time.Time, received, dropped uint64) {
	received, dropped = received+l.base.Received, dropped+l.base.Dropped
	if dropped > l.total.Dropped && l.fits(at, 0) {
		l.lost(at, received, dropped)
	}
}

func (l *Log) lost(at time.Time, received, dropped uint64) {
	err := l.pcap.Statistics(l.lan, at, received, dropped)
	since := dropped - l.total.Dropped
	l.total = evidence.Loss{Interface: l.lan, Received: received, Dropped: dropped}
	l.done(err, evidence.Entry{Num: l.last, At: l.when, Kind: evidence.KindLost,
		Lost: evidence.Loss{Interface: l.lan, Received: received, Dropped: since}})
}

// done hands an entry on when it is in the file.
func (l *Log) done(err error, e evidence.Entry) {
	if err != nil {
		l.fail(err)
		return
	}
	l.last, l.when = e.Num, e.At
	l.take(e)
}

// AsOf is the digest and the size of the log as it stands.
func (l *Log) AsOf() assess.AsOf {
	return assess.AsOf{SHA256: l.sum.Sum(nil), Bytes: l.size}
}

// Sync brings to the disk what was recorded: a power cut takes nothing older.
func (l *Log) Sync() error {
	if err := l.Flush(); err != nil {
		return err
	}
	return l.file.Sync()
}

// Flush hands to the system what was recorded: the end of this process takes
// nothing older.
func (l *Log) Flush() error {
	if err := l.out.Flush(); err != nil {
		l.fail(err)
		return l.err
	}
	return nil
}

// fail keeps the first failure to write.
func (l *Log) fail(err error) {
	if l.err == nil {
		l.err = fmt.Errorf("cannot record evidence any more: %w", err)
	}
}

// Close ends the log. Its file is complete afterwards, or the error says why not.
func (l *Log) Close() error {
	l.tellMissed()
	err := l.Sync()
	if err == nil { // else the file is shorter than what it was to be
		err = l.room.giveBack(l.size)
	}
	return errors.Join(err, l.file.Close())
}
