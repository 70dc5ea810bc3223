//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// saidFD is where the first process says why it cannot go on.
const saidFD = 3

// store is where the files of a lab live: a memory file system that only the
// namespaces see. The first of these folders that exists is covered by it; none of
// them holds anything a program under test may need.
func store() string {
	for _, dir := range []string{"/dev/shm", "/mnt", "/media", "/srv"} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return "/run"
}

// idMaps maps the caller to root. Root keeps its other users too, because servers
// want to become them.
func idMaps() (users, groups []syscall.SysProcIDMap) {
	if os.Geteuid() != 0 {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			[]syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return sameIDs("/proc/self/uid_map"), sameIDs("/proc/self/gid_map")
}

// mayAllowSetgroups says whether processes in the new namespaces may change their
// groups: only root may grant it, and only what it may do itself.
func mayAllowSetgroups() bool {
	text, err := os.ReadFile("/proc/self/setgroups")
	return os.Geteuid() == 0 && err == nil && strings.TrimSpace(string(text)) == "allow"
}

// sameIDs maps the ids from 0 on, as far as the caller's own map goes, to themselves.
func sameIDs(file string) []syscall.SysProcIDMap {
	const most = 65536 // what Unix programs expect of ids
	size := 1
	text, _ := os.ReadFile(file) // without it: root alone
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "0" {
			if n, err := strconv.ParseInt(f[2], 10, 64); err == nil {
				size = int(min(n, most))
			}
		}
	}
	return []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: size}}
}

// passedOn are the signals that a parent hands to its child.
func passedOn() []os.Signal {
	return []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}
}

// passOn hands caught signals to a process until it is stopped.
func passOn(caught <-chan os.Signal, pid int) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case s := <-caught:
				if n, ok := s.(syscall.Signal); ok {
					_ = unix.Kill(pid, n) // it may have ended just now
				}
			case <-quit:
				return
			}
		}
	})
	return func() { close(quit); wg.Wait() }
}

// runInit is the first process of the namespaces: it prepares them, starts the
// program proper, buries what nobody waits for and ends with the program's code.
// Its end is the end of every process in the namespaces.
func runInit(args []string) int {
	said := os.NewFile(saidFD, "said")
	unix.CloseOnExec(saidFD)
	if err := prepare(); err != nil {
		_, _ = fmt.Fprintf(said, "%v", err)
		return 1
	}
	caught := make(chan os.Signal, 8)
	signal.Notify(caught, passedOn()...)
	pid, err := syscall.ForkExec("/proc/self/exe", args, &syscall.ProcAttr{
		Env: os.Environ(), Files: append([]uintptr{0, 1, 2}, handedOn()...),
	})
	if err != nil {
		_, _ = fmt.Fprintf(said, "cannot start %s in the namespaces: %v", args[0], err)
		return 1
	}
	_ = said.Close() // nothing to complain about
	defer passOn(caught, pid)()
	return bury(pid)
}

// handedOn are the descriptors of the files that the program is given; the first
// process holds them behind the one by which it speaks.
func handedOn() (list []uintptr) {
	for i := range inherited() {
		list = append(list, uintptr(saidFD+1+i))
	}
	return list
}

// inherited is how many files were handed on.
func inherited() int {
	n, _ := strconv.Atoi(os.Getenv(filesVar)) // without it: none
	return max(0, min(n, 16))
}

// Inherited is file i of those that Reexec was given; nil when there is none. Programs
// of the lab do not get it.
func Inherited(i int) *os.File {
	if !Inside() || i < 0 || i >= inherited() {
		return nil
	}
	fd := saidFD + i
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "inherited")
}

// bury waits for every child, its own or orphaned, until the process with this id
// ends, and returns that one's exit code.
func bury(pid int) int {
	for {
		var s unix.WaitStatus
		ended, err := unix.Wait4(-1, &s, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 1
		case ended != pid:
		case s.Signaled(): //nolint:misspell // the name of a method
			return bySignal + int(s.Signal())
		default:
			return s.ExitStatus()
		}
	}
}

// prepare makes the namespaces usable; its errors are shown to people.
func prepare() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot change mounts inside the new namespaces: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("cannot mount /proc inside the new namespaces: %w", err)
	}
	// A container may forbid it; then /sys shows the links of the host, which few
	// programs look at.
	_ = unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err := unix.Mount("lab", store(), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return fmt.Errorf("cannot mount a memory file system inside the new namespaces: %w", err)
	}
	// Without a loopback the net package believes that there is no IPv6.
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("cannot bring up the loopback inside the new namespaces: %w", err)
	}
	return nil
}
