//go:build linux

package box

import (
	"errors"
	"io"
	"net"
	"testing"
)

func TestSeveralPortsAsOne(t *testing.T) {
	all, err := inARow(t.Context(), 4)
	if err != nil {
		t.Skipf("there are no free ports in a row: %v", err)
	}
	w := newWide(all)
	first := w.Addr().(*net.TCPAddr).Port
	for i := range all {
		if got := all[i].Addr().(*net.TCPAddr).Port; got != first+i {
			t.Errorf("port %d is %d, want %d", i, got, first+i)
		}
		c, err := net.Dial("tcp", all[i].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "x"); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
			t.Errorf("at port %d: %v", i, err)
		}
		_, _ = c.Close(), s.Close()
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Errorf("closed: %v", err)
	}
	if _, err := w.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := net.Dial("tcp", all[1].Addr().String()); err == nil {
		t.Error("a port is still open")
	}
}
