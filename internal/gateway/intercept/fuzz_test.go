package intercept

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"
)

// script is a connection that gives fixed bytes.
type script struct {
	net.Conn
	io.Reader
}

func (s script) Read(p []byte) (int, error)      { return s.Reader.Read(p) }
func (s script) SetReadDeadline(time.Time) error { return nil }

func FuzzFirstBytes(f *testing.F) {
	var hello bytes.Buffer
	_ = tls.Client(&replay{Reader: &bytes.Buffer{}, Conn: sink{&hello}}, &tls.Config{ServerName: "device.test"}).Handshake()
	f.Add(hello.Bytes())
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 3, 0, 0, 1})
	f.Fuzz(func(t *testing.T, sent []byte) {
		got, err := readFirst(script{Reader: bytes.NewReader(sent)}, time.Second)
		if err == nil && !bytes.HasPrefix(sent, got.bytes) {
			t.Fatalf("the bytes that are passed on are not those that came")
		}
		var a clearAlert
		a.see(sent)
		h := Hello{Server: camera.Server}
		if got.hello != nil {
			h.Name = nameOf(got.hello.ServerName)
			kindFor(got.hello, nil)
			oldSuite(got.hello.CipherSuites)
		}
		if subject(h) == "" {
			t.Fatal("a certificate without a name")
		}
	})
}

// sink keeps what is written.
type sink struct{ *bytes.Buffer }

func (sink) Close() error                     { return nil }
func (sink) LocalAddr() net.Addr              { return nil }
func (sink) RemoteAddr() net.Addr             { return nil }
func (sink) SetDeadline(time.Time) error      { return nil }
func (sink) SetReadDeadline(time.Time) error  { return nil }
func (sink) SetWriteDeadline(time.Time) error { return nil }
