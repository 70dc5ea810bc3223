package upstream

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// streamIdle is how long a connection without answers is kept (RFC 7766
	// section 6.2.3 asks for seconds).
	streamIdle = 10 * time.Second
	// maxPending bounds the questions under way on one connection.
	maxPending = 256
)

var (
	errClosed = errors.New("the upstream closed the connection")
	errBusy   = errors.New("too many questions wait on the connection to the upstream")
)

// stream is one TCP or TLS connection on which several questions may be under
// way (RFC 7766 section 6.2.1.1). Its reader ends when the connection does.
type stream struct {
	conn    net.Conn
	writing sync.Mutex
	mu      sync.Mutex
	pending map[uint16]chan []byte
	nextID  uint16
	gone    chan struct{} // closed when the connection is over
}

func newStream(conn net.Conn, firstID uint16) *stream {
	return &stream{conn: conn, pending: map[uint16]chan []byte{}, nextID: firstID, gone: make(chan struct{})}
}

// read hands answers to who waits for them until the connection ends.
func (s *stream) read() {
	defer close(s.gone)
	defer func() { _ = s.conn.Close() }()
	for {
		if err := s.conn.SetReadDeadline(time.Now().Add(streamIdle)); err != nil {
			return
		}
		b, err := readFrame(s.conn)
		if err != nil || len(b) < 12 {
			return
		}
		if ch := s.claim(binary.BigEndian.Uint16(b)); ch != nil {
			ch <- b // has room for one
		}
	}
}

// readFrame reads one message with its length in front (RFC 1035 section 4.2.2).
func readFrame(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func (s *stream) claim(id uint16) chan []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.pending[id]
	delete(s.pending, id)
	return ch
}

// register finds an id that no question under way has.
func (s *stream) register() (uint16, chan []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) >= maxPending {
		return 0, nil, errBusy
	}
	for s.pending[s.nextID] != nil {
		s.nextID++
	}
	id, ch := s.nextID, make(chan []byte, 1)
	s.nextID++
	s.pending[id] = ch
	return id, ch, nil
}

// exchange sends a question and waits for its answer.
func (s *stream) exchange(ctx context.Context, q *question) ([]byte, error) {
	id, ch, err := s.register()
	if err != nil {
		return nil, err
	}
	defer s.claim(id)
	if err := s.write(ctx, id, q); err != nil {
		return nil, err
	}
	select {
	case b := <-ch:
		return b, q.matches(b)
	case <-s.gone:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// write sends the question under the connection's id. Length and message leave
// in one segment (RFC 7766 section 8).
func (s *stream) write(ctx context.Context, id uint16, q *question) error {
	binary.BigEndian.PutUint16(q.wire, id)
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, len(q.wire)+2), uint16(len(q.wire)))
	frame = append(frame, q.wire...)
	s.writing.Lock()
	defer s.writing.Unlock()
	if end, ok := ctx.Deadline(); ok {
		if err := s.conn.SetWriteDeadline(end); err != nil {
			return err
		}
	}
	_, err := s.conn.Write(frame)
	if err != nil {
		_ = s.conn.Close()
	}
	return err
}

func (s *stream) alive() bool {
	select {
	case <-s.gone:
		return false
	default:
		return true
	}
}
