//go:build linux

package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	certVar = "SSL_CERT_FILE"  // which certificates OpenSSL programs trust
	keyVar  = "ASSAY_ROOT_KEY" // the file with the DNSSEC root trust anchor
	pathVar = "PATH"           // extended by the folders of system programs
	sbin    = "/usr/local/sbin:/usr/sbin:/sbin"
	notRun  = 127 // exit code of a program that cannot be started, as shells have it
)

// outside are variables that lead programs out of the lab or to other certificates.
func outside() []string {
	return []string{
		stateVar, "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
		"SSL_CERT_DIR", certVar, "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS",
		"LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES", keyVar,
	}
}

// Command is a real program to be run in the site: in its network, with its host
// name, /etc, /run and /var/run of the site's own (resolv.conf is empty at first and
// writable), empty state folders of DHCP, NTP and DNS programs below /var/lib,
// and the lab's certificates and root key in addition to the system's
// (SSL_CERT_FILE, ASSAY_ROOT_KEY). It is looked up in PATH and in the sbin folders;
// one that cannot be started exits with 127. What it leaves running ends with the
// lab. A descendant that keeps its output open is not waited for longer than
// five seconds.
func (s *Site) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = without(os.Environ(), outside()...)
	mnt, err := s.private()
	if err != nil {
		cmd.Err = err
		return cmd
	}
	cmd.Args = append([]string{enterName, held(s.net), held(mnt), s.Name, name}, args...)
	return cmd
}

// held is a path by which other processes reach what a file of this one holds.
func held(f *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()) }

// runEnter becomes a program in a site: arguments are the two namespaces, the host
// name, the program's name and its arguments.
func runEnter(args []string) int {
	err := errors.New("too few arguments")
	if len(args) >= 4 {
		err = enter(args[0], args[1], args[2], args[3:])
	}
	_, _ = fmt.Fprintln(os.Stderr, "lab: cannot start a program:", err)
	return notRun
}

// enter returns only when it fails. The thread that enters the namespaces is the
// one that becomes the program.
func enter(netPath, mntPath, host string, argv []string) error {
	runtime.LockOSThread()
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	ns, err := os.Open(netPath)
	if err != nil {
		return err
	}
	mnt, err := os.Open(mntPath)
	if err != nil {
		return err
	}
	// A thread changes its mounts only when it shares its folder with no other.
	err = errors.Join(
		unix.Unshare(unix.CLONE_FS|unix.CLONE_NEWUTS), unix.Sethostname([]byte(host)),
		unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET), unix.Setns(int(mnt.Fd()), unix.CLONE_NEWNS))
	if err != nil {
		return err
	}
	if err := unix.Chdir(dir); err != nil {
		return fmt.Errorf("cannot go to %s: %w", dir, err)
	}
	env := programEnv(os.Environ())
	if err := os.Setenv(pathVar, find(env, pathVar)); err != nil {
		return err
	}
	file, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", file, syscall.Exec(file, argv, env))
}

// programEnv is what a program finds in its environment; what the caller has set
// stays.
func programEnv(env []string) []string {
	env = without(env, stateVar)
	path := cmp.Or(find(env, pathVar), "/usr/local/bin:/usr/bin:/bin")
	env = append(without(env, pathVar), pathVar+"="+path+":"+sbin)
	for _, add := range []struct{ name, file string }{{certVar, caBundle}, {keyVar, rootKeyFile}} {
		if _, err := os.Stat(add.file); err == nil && find(env, add.name) == "" {
			env = append(env, add.name+"="+add.file)
		}
	}
	return env
}

// find is the value of a variable in an environment; the last one counts.
func find(env []string, name string) string {
	for _, e := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}
