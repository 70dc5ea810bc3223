package desk

import (
	"encoding/json"
	"slices"
	"time"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/capture"
	"assay/internal/run/session"
)

// noteDelay is how long a note waits for frames that were captured before it and
// are still in the ring: the ring's blocks are handed out every 50 ms.
const noteDelay = 150 * time.Millisecond

// batch puts captured frames into the logs of their devices.
func (d *Desk) batch(b capture.Batch) {
	d.gather()
	for _, f := range b.Frames {
		d.settle(f.At)
		d.frame(f)
	}
	if b.Link != capture.LinkSame {
		d.link(b.Link, b.At)
	}
}

// frame finds the logs that a frame belongs to: its sender's, its receiver's, and
// for what the box says to everybody those of all.
func (d *Desk) frame(f capture.Frame) {
	if len(f.Data) < 14 {
		return
	}
	to, from := [6]byte(f.Data[0:6]), [6]byte(f.Data[6:12])
	if f.Outgoing || from == d.box {
		d.fromBox(f, to)
		return
	}
	d.fromDevice(f, from, to == d.box)
	if s, known := d.seats[to]; known && to != from {
		s.frame(f)
	}
}

// fromDevice records what a device sent. One that has no seat gets one, or waits.
func (d *Desk) fromDevice(f capture.Frame, from [6]byte, toBox bool) {
	s := d.seats[from]
	if s == nil {
		if !d.welcome(from, f.At) {
			return
		}
		if s = d.seat(from, f.At); s == nil {
			d.wait(from, f, toBox)
			return
		}
	}
	s.talk.spoke(toBox)
	s.spoke, s.frames = f.At, s.frames+1
	s.starts.frame(f.At, f.Data)
	s.frame(f)
}

// fromBox records what the box sent: to one device, or to all of them.
func (d *Desk) fromBox(f capture.Frame, to [6]byte) {
	group := to[0]&1 != 0
	for mac, s := range d.seats {
		if !group && mac == to {
			s.talk.told()
		}
		if group || mac == to {
			s.frame(f)
		}
	}
	if v := d.hall[to]; v != nil {
		v.talk.told()
		v.keep(f)
	}
}

// gather takes the notes that have arrived: one that was made before a frame must
// not come after it.
func (d *Desk) gather() {
	for {
		select {
		case n := <-d.notes:
			d.arrived(n)
		default:
			return
		}
	}
}

// arrived puts a note among those that wait for their place. Session secrets do not
// wait: they belong before the frames of their session.
func (d *Desk) arrived(n stamped) {
	if n.secrets == "" {
		d.waiting = append(d.waiting, n)
		return
	}
	if s := d.seats[n.mac]; s != nil {
		s.log.Secrets(n.at, n.secrets)
	}
}

// settle writes the notes that were made before the given moment.
func (d *Desk) settle(before time.Time) {
	for len(d.waiting) > 0 && d.waiting[0].at.Before(before) {
		d.record(d.waiting[0])
		d.waiting = d.waiting[1:]
	}
}

// record writes a note into the logs that it concerns: those that name a device
// into that device's.
func (d *Desk) record(n stamped) {
	var of struct {
		MAC string `json:"mac"`
	}
	if json.Unmarshal(n.note.Body, &of) != nil || slices.Contains(lasting, n.note.Kind) {
		of.MAC = "" // what lasts concerns everybody; a MAC in it is the box's own
	}
	if of.MAC == "" {
		d.standing.keep(n.note)
	} else {
		d.heardOfLease(n, of.MAC)
	}
	for mac, s := range d.seats {
		if of.MAC == "" || of.MAC == macText(mac) {
			s.log.Note(n.at, n.note)
		}
	}
}

// link notes that the cable was pulled or plugged in. A device whose run has ended
// may come again when the cable was out.
func (d *Desk) link(change capture.LinkChange, at time.Time) {
	if n, err := note("link", map[string]string{"state": change.String()}); err == nil {
		d.waiting = append(d.waiting, stamped{at: at, note: n})
	}
	if change == capture.LinkDown {
		clear(d.finished)
	}
	for _, s := range d.seats {
		s.starts.link(change)
	}
}

// tick looks at every run.
func (d *Desk) tick(now time.Time) {
	d.gather()
	d.tellLost(now)
	d.settle(now.Add(-noteDelay))
	counts := d.cfg.Frames.Counts()
	for _, s := range d.seats {
		s.log.Lost(now, counts.Seen-s.before.Seen, counts.Dropped-s.before.Dropped+s.missed)
		s.sync(now)
		if d.stray(s, now) {
			continue
		}
		if (s.run.Tick(now) || s.run.State() == session.Concluding) && s.isDone(now) {
			if err := d.conclude(s, now); err != nil {
				s.run.Trouble(err.Error())
			}
		}
	}
}

// tellLost notes that notes were lost: the log is no longer complete.
func (d *Desk) tellLost(now time.Time) {
	d.lostMu.Lock()
	lost := d.lost
	d.lost = 0
	d.lostMu.Unlock()
	if lost == 0 {
		return
	}
	if n, err := note("lost", map[string]int{"notes": lost}); err == nil {
		d.waiting = append(d.waiting, stamped{at: now, note: n})
	}
}

// standing are the latest notes of what lasts: the network that is offered, the
// state of the uplink. A log that begins later begins with them.
type standing map[string]evidence.Note

// lasting are the kinds of notes that still hold for who comes later.
var lasting = []string{"network", "uplink", "resolver", "link", "time"}

func (s standing) keep(n evidence.Note) {
	if slices.Contains(lasting, n.Kind) {
		s[n.Kind] = n
	}
}

// note makes a note of a value.
func note(kind string, body any) (evidence.Note, error) {
	text, err := json.Marshal(body)
	return evidence.Note{Kind: kind, Body: text}, err
}
