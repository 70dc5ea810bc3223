//go:build linux

package lab

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// endProcesses kills every process in the lab's namespaces, and those on the way
// into them, until there is none: servers leave children that a single kill does
// not reach.
func (l *Lab) endProcesses() error {
	var theirs []*os.File
	for _, s := range l.sites() {
		if s != l.Gateway || !l.options.GatewayHere {
			theirs = append(theirs, s.net) // else it is also that of the tests
		}
		s.mu.Lock()
		if s.mnt != nil {
			theirs = append(theirs, s.mnt)
		}
		s.mu.Unlock()
	}
	return end(theirs)
}

// end kills every process in the namespaces.
func end(theirs []*os.File) error {
	const patience = 10 * time.Second
	deadline := time.Now().Add(patience)
	for {
		pids := processesIn(theirs)
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot end the processes %v in the lab", pids)
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended just now
		}
		time.Sleep(2 * time.Millisecond) // the kernel takes them down meanwhile
	}
}

// processesIn lists the processes, but this one, that are in one of the namespaces
// or about to enter it.
func processesIn(namespaces []*os.File) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && pid != os.Getpid() && isIn(e.Name(), namespaces) {
			out = append(out, pid)
		}
	}
	return out
}

func isIn(pid string, namespaces []*os.File) bool {
	line, err := os.ReadFile("/proc/" + pid + "/cmdline")
	if err != nil {
		return false
	}
	entering := bytes.HasPrefix(line, []byte(enterName+"\x00"))
	for _, ns := range namespaces {
		if entering && bytes.Contains(line, []byte("\x00"+held(ns)+"\x00")) {
			return true
		}
		for _, kind := range []string{"net", "mnt"} {
			if same(ns, "/proc/"+pid+"/ns/"+kind) {
				return true
			}
		}
	}
	return false
}

// same says whether a path leads to the namespace that a file holds. Processes that
// have ended have none.
func same(ns *os.File, path string) bool {
	var a, b unix.Stat_t
	if unix.Fstat(int(ns.Fd()), &a) != nil || unix.Stat(path, &b) != nil {
		return false
	}
	return a.Dev == b.Dev && a.Ino == b.Ino
}
