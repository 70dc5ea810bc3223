package netos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	nlsocket "github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// dumpRetries bounds how often an interrupted list is asked for again; addresses
// change while duplicate address detection runs, which interrupts lists.
const dumpRetries = 30

// Options say which namespace New opens.
type Options struct {
	// Do runs a function on a thread inside the namespace; nil for the
	// namespace of the process.
	Do func(func() error) error
}

// Real is the kernel of one network namespace.
type Real struct {
	do     func(func() error) error
	handle *netlink.Handle
}

var _ Kernel = (*Real)(nil)

// New opens the kernel of a network namespace. It needs CAP_NET_ADMIN there.
// Close it when done.
func New(o Options) (*Real, error) {
	k := &Real{do: o.Do}
	if k.do == nil {
		k.do = func(f func() error) error { return f() }
	}
	err := k.do(func() (err error) {
		k.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot open a netlink socket: %w", err)
	}
	return k, nil
}

// Close gives the netlink socket back.
func (k *Real) Close() { k.handle.Close() }

// ID is the boot's identity and the inode of the network namespace.
func (k *Real) ID() (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("cannot tell which boot this is: %w", err)
	}
	var ns string
	err = k.do(func() (err error) {
		ns, err = os.Readlink("/proc/thread-self/ns/net")
		return err
	})
	if err != nil {
		return "", fmt.Errorf("cannot tell which network namespace this is: %w", err)
	}
	return strings.TrimSpace(string(boot)) + " " + ns, nil
}

// Do runs f on a thread inside the namespace.
func (k *Real) Do(f func() error) error { return k.do(f) }

// watched are the multicast groups of rtnetlink(7) that Watch listens to.
var watched = []int{
	unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
	unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
}

// Watch calls changed after every message of the kernel about links, addresses
// or routes. Messages that overran the socket count as a change too.
func (k *Real) Watch(ctx context.Context, changed func()) error {
	conn, err := k.subscribe()
	if err != nil {
		return fmt.Errorf("cannot watch the network: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // this wakes Receive
	defer stop()
	defer func() { _ = conn.Close() }() // it was only read
	changed()                           // nobody told of what changed before
	for {
		_, err := conn.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS):
			return fmt.Errorf("cannot watch the network any longer: %w", err)
		}
		changed()
	}
}

func (k *Real) subscribe() (*nlsocket.Conn, error) {
	var conn *nlsocket.Conn
	err := k.do(func() (err error) {
		conn, err = nlsocket.Dial(unix.NETLINK_ROUTE, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, g := range watched {
		if err := conn.JoinGroup(uint32(g)); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// Sysctl reads /proc/sys/KEY inside the namespace.
func (k *Real) Sysctl(key string) (string, error) {
	path, err := sysctlPath(key)
	if err != nil {
		return "", err
	}
	var text []byte
	err = k.do(func() (err error) {
		text, err = os.ReadFile(path)
		return err
	})
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("sysctl %s is %w", key, ErrAbsent)
	case err != nil:
		return "", fmt.Errorf("cannot read sysctl %s: %w", key, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// SetSysctl writes /proc/sys/KEY inside the namespace and reads it back.
func (k *Real) SetSysctl(key, value string) error {
	path, err := sysctlPath(key)
	if err != nil {
		return err
	}
	err = k.do(func() error { return writeSysctl(path, value) })
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("sysctl %s is %w", key, ErrAbsent)
	}
	if err != nil {
		return fmt.Errorf("cannot set sysctl %s to %s: %w", key, value, err)
	}
	got, err := k.Sysctl(key)
	if err == nil && got != value {
		err = fmt.Errorf("cannot set sysctl %s to %s: the kernel keeps %s", key, value, got)
	}
	return err
}

func writeSysctl(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

func sysctlPath(key string) (string, error) {
	if !filepath.IsLocal(key) {
		return "", fmt.Errorf("cannot use %q as a sysctl: give a path below /proc/sys", key)
	}
	return filepath.Join("/proc/sys", key), nil
}

// again repeats a list while the kernel says that it changed under the reader.
func again[T any](list func() (T, error)) (T, error) {
	var out T
	var err error
	for range dumpRetries {
		out, err = list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return out, err
}
