package netos

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Journal is a Kernel that writes down, on disc and before each change, how to
// take the change back. Undo takes back everything; after a crash Restore does.
// It changes nothing that is already as wanted, and never a table that somebody
// else made.
type Journal struct {
	Kernel
	// Step, when set, is told of every step done: "noted ..." when the former
	// state is on disc, "done ..." when the kernel has changed. Tests end the
	// process there.
	Step func(string)

	mu   sync.Mutex
	path string
	file journalFile
}

// OpenJournal begins the journal NAME in the folder dir, which it makes. One
// that is there from this boot and namespace is an error: Restore comes first.
func OpenJournal(k Kernel, dir, name string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the state folder: %w", err)
	}
	id, err := k.ID()
	if err != nil {
		return nil, err
	}
	others, err := journals(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{Kernel: k, path: filepath.Join(dir, name+journalSuffix)}
	j.file = journalFile{Kernel: id, Order: 1}
	for _, o := range others {
		if o.path == j.path && o.file.Kernel == id {
			return nil, fmt.Errorf("cannot begin %s: changes of an earlier run are still in force; restore them first", j.path)
		}
		j.file.Order = max(j.file.Order, o.file.Order+1)
	}
	return j, nil
}

// change is one change of the kernel and how to take it back.
type change struct {
	Kind    string    `json:"kind"` // the constants below
	Link    string    `json:"link,omitempty"`
	Up      bool      `json:"up,omitempty"` // the former state of the link
	Address Address   `json:"address,omitzero"`
	Route   Route     `json:"route,omitzero"`
	Key     string    `json:"key,omitempty"`
	Former  string    `json:"former,omitempty"`
	Table   TableName `json:"table,omitzero"`
	// What the link had before it learned from advertisements.
	Addresses []Address `json:"addresses,omitempty"`
	Routes    []Route   `json:"routes,omitempty"`
}

// The kinds of changes.
const (
	changeLink         = "link set"
	changeAddressAdded = "address added"
	changeAddressGone  = "address removed"
	changeRouteAdded   = "route added"
	changeRouteGone    = "route removed"
	changeSysctl       = "sysctl set"
	changeTable        = "table added"
	changeLearning     = "learning begun"
)

func (c change) String() string {
	switch c.Kind {
	case changeLink, changeLearning:
		return c.Kind + " " + c.Link
	case changeAddressAdded, changeAddressGone:
		return c.Kind + " " + c.Address.String()
	case changeRouteAdded, changeRouteGone:
		return c.Kind + " " + c.Route.String()
	case changeSysctl:
		return c.Kind + " " + c.Key
	}
	return c.Kind + " " + c.Table.String()
}

// same says whether taking b back takes c back too.
func (c change) same(b change) bool { return c.String() == b.String() }

func (j *Journal) step(word string, c change) {
	if j.Step != nil {
		j.Step(word + " " + c.String())
	}
}

// note puts a change on disc unless it is there already, then makes it.
func (j *Journal) note(c change, make func() error) error {
	if !slices.ContainsFunc(j.file.Changes, c.same) {
		j.file.Changes = append(j.file.Changes, c)
		if err := j.save(); err != nil {
			j.file.Changes = j.file.Changes[:len(j.file.Changes)-1]
			return err
		}
	}
	j.step("noted", c)
	if err := make(); err != nil {
		return err
	}
	j.step("done", c)
	return nil
}

// forget takes a change off the disc once it has been taken back.
func (j *Journal) forget(c change) error {
	j.file.Changes = slices.DeleteFunc(j.file.Changes, c.same)
	return j.save()
}

func (j *Journal) noted(c change) bool { return slices.ContainsFunc(j.file.Changes, c.same) }

// SetLinkUp sets the administrative state.
func (j *Journal) SetLinkUp(name string, up bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	l, err := LinkByName(j.Kernel, name)
	if err != nil || l.Up == up {
		return err
	}
	return j.note(change{Kind: changeLink, Link: name, Up: l.Up}, func() error { return j.Kernel.SetLinkUp(name, up) })
}

