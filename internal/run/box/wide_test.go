//go:build linux

package box

import (
	"errors"
	"io"
	"net"
	"testing"
)

// greet connects to one of the ports and sends a byte.
func greet(w *wide, at string) error {
	c, err := net.Dial("tcp", at)
	if err != nil {
		return err
	}
	s, err := w.Accept()
	if err != nil {
		return errors.Join(err, c.Close())
	}
	_, err = io.WriteString(c, "x")
	if err == nil {
		_, err = io.ReadFull(s, make([]byte, 1))
	}
	return errors.Join(err, c.Close(), s.Close())
}

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
		if err := greet(w, all[i].Addr().String()); err != nil {
			t.Errorf("at port %d: %v", i, err)
		}
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
