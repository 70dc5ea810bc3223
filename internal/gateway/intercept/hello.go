package intercept

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// record types and lengths of TLS (RFC 8446 section 5.1).
const (
	recordHandshake = 22
	recordHeader    = 5
	recordMost      = 1<<14 + 256
	clientHello     = 1
	handshakeHeader = 4
)

// first is what a client sent first.
type first struct {
	bytes []byte // as they came
	hello *tls.ClientHelloInfo
	// body is the ClientHello message without its header, nil when it was none.
	body []byte
}

// readFirst reads a client's first bytes: a whole ClientHello, or what shows that it
// is none. A client that says nothing waits for the server to speak.
func readFirst(c net.Conn, patience time.Duration) (first, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return first{}, err
	}
	var f first
	message, err := f.message(c)
	if err != nil && len(f.bytes) == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
		return f, err // it went away
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return f, err
	}
	if message != nil {
		f.body = message[handshakeHeader:]
		f.hello = parse(f.bytes)
	}
	return f, nil
}

// message reads records until a ClientHello is complete; nil when it is something
// else or does not come whole.
func (f *first) message(r io.Reader) ([]byte, error) {
	var message []byte
	for {
		body, err := f.record(r)
		if err != nil {
			return nil, err
		}
		message = append(message, body...)
		if len(body) == 0 || message[0] != clientHello {
			return nil, nil
		}
		if len(message) >= handshakeHeader {
			if want := handshakeHeader + int(message[1])<<16 + int(message[2])<<8 + int(message[3]); len(message) >= want {
				return message[:want], nil
			}
		}
	}
}

// record reads a record of the handshake; nothing when it is another one.
func (f *first) record(r io.Reader) ([]byte, error) {
	header, err := f.take(r, recordHeader)
	if err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(header[3:]))
	if header[0] != recordHandshake || header[1] != 3 || size > recordMost || len(f.bytes)+size > helloLimit {
		return nil, nil
	}
	return f.take(r, size)
}

// take reads n more bytes. What came of them stays in bytes.
func (f *first) take(r io.Reader, n int) ([]byte, error) {
	at := len(f.bytes)
	f.bytes = append(f.bytes, make([]byte, n)...)
	got, err := io.ReadFull(r, f.bytes[at:])
	f.bytes = f.bytes[:at+got]
	return f.bytes[at:], err
}

// errParsed ends the reading of a hello when it is known.
var errParsed = errors.New("the hello was read")

// parse reads a ClientHello as crypto/tls does; nil where it cannot.
func parse(raw []byte) (out *tls.ClientHelloInfo) {
	server := tls.Server(&replay{Reader: bytes.NewReader(raw)}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			out = h
			return nil, errParsed
		},
	})
	_ = server.HandshakeContext(context.Background()) // it ends with errParsed
	return out
}

// replay is a connection that gives bytes which were read already, and then goes on
// with the real one, if there is one.
type replay struct {
	io.Reader
	net.Conn
}

// resume makes a connection whose first bytes come again.
func resume(c net.Conn, seen []byte) net.Conn {
	return &replay{io.MultiReader(bytes.NewReader(seen), c), c}
}

func (r *replay) Read(p []byte) (int, error) { return r.Reader.Read(p) }

func (r *replay) Write(p []byte) (int, error) {
	if r.Conn == nil {
		return len(p), nil
	}
	return r.Conn.Write(p)
}

func (r *replay) Close() error {
	if r.Conn == nil {
		return nil
	}
	return r.Conn.Close()
}

func (r *replay) SetDeadline(t time.Time) error {
	if r.Conn == nil {
		return nil
	}
	return r.Conn.SetDeadline(t)
}

func (r *replay) SetReadDeadline(t time.Time) error {
	if r.Conn == nil {
		return nil
	}
	return r.Conn.SetReadDeadline(t)
}

func (r *replay) SetWriteDeadline(t time.Time) error {
	if r.Conn == nil {
		return nil
	}
	return r.Conn.SetWriteDeadline(t)
}
