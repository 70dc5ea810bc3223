//go:build linux

package lab

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Programs of a site share their files: what a DHCP client writes to
// /etc/resolv.conf is there for the next program of the same site and no other.

// own is where a private file of the site lives, seen from here.
func (s *Site) own(name string) (string, error) {
	name = path.Clean(name)
	if !strings.HasPrefix(name, "/etc/") && !strings.HasPrefix(name, "/run/") {
		return "", fmt.Errorf("cannot reach %s of %s: only /etc and /run are its own", name, s.Name)
	}
	return filepath.Join(s.dir, name), nil
}

// WriteFile writes a file below the site's own /etc or /run, in place of what was
// there.
func (s *Site) WriteFile(name string, data []byte, mode os.FileMode) error {
	own, err := s.own(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(own), 0o755); err != nil {
		return err
	}
	// A link there would lead out of the site's files.
	if err := os.Remove(own); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.WriteFile(own, data, mode); err != nil {
		return err
	}
	return os.Chmod(own, mode)
}

// ReadFile reads a file below the site's own /etc or /run. Symbolic links are not
// followed.
func (s *Site) ReadFile(name string) ([]byte, error) {
	own, err := s.own(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(own)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s of %s: it is no regular file", name, s.Name)
	}
	return os.ReadFile(own)
}
