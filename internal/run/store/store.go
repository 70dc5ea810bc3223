package store

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Store is a folder of runs. Its methods may be called at the same time for
// different runs.
type Store struct {
	folder string
	limits Limits
}

// Limits say how much is kept; 0 means no limit.
type Limits struct {
	Runs  int
	Bytes int64
}

// Open opens a folder of runs and makes it where it is not there.
func Open(folder string, limits Limits) (*Store, error) {
	if err := os.MkdirAll(folder, dirMode); err != nil {
		return nil, fmt.Errorf("cannot keep runs: %w; name another folder under store.folder", err)
	}
	return &Store{folder: folder, limits: limits}, nil
}

// idForm is what an id looks like: nothing that means something to a file system.
var idForm = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[a-z0-9-]{1,48}$`)

// slug is what an id tells of a label.
func slug(label string) string {
	const most = 24
	var b strings.Builder
	for _, r := range strings.ToLower(label) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= most {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "device"
}

// New begins a run: its id, made of its time and label, is filled in.
func (s *Store) New(r Record) (Place, error) {
	const tries = 8
	for range tries {
		r.ID = fmt.Sprintf("%s-%s-%s", r.Started.UTC().Format("20060102-150405"), slug(r.Label), strings.ToLower(rand.Text()[:4]))
		r.State = Running
		p := Place{store: s, record: r}
		err := os.Mkdir(p.dir(), dirMode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return Place{}, fmt.Errorf("cannot begin a run: %w", err)
		}
		return p, r.write(p.dir())
	}
	return Place{}, errors.New("cannot begin a run: no free name was found")
}

// Get opens the run of the given id.
func (s *Store) Get(id string) (Place, error) {
	if !idForm.MatchString(id) {
		return Place{}, fmt.Errorf("%q: %w", id, errGone)
	}
	r, err := readRecord(filepath.Join(s.folder, id))
	if errors.Is(err, fs.ErrNotExist) {
		return Place{}, fmt.Errorf("%q: %w", id, errGone)
	}
	return Place{store: s, record: r}, err
}

// List gives all runs, the latest first. What cannot be read is told in the error
// and leaves the others readable.
func (s *Store) List() ([]Place, error) {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return nil, fmt.Errorf("cannot list the runs: %w", err)
	}
	var out []Place
	var bad error
	for _, e := range entries {
		if !e.IsDir() || !idForm.MatchString(e.Name()) {
			continue
		}
		p, err := s.Get(e.Name())
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Place) int {
		return cmp.Or(b.record.Started.Compare(a.record.Started), cmp.Compare(b.record.ID, a.record.ID))
	})
	return out, bad
}

// Prune deletes the oldest ended runs until the limits hold, and returns what it
// deleted. Runs that go on or are marked as kept stay.
func (s *Store) Prune() ([]Record, error) {
	list, err := s.List()
	count, size := len(list), int64(0)
	sizes := make([]int64, len(list))
	for i, p := range list {
		sizes[i] = p.Size()
		size += sizes[i]
	}
	var gone []Record
	for i := len(list) - 1; i >= 0 && s.over(count, size); i-- {
		p := list[i]
		if p.record.State == Running || p.record.Kept {
			continue
		}
		if e := p.Delete(); e != nil {
			err = errors.Join(err, e)
			continue
		}
		gone = append(gone, p.record)
		count, size = count-1, size-sizes[i]
	}
	return gone, err
}

func (s *Store) over(count int, size int64) bool {
	return s.limits.Runs > 0 && count > s.limits.Runs || s.limits.Bytes > 0 && size > s.limits.Bytes
}

// Place is the folder of one run.
type Place struct {
	store  *Store
	record Record
}

// Record is run.yaml as it was last read or written.
func (p Place) Record() Record { return p.record }

func (p Place) dir() string { return filepath.Join(p.store.folder, p.record.ID) }

// Path is where a file of the run lies.
func (p Place) Path(file string) string { return filepath.Join(p.dir(), file) }

// Evidence makes the run's evidence file, which must not be there yet.
func (p Place) Evidence() (*os.File, error) {
	f, err := os.OpenFile(p.Path(EvidenceFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, fmt.Errorf("cannot record evidence: %w", err)
	}
	return f, nil
}

// Again opens the evidence file of a run that was cut off, to go on with it.
func (p Place) Again() (*os.File, error) {
	f, err := os.OpenFile(p.Path(EvidenceFile), os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("cannot go on with the evidence of run %s: %w", p.record.ID, err)
	}
	return f, nil
}

// Read opens the run's evidence file.
func (p Place) Read() (io.ReadCloser, error) {
	f, err := os.Open(p.Path(EvidenceFile))
	if err != nil {
		return nil, fmt.Errorf("cannot read the evidence of run %s: %w", p.record.ID, err)
	}
	return f, nil
}

// Save puts the renderings of a report in the place of those before.
func (p Place) Save(asJSON, asPage []byte) error {
	return errors.Join(replace(p.Path(JSONFile), asJSON), replace(p.Path(PageFile), asPage))
}

// Update changes what run.yaml says; id, MAC and start stay.
func (p *Place) Update(change func(*Record)) error {
	r := p.record
	change(&r)
	r.ID, r.MAC, r.Started = p.record.ID, p.record.MAC, p.record.Started
	if err := r.write(p.dir()); err != nil {
		return err
	}
	p.record = r
	return nil
}

// Size is how much room the run takes, in bytes.
func (p Place) Size() int64 {
	var n int64
	entries, err := os.ReadDir(p.dir())
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n
}

// Delete removes the run and all that belongs to it.
func (p Place) Delete() error {
	if err := os.RemoveAll(p.dir()); err != nil {
		return fmt.Errorf("cannot delete run %s: %w", p.record.ID, err)
	}
	return nil
}

// CutOff lists the runs that a box which stopped in the middle left as running, and
// removes what else it left: folders in which nothing was recorded yet, files that
// were half written, and room on the disk that was claimed beyond the log's end.
func (s *Store) CutOff() ([]Place, error) {
	swept := s.sweep()
	list, err := s.List()
	list = slices.DeleteFunc(list, func(p Place) bool { return p.record.State != Running })
	for _, p := range list {
		err = errors.Join(err, p.tidy())
	}
	return list, errors.Join(swept, err)
}

// sweep removes the folders of runs that were not even begun: there is neither a
// record nor a log in them.
func (s *Store) sweep() error {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return fmt.Errorf("cannot list the runs: %w", err)
	}
	var bad error
	for _, e := range entries {
		p := Place{store: s, record: Record{ID: e.Name()}}
		if e.IsDir() && idForm.MatchString(e.Name()) && !p.has(recordFile) && !p.has(EvidenceFile) {
			bad = errors.Join(bad, p.Delete())
		}
	}
	return bad
}

func (p Place) has(file string) bool {
	_, err := os.Lstat(p.Path(file))
	return !errors.Is(err, fs.ErrNotExist)
}

// tidy removes half written files, whose names begin with a dot, and gives claimed
// room back.
func (p Place) tidy() error {
	entries, bad := os.ReadDir(p.dir())
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && e.Type().IsRegular() {
			bad = errors.Join(bad, os.Remove(p.Path(e.Name())))
		}
	}
	info, err := os.Stat(p.Path(EvidenceFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad
	case err != nil:
		return errors.Join(bad, err)
	}
	return errors.Join(bad, os.Truncate(p.Path(EvidenceFile), info.Size()))
}
