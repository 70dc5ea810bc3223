//go:build linux

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// etcLimit bounds what is copied of /etc, in bytes; larger files are left out.
	etcLimit  = 64 << 20
	fileLimit = 4 << 20

	caBundle    = "/etc/ssl/certs/ca-certificates.crt"
	rootKeyFile = "/etc/assay/root.key"
)

// caBundles are where the distributions keep the certificates that programs trust;
// the first is made where there is none.
func caBundles() []string {
	return []string{caBundle, "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"}
}

// stateDirs are where programs keep state that must not be the host's.
func stateDirs() []string {
	return []string{
		"/var/lib/dhcp", "/var/lib/dhclient", "/var/lib/dhcpcd", "/var/lib/dhcpcd5", "/var/db/dhcpcd",
		"/var/lib/chrony", "/var/lib/ntp", "/var/lib/ntpsec", "/var/lib/unbound", "/var/lib/misc",
		"/var/lib/mosquitto",
		"/var/cache/unbound", "/var/cache/bind", "/var/log",
	}
}

// private returns the site's own /etc and /run and its mount namespace, made when
// first asked for.
func (s *Site) private() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mnt != nil {
		return s.mnt, nil
	}
	if err := s.fill(); err != nil {
		return nil, fmt.Errorf("cannot prepare the files of %s: %w", s.Name, err)
	}
	var ns *os.File
	err := onSpentThread(func() (err error) {
		if err := s.mount(); err != nil {
			return err
		}
		ns, err = os.Open("/proc/thread-self/ns/mnt")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot prepare the mounts of %s: %w", s.Name, err)
	}
	s.mnt = ns
	return ns, nil
}

// fill writes the site's own files.
func (s *Site) fill() error {
	if err := copyTree("/etc", filepath.Join(s.dir, "etc")); err != nil {
		return err
	}
	if err := copyLinks("/run", filepath.Join(s.dir, "run")); err != nil {
		return err
	}
	hosts := "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\t" + s.Name + "\n"
	errs := []error{
		s.WriteFile("/etc/resolv.conf", nil, 0o644),
		s.WriteFile("/etc/hosts", []byte(hosts), 0o644),
		s.WriteFile("/etc/hostname", []byte(s.Name+"\n"), 0o644),
		s.WriteFile(UDHCPCScriptFile, []byte(udhcpcScript), 0o755),
		s.plainNames(), s.writeTrust(),
	}
	if _, err := s.ReadFile(udhcpcDefault); errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, s.WriteFile(udhcpcDefault, []byte(udhcpcScript), 0o755))
	}
	return errors.Join(errs...)
}

// plainNames makes the C library look names up in /etc/hosts and by DNS alone.
func (s *Site) plainNames() error {
	text, err := s.ReadFile("/etc/nsswitch.conf")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "hosts:") {
			line = "hosts: files dns\n"
		}
		out.WriteString(line)
	}
	return errors.Join(err, s.WriteFile("/etc/nsswitch.conf", []byte(out.String()), 0o644))
}

// setTrust changes what programs trust, also of a site that has run some.
func (s *Site) setTrust(ca, rootKey []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trust, s.rootKey = ca, rootKey
	if s.mnt == nil {
		return nil
	}
	return s.writeTrust()
}

// writeTrust adds the lab's certificates to the system's and writes the root key.
func (s *Site) writeTrust() error {
	var errs []error
	for i, bundle := range caBundles() {
		system, err := os.ReadFile(bundle) // of the host, so that it can be done again
		if err != nil && i > 0 {
			continue
		}
		errs = append(errs, s.WriteFile(bundle, append(append(system, '\n'), s.trust...), 0o644))
	}
	if s.rootKey != nil {
		errs = append(errs, s.WriteFile(rootKeyFile, s.rootKey, 0o644))
	}
	return errors.Join(errs...)
}

// mount gives the calling thread, which cannot come back, the site's view of the
// file system.
func (s *Site) mount() error {
	if err := errors.Join(unix.Setns(int(s.net.Fd()), unix.CLONE_NEWNET), unix.Unshare(unix.CLONE_NEWNS)); err != nil {
		return err
	}
	// A container may forbid it; then /sys shows the links of the host, which few
	// programs look at.
	_ = unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	for _, dir := range stateDirs() {
		if err := s.hide(dir); err != nil {
			return err
		}
	}
	if err := bind(filepath.Join(s.dir, "etc"), "/etc"); err != nil {
		return err
	}
	if info, err := os.Lstat("/var/run"); err == nil && info.IsDir() {
		if err := bind(filepath.Join(s.dir, "run"), "/var/run"); err != nil {
			return err
		}
	}
	return bind(filepath.Join(s.dir, "run"), "/run")
}

// hide puts an empty folder of the same owner over a folder of the host.
func (s *Site) hide(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil // nothing to hide
	}
	own := filepath.Join(s.dir, dir)
	if err := os.MkdirAll(own, 0o755); err != nil {
		return err
	}
	keepOwner(own, info)
	return bind(own, dir)
}

func bind(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot mount over %s: %w", to, err)
	}
	return nil
}

// copyTree copies what can be read of a folder, up to etcLimit bytes.
func copyTree(from, to string) error {
	left := int64(etcLimit)
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if err != nil {
			return nil // what the user may not read, the programs need not have
		}
		info, err := d.Info()
		if err != nil {
			return nil // gone meanwhile
		}
		switch {
		case d.IsDir():
			return copyDir(target, info)
		case info.Mode()&fs.ModeSymlink != 0:
			return copyLink(path, target)
		case info.Mode().IsRegular() && info.Size() <= min(left, fileLimit):
			left -= info.Size()
			return copyFile(path, target, info)
		}
		return nil
	})
}

func copyDir(target string, info fs.FileInfo) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	keepOwner(target, info)
	return nil
}

func copyLink(path, target string) error {
	to, err := os.Readlink(path)
	if err != nil {
		return nil // gone meanwhile
	}
	return os.Symlink(to, target)
}

func copyFile(path, target string, info fs.FileInfo) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil // what the user may not read, the programs need not have
	}
	if err := os.WriteFile(target, text, 0o600); err != nil {
		return err
	}
	keepOwner(target, info)
	return nil
}

// copyLinks makes a folder with nothing of another one but its symbolic links, by
// which some distributions find their programs.
func copyLinks(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return nil // without one there is nothing to copy
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			if err := copyLink(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepOwner gives a copy the owner, as far as this process may, and the mode.
func keepOwner(path string, info fs.FileInfo) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(path, int(st.Uid), int(st.Gid))
	}
	_ = os.Chmod(path, info.Mode().Perm())
}
