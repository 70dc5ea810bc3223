package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"time"

	"assay/internal/gateway/capture"
	"assay/internal/run/session"
)

// Anybody can shout under ten thousand addresses, and each would take a seat. A device
// that is answered and goes on from there, or that was lent an address, is more than
// that: where no seat is free it gets that of a visitor who only shouted. What was
// heard of it until then waits in the hall.

// hall are the devices without a seat, with what was heard of them lately.
type hall map[[6]byte]*visitor

// Bounds of the hall: devices, and of each frames and bytes; together at most 2 MiB.
const (
	hallLimit     = 256
	visitorFrames = 32
	visitorBytes  = 8 << 10
)

// visitor is a device that waits for a seat.
type visitor struct {
	talk   talk
	heard  time.Time
	frames []capture.Frame // copies, the oldest first
	bytes  int             // of frames
	missed uint64          // frames that found no room since the first that is kept
}

// hear finds the place of a device in the hall. When the hall is full, who was not
// heard for the longest time leaves it; who was lent an address leaves it last.
func (h hall) hear(mac [6]byte, at time.Time) *visitor {
	v := h[mac]
	if v == nil {
		if len(h) >= hallLimit {
			delete(h, h.least())
		}
		v = &visitor{}
		h[mac] = v
	}
	v.heard = at
	return v
}

// least is who has the least right to be in the hall.
func (h hall) least() (mac [6]byte) {
	var out *visitor
	for m, v := range h {
		if out == nil || v.before(out) || !out.before(v) && bytes.Compare(m[:], mac[:]) < 0 {
			mac, out = m, v
		}
	}
	return mac
}

// before says that a visitor leaves before another one.
func (v *visitor) before(o *visitor) bool {
	if v.talk.lease != o.talk.lease {
		return o.talk.lease
	}
	return v.heard.Before(o.heard)
}

// keep copies a frame while there is room, and lets go of what is too old to belong
// to what follows.
func (v *visitor) keep(f capture.Frame) {
	for len(v.frames) > 0 && f.At.Sub(v.frames[0].At) >= straySilence {
		v.bytes -= len(v.frames[0].Data)
		v.frames = slices.Delete(v.frames, 0, 1)
	}
	if len(v.frames) == 0 {
		v.missed = 0
	}
	if len(v.frames) >= visitorFrames || v.bytes+len(f.Data) > visitorBytes {
		v.missed++
		return
	}
	f.Data = bytes.Clone(f.Data)
	v.frames, v.bytes = append(v.frames, f), v.bytes+len(f.Data)
}

// talk follows whether a device and the box answer each other. Who forges addresses
// does not hear what is said to them.
type talk struct {
	asked  bool // the box said something to the device alone since it last spoke
	turns  int  // how often the device then spoke to the box alone
	lease  bool // it was lent an address
	proven bool
}

// provenTurns is how often a device must answer before it counts as real: the first
// time may be chance.
const provenTurns = 2

// told takes a frame of the box to the device alone.
func (t *talk) told() { t.asked = true }

// spoke takes a frame of the device.
func (t *talk) spoke(toBox bool) {
	if toBox && t.asked {
		t.asked = false
		t.turns = min(t.turns+1, provenTurns)
	}
	t.proven = t.lease || t.turns >= provenTurns
}

// leased takes the news that the device was lent an address.
func (t *talk) leased() { t.lease, t.proven = true, true }

// wait keeps a frame of a device without a seat; a device that is proven gets one.
func (d *Desk) wait(mac [6]byte, f capture.Frame, toBox bool) {
	v := d.hall.hear(mac, f.At)
	v.talk.spoke(toBox)
	v.keep(f)
	if v.talk.proven {
		d.admit(mac, f.At)
	}
}

// admit gives a proven device the seat of a visitor who only shouted, if there is one.
func (d *Desk) admit(mac [6]byte, at time.Time) {
	if len(d.seats) >= max(1, d.cfg.Run.Devices) && !d.makeRoom(at) {
		return
	}
	d.seat(mac, at)
}

// proofTime is how long an address that seems to be at work has to prove that it is a
// device: one question makes it look so, and nobody need be there to hear the answer.
const proofTime = 3 * time.Second

// shouter is the visitor with a seat that never answered and has the least right to it:
// who is not at work goes first, then who was not heard for the longest time. Nil when
// every seat is a real device's, or may be.
func (d *Desk) shouter(now time.Time) (out *seat) {
	for _, s := range d.seats {
		working := s.run.State() != session.Joined
		if s.talk.proven || working && now.Sub(s.since) < proofTime {
			continue
		}
		if out == nil || s.leavesBefore(out) {
			out = s
		}
	}
	return out
}

// leavesBefore says that a seat is freed before another one.
func (s *seat) leavesBefore(o *seat) bool {
	if joined, other := s.run.State() == session.Joined, o.run.State() == session.Joined; joined != other {
		return joined
	}
	if !s.spoke.Equal(o.spoke) {
		return s.spoke.Before(o.spoke)
	}
	return bytes.Compare(s.mac[:], o.mac[:]) < 0
}

// makeRoom frees the seat of a visitor that only shouted; false when there is none.
func (d *Desk) makeRoom(now time.Time) bool {
	out := d.shouter(now)
	if out == nil {
		return false
	}
	const why = "It made room for a device that answers."
	if out.frames <= strayFrames {
		d.forget(out, why, now)
		return true
	}
	out.run.End(why, now)
	if err := d.conclude(out, now); err != nil {
		out.run.Trouble(err.Error())
	}
	delete(d.finished, out.mac) // it may come back when it is proven
	return true
}

// heardOfLease takes a note about a lease: who was lent an address is proven.
func (d *Desk) heardOfLease(n stamped, mac string) {
	var lease struct {
		Event string `json:"event"`
	}
	if n.note.Kind != "lease" || json.Unmarshal(n.note.Body, &lease) != nil || lease.Event != "leased" {
		return
	}
	for _, s := range d.seats {
		if macText(s.mac) == mac {
			s.talk.leased()
			return
		}
	}
	own, err := net.ParseMAC(mac)
	if err != nil || len(own) != 6 || !d.welcome([6]byte(own), n.at) {
		return
	}
	v := d.hall.hear([6]byte(own), n.at) // a flood of others may have driven it out
	v.talk.leased()
	d.admit([6]byte(own), n.at)
}

// forget frees a seat and leaves nothing of its run.
func (d *Desk) forget(s *seat, why string, now time.Time) {
	delete(d.seats, s.mac)
	s.run.End(why, now)
	if err := errors.Join(s.log.Close(), s.place.Delete()); err != nil {
		s.run.Trouble(err.Error())
	}
}

// remember puts what was heard of a device in the hall into its new log.
func (s *seat) remember(v *visitor) {
	if v == nil {
		return
	}
	s.talk, s.missed = v.talk, v.missed
	for _, f := range v.frames {
		s.frame(f)
		s.spoke = f.At
		if [6]byte(f.Data[6:12]) == s.mac {
			s.frames++
		}
	}
}
