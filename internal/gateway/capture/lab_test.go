//go:build linux

package capture

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

const insideVar = "CAPTURE_TEST_INSIDE"

// TestMain runs the tests of an unprivileged user inside a user namespace of
// their own, where they may open packet sockets.
func TestMain(m *testing.M) {
	if os.Getuid() != 0 && os.Getenv(insideVar) == "" {
		cmd := exec.Command(os.Args[0], os.Args[1:]...)
		cmd.Env = append(os.Environ(), insideVar+"=1")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		switch err := cmd.Run(); {
		case err == nil:
			os.Exit(0)
		case cmd.ProcessState != nil:
			os.Exit(cmd.ProcessState.ExitCode())
		}
	}
	goleak.VerifyTestMain(m)
}

// cable makes a new network namespace for the calling test, with the two ends of
// one cable in it: the box's and the device's. The thread stays in the namespace
// and ends with the test.
func cable(t testing.TB) (box, device netlink.Link) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		if os.Getenv("REQUIRE_LAB") == "1" {
			t.Fatalf("no network namespace: %v", err)
		}
		t.Skipf("no network namespace: %v", err)
	}
	for _, name := range []string{"all", "default"} {
		path := "/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6"
		if err := os.WriteFile(path, []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "box"
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "device"}); err != nil {
		t.Fatal(err)
	}
	box, device = link(t, "box"), link(t, "device")
	up(t, box)
	up(t, device)
	return box, device
}

func link(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func up(t testing.TB, l netlink.Link) {
	t.Helper()
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
}

// sender is a packet socket that only sends.
type sender struct {
	t  testing.TB
	fd int
	to unix.SockaddrLinklayer
}

func newSender(t testing.TB, l netlink.Link) *sender {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return &sender{t: t, fd: fd, to: unix.SockaddrLinklayer{Ifindex: l.Attrs().Index}}
}

func (s *sender) send(frame []byte) {
	s.t.Helper()
	if err := unix.Sendto(s.fd, frame, 0, &s.to); err != nil {
		s.t.Fatal(err)
	}
}