// AddAddress adds an address; one the host had before stays as it is.
func (j *Journal) AddAddress(a Address) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := change{Kind: changeAddressAdded, Address: a}
	there, err := hasAddress(j.Kernel, a)
	if err != nil || there && !j.noted(c) {
		return err
	}
	return j.note(c, func() error { return j.Kernel.AddAddress(a) })
}

// RemoveAddress removes an address, one of the host's own until Undo.
func (j *Journal) RemoveAddress(a Address) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := (change{Kind: changeAddressAdded, Address: a}); j.noted(c) {
		return errors.Join(j.Kernel.RemoveAddress(a), j.forget(c))
	}
	all, err := j.Addresses(a.Link)
	i := slices.IndexFunc(all, a.Same)
	if err != nil || i < 0 {
		return err
	}
	return j.note(change{Kind: changeAddressGone, Address: all[i]}, func() error { return j.Kernel.RemoveAddress(a) })
}

// AddRoute adds a route; one the host had before stays as it is.
func (j *Journal) AddRoute(r Route) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if hasRoute(j.Kernel, r) {
		return nil
	}
	return j.note(change{Kind: changeRouteAdded, Route: r}, func() error { return j.Kernel.AddRoute(r) })
}

// RemoveRoute removes a route, one of the host's own until Undo.
func (j *Journal) RemoveRoute(r Route) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := (change{Kind: changeRouteAdded, Route: r}); j.noted(c) {
		return errors.Join(j.Kernel.RemoveRoute(r), j.forget(c))
	}
	all, err := j.Routes()
	i := slices.IndexFunc(all, r.Same)
	if err != nil || i < 0 {
		return err
	}
	return j.note(change{Kind: changeRouteGone, Route: all[i]}, func() error { return j.Kernel.RemoveRoute(r) })
}

// SetSysctl writes a value and notes the former one, and those of the keys the
// kernel changes with it.
func (j *Journal) SetSysctl(key, value string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	keys, err := dependents(j.Kernel, key)
	if err != nil {
		return err
	}
	for _, k := range append(keys, key) {
		former, err := j.Sysctl(k)
		if err != nil {
			return err
		}
		if k == key && former == value {
			return nil
		}
		set := func() error { return nil }
		if k == key {
			set = func() error { return j.Kernel.SetSysctl(key, value) }
		}
		if err := j.note(change{Kind: changeSysctl, Key: k, Former: former}, set); err != nil {
			return err
		}
	}
	return nil
}

// forwardingAll switches every link of IPv6 at once (kernel's ip-sysctl.rst).
const forwardingAll = "net/ipv6/conf/all/forwarding"

// dependents are the keys the kernel writes when key is written.
func dependents(k Kernel, key string) ([]string, error) {
	if key != forwardingAll {
		return nil, nil
	}
	links, err := k.Links()
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{"net/ipv6/conf/default/forwarding": true}
	for _, l := range links {
		one := "net/ipv6/conf/" + l.Name + "/forwarding"
		if _, err := k.Sysctl(one); err == nil {
			keys[one] = true
		}
	}
	return slices.Sorted(maps.Keys(keys)), nil
}

// ReplaceTable adds a table or replaces one that this journal added. A table of
// that name that somebody else made is an error.
func (j *Journal) ReplaceTable(t Table) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := change{Kind: changeTable, Table: t.TableName}
	if !j.noted(c) {
		all, err := j.Tables()
		if err != nil {
			return err
		}
		if slices.Contains(all, t.TableName) {
			return fmt.Errorf("cannot add the table %s of nftables: there is one already that this program did not make; remove it with 'nft delete table %s'", t.TableName, t.TableName)
		}
	}
	return j.note(c, func() error { return j.Kernel.ReplaceTable(t) })
}

// RemoveTable removes a table that this journal added and no other.
func (j *Journal) RemoveTable(n TableName) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := change{Kind: changeTable, Table: n}
	if !j.noted(c) {
		return nil
	}
	if err := j.Kernel.RemoveTable(n); err != nil {
		return err
	}
	return j.forget(c)
}
