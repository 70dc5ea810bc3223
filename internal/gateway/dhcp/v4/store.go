package v4

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

const (
	storeName    = "dhcp4-leases.json"
	storeVersion = 1
	storeLimit   = 64 << 20 // bytes; no table of ours is larger
	saveEvery    = time.Second
	// saveShare keeps the writing of a large table, or to a slow card, to a small
	// part of the time.
	saveShare = 20
)

// store is the file of leases. A lease is written before it is confirmed, unless
// the file was written less than a second ago: then it follows within a second.
// A lease lost in between is taken up again when its client renews it.
type store struct {
	path   string // "" keeps nothing
	dirty  bool
	next   time.Duration // when it may be written again
	failed bool          // the last writing failed, and that was noted
}

func newStore(folder string) store {
	if folder == "" {
		return store{}
	}
	return store{path: filepath.Join(folder, storeName)}
}

// record is the file. Times are lengths, so that a clock which was set in
// between ends no lease; Written only tells how long the box was off.
type record struct {
	Version int           `json:"version"`
	Written time.Time     `json:"written"`
	Network netip.Prefix  `json:"network"`
	Leases  []leaseRecord `json:"leases"`
}

type leaseRecord struct {
	MAC     string     `json:"mac"`
	Address netip.Addr `json:"address"`
	Seconds int64      `json:"seconds"` // left of the lease when written; 0 when it is over
	Host    string     `json:"host,omitempty"`
}

func (s *Server) saveIfDue(now time.Duration) {
	if !s.store.dirty || s.store.path == "" || now < s.store.next {
		return
	}
	started := s.cfg.Now()
	err := s.save()
	s.store.next = now + max(saveEvery, saveShare*s.cfg.Now().Sub(started))
	if err != nil && !s.store.failed {
		s.ledger.NoteAlways("lease", leaseNote{Service: "dhcp4", Event: "leases not written", Reason: err.Error()})
	}
	s.store.failed = err != nil
}

func (s *Server) save() error {
	if !s.store.dirty || s.store.path == "" {
		return nil
	}
	text, err := json.Marshal(s.record())
	if err != nil {
		return fmt.Errorf("cannot write the leases: %w", err)
	}
	if err := renameio.WriteFile(s.store.path, text, 0o600); err != nil {
		return fmt.Errorf("cannot keep the leases in %s (is the disk full?): %w", s.store.path, err)
	}
	s.store.dirty = false
	return nil
}

func (s *Server) record() record {
	now := s.elapsed()
	out := record{Version: storeVersion, Written: s.cfg.Now().UTC(), Network: s.shape.Prefix, Leases: []leaseRecord{}}
	for _, kind := range [...]state{held, remembered, leased} {
		for l := s.table.lists[kind].next; l != &s.table.lists[kind]; l = l.next {
			left := max(0, l.until-now)
			out.Leases = append(out.Leases, leaseRecord{
				MAC: macText(l.mac), Address: l.addr, Seconds: int64((left + time.Second - 1) / time.Second), Host: l.info.host,
			})
		}
	}
	return out
}

// restore takes up the leases of the file. A missing file is a first start.
func (s *Server) restore() error {
	if s.store.path == "" {
		return nil
	}
	text, err := readLimited(s.store.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the leases: %w", err)
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil || r.Version != storeVersion {
		return fmt.Errorf("cannot understand %s (version %d): starting without leases", s.store.path, r.Version)
	}
	if r.Network != s.net.Prefix {
		return nil // of another network: their clients will be told so
	}
	s.adopt(r)
	return nil
}

func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > storeLimit {
		return nil, fmt.Errorf("%s is larger than any lease file", path)
	}
	return os.ReadFile(path)
}

// adopt fills the empty table. A clock that went backwards since, or had not
// been set, ends nothing.
func (s *Server) adopt(r record) {
	off := max(0, s.cfg.Now().Sub(r.Written))
	for _, l := range r.Leases {
		hw, err := net.ParseMAC(l.MAC)
		to := s.table.at(l.Address)
		if err != nil || len(hw) != 6 || to == nil || to.state != free {
			continue
		}
		left := min(time.Duration(min(l.Seconds, int64(s.net.Lease/time.Second)))*time.Second-off, s.net.Lease)
		s.table.lease(to, MAC(hw), left, client{host: l.Host[:min(len(l.Host), maxText)]})
		if left <= 0 {
			s.table.release(to)
		}
	}
}
