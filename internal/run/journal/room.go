package journal

import (
	"encoding/json"
	"time"

	"assay/internal/assess/evidence"
)

// An entry is graded when it is recorded, and reaches the disk later. So that a
// full disk cannot make the file end before what was graded, room on the disk is
// claimed before an entry is taken; where none is left the log says so, in room
// that was kept for these words, and ends there.
const (
	// stride is how much is claimed at once, in bytes.
	stride = 4 << 20
	// kept is what is never used for entries: the log's last words need 4 KiB of it,
	// and the report has the rest once the log is closed.
	kept = 2 << 20
	// overhead is what the file has beside the bytes of an entry, at most; a note
	// also has its names, and the first one its interface.
	overhead = 512
)

// claimer is a File that can promise room.
type claimer interface {
	// Claim makes sure that the file can grow to size bytes.
	Claim(size uint64) error
	// GiveBack ends the promise for what lies beyond size bytes.
	GiveBack(size uint64) error
}

// room is what of the disk belongs to the log.
type room struct {
	claim   claimer // nil where no promise is to be had
	claimed uint64
	full    bool // the log has said its last words
}

// claimOf is how room is claimed for a file.
func claimOf(f File) claimer {
	if c, ok := f.(claimer); ok {
		return c
	}
	return diskOf(f)
}

// want makes sure that the log can grow to size bytes and still say its last words.
func (r *room) want(size uint64) error {
	if r.claim == nil || size+kept <= r.claimed {
		return nil
	}
	if err := r.claim.Claim(size + kept + stride); err != nil {
		return err
	}
	r.claimed = size + kept + stride
	return nil
}

func (r *room) giveBack(size uint64) error {
	if r.claim == nil {
		return nil
	}
	return r.claim.GiveBack(size)
}

// fits makes room for an entry of so many bytes; false when the log has ended.
func (l *Log) fits(at time.Time, bytes int) bool {
	if l.err != nil {
		return false
	}
	err := l.room.want(l.size + overhead + uint64(bytes)) //nolint:gosec // a length
	if err == nil {
		return true
	}
	l.room.full = true
	body, _ := json.Marshal(map[string]string{"what": "evidence", "reason": err.Error()}) // strings always have a JSON
	l.note(at, evidence.Note{Kind: "lost", Body: body})
	l.fail(err)
	return false
}

// tellMissed writes how many frames came after the disk was full, so that nothing
// is concluded from their absence.
func (l *Log) tellMissed() {
	if l.room.full && l.missed > 0 {
		l.lost(l.when, l.total.Received+l.missed, l.total.Dropped+l.missed)
	}
}
