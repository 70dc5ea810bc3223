//go:build linux

package health

import (
	"net"
	"testing"
	"time"
)

func TestClockAndRoomOfTheMachine(t *testing.T) {
	if c, err := ReadClock(); err != nil || time.Since(c.Now) > time.Minute {
		t.Errorf("clock %+v, %v", c, err)
	}
	if r, err := ReadRoom(t.TempDir()); err != nil || r.Total == 0 || r.Free > r.Total {
		t.Errorf("room %+v, %v", r, err)
	}
	if _, err := ReadRoom("/no/such/folder"); err == nil {
		t.Error("a folder that is not there has room")
	}
}

func TestTheLoopbackIsNoPort(t *testing.T) {
	ports, err := ListPorts("lo")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		if p.Name == "lo" {
			t.Error("the loopback is offered as a port")
		}
	}
}

func TestTryingTheKernelLeavesTheMachineAlone(t *testing.T) {
	before, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	if missing, err := TryKernel(); err == nil && len(missing) > 0 {
		t.Errorf("this kernel lacks %v", missing)
	}
	after, err := net.Interfaces()
	if err != nil || len(after) != len(before) {
		t.Errorf("%d links before, %d after: %v", len(before), len(after), err)
	}
}
