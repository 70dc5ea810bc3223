//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// inNet runs f on a thread inside a network namespace and puts the thread back. It
// may be nested.
func inNet(ns *os.File, f func() error) error {
	return onThread(func() error { return unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET) }, f)
}

// newNet makes a network namespace and returns what holds it.
func newNet() (*os.File, error) {
	var ns *os.File
	err := onThread(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() (err error) {
		ns, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return ns, err
}

// bareNet is the network namespace that the processes inside began with, if nothing
// is in it yet.
func bareNet() (*os.File, error) {
	ns, err := os.Open("/proc/1/ns/net")
	if err != nil {
		return nil, err
	}
	err = inNet(ns, func() error {
		links, err := again(netlink.LinkList)
		if err == nil && len(links) > 1 {
			err = errors.New("the process's own namespace has links already: another lab may be using it")
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, ns.Close())
	}
	return ns, nil
}

// onThread runs f on this goroutine while its thread is elsewhere. A thread that
// cannot be put back is given up: it ends with its goroutine.
func onThread(leave, f func() error) (err error) {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("cannot find the thread's namespace: %w", err)
	}
	defer func() { _ = home.Close() }() // it was only read
	if err := leave(); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("cannot change the network namespace: %w", err)
	}
	defer func() {
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			err = errors.Join(err, fmt.Errorf("cannot leave the network namespace: %w", back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

// onSpentThread runs f on a thread that ends afterwards, because f takes it where
// it cannot come back from. It is never the main thread, whose namespaces are what
// /proc/self shows.
func onSpentThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- onSpentThread(f) // this thread is held meanwhile, so another one is taken
			runtime.UnlockOSThread()
			return
		}
		done <- f() // ends locked: the thread ends with it
	}()
	return <-done
}
