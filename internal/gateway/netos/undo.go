package netos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
)

const journalSuffix = ".undo.json"

// journalLimit bounds a journal that is read back, in bytes.
const journalLimit = 1 << 20

// journalFile is what stands on disc.
type journalFile struct {
	Kernel  string   `json:"kernel"` // Kernel.ID of the changed one
	Order   int      `json:"order"`  // later journals are undone first
	Changes []change `json:"changes"`
}

type journalOnDisc struct {
	path string
	file journalFile
}

// save writes the journal and waits until the disc has it: the folder too, since
// the new name is only there when the folder is.
func (j *Journal) save() error {
	text, err := json.MarshalIndent(j.file, "", "\t")
	if err == nil {
		err = renameio.WriteFile(j.path, append(text, '\n'), 0o600)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(j.path))
	}
	if err != nil {
		return fmt.Errorf("cannot note the former state, so nothing is changed: %w", err)
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Undo takes back every change, the last one first, and removes the journal.
// What could not be taken back stays in the journal.
func (j *Journal) Undo() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var errs []error
	var left []change
	for _, c := range slices.Backward(j.file.Changes) {
		j.step("undoing", c)
		if err := c.undo(j.Kernel); err != nil {
			errs = append(errs, err)
			left = append(left, c)
		}
	}
	slices.Reverse(left)
	j.file.Changes = left
	if len(left) > 0 {
		return errors.Join(append(errs, j.save())...)
	}
	if err := os.Remove(j.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove the journal of changes that are taken back: %w", err)
	}
	return nil
}

// undo takes a change back. What is gone by itself (a link unplugged, a key of
// it) needs no taking back.
func (c change) undo(k Kernel) error {
	err := c.revert(k)
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	return err
}

func (c change) revert(k Kernel) error {
	switch c.Kind {
	case changeLink:
		return k.SetLinkUp(c.Link, c.Up)
	case changeAddressAdded:
		return k.RemoveAddress(c.Address)
	case changeAddressGone:
		return k.AddAddress(c.Address)
	case changeRouteAdded:
		return removeRoute(k, c.Route)
	case changeRouteGone:
		return k.AddRoute(c.Route)
	case changeSysctl:
		return resetSysctl(k, c.Key, c.Former)
	case changeTable:
		return k.RemoveTable(c.Table)
	case changeLearning:
		return unlearn(k, c)
	}
	return fmt.Errorf("cannot take back %q: no such change", c.Kind)
}

func removeRoute(k Kernel, r Route) error {
	if !hasRoute(k, r) {
		return nil
	}
	return k.RemoveRoute(r)
}

// resetSysctl writes only what differs: writing has effects of its own.
func resetSysctl(k Kernel, key, former string) error {
	now, err := k.Sysctl(key)
	if err != nil || now == former {
		return err
	}
	return k.SetSysctl(key, former)
}

// Restore takes back what the journals in the folder dir say was changed, the
// latest journal first, and removes them. A folder that is not there, and
// journals of another boot or namespace, need nothing: that state is gone.
func Restore(ctx context.Context, k Kernel, dir string) error {
	id, err := k.ID()
	if err != nil {
		return err
	}
	list, err := journals(dir)
	if err != nil {
		return err
	}
	for _, one := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		j := &Journal{Kernel: k, path: one.path, file: one.file}
		if one.file.Kernel != id {
			j.file.Changes = nil
		}
		if err := j.Undo(); err != nil {
			return fmt.Errorf("cannot put the host back as it was: %w", err)
		}
	}
	return nil
}

// journals reads the journals of a folder, the latest first.
func journals(dir string) ([]journalOnDisc, error) {
	paths, err := filepath.Glob(filepath.Join(globQuote(dir), "*"+journalSuffix))
	if err != nil {
		return nil, fmt.Errorf("cannot look for journals: %w", err)
	}
	var out []journalOnDisc
	for _, p := range paths {
		one := journalOnDisc{path: p}
		if err := readJournal(p, &one.file); err != nil {
			return nil, fmt.Errorf("cannot read the journal %s of an earlier run: %w; check the links by hand, then remove the file", p, err)
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b journalOnDisc) int { return cmp.Compare(b.file.Order, a.file.Order) })
	return out, nil
}

func readJournal(path string, into *journalFile) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > journalLimit {
		return fmt.Errorf("it has %d bytes, more than any journal", info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// globQuote keeps a folder's own name from being read as a pattern.
func globQuote(dir string) string {
	var out []rune
	for _, r := range dir {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}
