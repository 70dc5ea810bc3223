package door

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

// How long sessions last, and how many there are.
const (
	idle         = 12 * time.Hour
	longest      = 7 * 24 * time.Hour
	sessionsMost = 64
	// keepEvery is how old the kept times may be: a restart forgets no more use than
	// that, and a busy reader does not wear out the disk.
	keepEvery = 10 * time.Minute
)

// session is somebody who showed the key.
type session struct {
	Begun time.Time `json:"begun"`
	Used  time.Time `json:"used"`
}

func (s session) over(now time.Time) bool {
	return now.Sub(s.Begun) > longest || now.Sub(s.Used) > idle
}

// begin begins a session and returns its cookie. The one that was used least lately
// makes room.
func (d *Door) begin() (cookie string, err error) {
	cookie = rand.Text() + rand.Text()
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.cfg.Now()
	for len(d.sessions) >= sessionsMost {
		oldest := ""
		for id, s := range d.sessions {
			if oldest == "" || s.Used.Before(d.sessions[oldest].Used) {
				oldest = id
			}
		}
		delete(d.sessions, oldest)
	}
	d.sessions[digest(cookie)] = session{Begun: now, Used: now}
	return cookie, d.keepSessions()
}

func digest(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:])
}

// let says whether a request belongs to a session.
func (d *Door) let(r *http.Request) bool {
	c, err := r.Cookie(cookieName(r))
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id, now := digest(c.Value), d.cfg.Now()
	s, known := d.sessions[id]
	if !known || s.over(now) {
		delete(d.sessions, id)
		return false
	}
	s.Used = now
	d.sessions[id] = s
	if now.Sub(d.written).Abs() >= keepEvery {
		d.written = now      // whether it works or not: a broken disk is not tried at each request
		_ = d.keepSessions() // it only matters to the next start, which asks for the key then
	}
	return true
}

// end ends the session of a request.
func (d *Door) end(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName(r)); err == nil {
		d.mu.Lock()
		delete(d.sessions, digest(c.Value))
		err = d.keepSessions()
		d.mu.Unlock()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	http.SetCookie(w, cookieOf(r, "", -1))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// keepSessions writes the sessions, by their digests alone, so that a restart does not
// put everybody out; the lock is held.
func (d *Door) keepSessions() error {
	now := d.cfg.Now()
	maps.DeleteFunc(d.sessions, func(_ string, s session) bool { return s.over(now) })
	d.written = now
	text, err := json.Marshal(d.sessions)
	if err == nil {
		err = renameio.WriteFile(filepath.Join(d.cfg.Folder, sessionsFile), text, private)
	}
	if err != nil {
		return fmt.Errorf("cannot keep the sessions of the page: %w", err)
	}
	return nil
}

// loadSessions reads them; damaged ones are forgotten, and people enter the key again.
func (d *Door) loadSessions() error {
	text, err := os.ReadFile(filepath.Join(d.cfg.Folder, sessionsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the sessions of the page: %w", err)
	}
	kept := map[string]session{}
	if json.Unmarshal(text, &kept) != nil {
		return nil
	}
	for id, s := range kept {
		if !s.over(d.cfg.Now()) && len(d.sessions) < sessionsMost {
			d.sessions[id] = s
		}
	}
	return nil
}
