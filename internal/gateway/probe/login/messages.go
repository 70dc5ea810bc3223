package login

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// messages is MQTT 3.1.1.
type messages struct {
	secure  bool
	secrets Secrets
}

// The packets (MQTT 3.1.1, table 2.1) and the answers to a CONNECT (section 3.2.2.3).
const (
	connect   = 0x10
	connack   = 0x20
	subscribe = 0x82
	suback    = 0x90

	connected     = 0
	badLogin      = 4
	notAuthorised = 5
)

func text16(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) //nolint:gosec // texts of ours, short
}

// packet is one with its length (section 2.2.3); bodies here are below 128 bytes times 128.
func packet(kind byte, body []byte) []byte {
	out := []byte{kind}
	for n := len(body); ; {
		b := byte(n % 128)
		if n /= 128; n > 0 {
			out = append(out, b|128)
			continue
		}
		return append(append(out, b), body...)
	}
}

// hello is a CONNECT (section 3.1) with a clean session; without a user it has none.
func hello(user, secret string, login bool) []byte {
	flags := byte(2)
	if login {
		flags |= 0xc0
	}
	body := append(text16("MQTT"), 4, flags, 0, 30)
	body = append(body, text16("assay")...)
	if login {
		body = append(append(body, text16(user)...), text16(secret)...)
	}
	return packet(connect, body)
}

// publish is a message (section 3.3); some come before what is waited for (section 3.8.4).
const (
	publish       = 0x30
	publishedMost = 64 // messages that are passed over
)

// receive reads a packet of the kind that is waited for.
func (t *talk) receive(kind byte) ([]byte, error) {
	for range publishedMost {
		head, err := t.in.ReadByte()
		if err != nil {
			return nil, err
		}
		length, err := binary.ReadUvarint(t.in)
		switch {
		case err != nil:
			return nil, err
		case head&0xf0 == publish && kind != connack && length <= pageMost:
			if _, err := io.CopyN(io.Discard, t.in, int64(length)); err != nil {
				return nil, err
			}
			continue
		case head != kind || length > lineMost:
			return nil, fmt.Errorf("it answers with a packet of kind %#x and %d bytes", head, length)
		}
		body := make([]byte, length)
		_, err = io.ReadFull(t.in, body)
		return body, err
	}
	return nil, errors.New("it sends messages without an end")
}

// connect says hello and gives the answer's code.
func (m messages) connect(ctx context.Context, dial Dial, to netip.AddrPort, greeting []byte) (t *talk, code byte, took time.Duration, err error) {
	if t, err = open(ctx, dial, "tcp", to, m.secure, m.secrets); err != nil {
		return nil, 0, 0, err
	}
	began := time.Now()
	if _, err = t.Write(greeting); err == nil {
		var body []byte
		if body, err = t.receive(connack); err == nil && len(body) < 2 {
			err = errors.New("its answer is too short")
		} else if err == nil {
			return t, body[1], time.Since(began), nil
		}
	}
	return nil, 0, 0, errors.Join(err, t.Close())
}

// Ask connects without a name; the service is open when it then lets everything be
// listened to.
func (m messages) Ask(ctx context.Context, dial Dial, to netip.AddrPort) (string, Answer) {
	began := time.Now()
	t, code, _, err := m.connect(ctx, dial, to, hello("", "", false))
	if err != nil {
		return "", broken(err, began)
	}
	defer func() { _ = t.Close() }() // it was only asked
	if code != connected && code != badLogin && code != notAuthorised {
		return "", answer(Unclear, fmt.Sprintf("a client without a name is answered with %d", code), began)
	}
	if code != connected {
		return "protocol", answer(Unclear, fmt.Sprintf("a client without a name is answered with %d", code), began)
	}
	if _, err := t.Write(packet(subscribe, append([]byte{0, 1}, append(text16("#"), 0)...))); err != nil {
		return "", broken(err, began)
	}
	body, err := t.receive(suback)
	if err != nil || len(body) != 3 || body[2] > 2 {
		return "protocol", answer(Unclear, "a client without a name may connect, but not listen to everything", began)
	}
	a := answer(Accepted, "a client without a name may listen to every message", began)
	a.Open = true
	return "none", a
}

// Try connects with a name and a password.
func (m messages) Try(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
	began := time.Now()
	t, code, took, err := m.connect(ctx, dial, to, hello(user, secret, true))
	if err != nil {
		return broken(err, began)
	}
	_ = t.Close() // it was only asked
	a := Answer{Outcome: Unclear, Why: fmt.Sprintf("the CONNECT is answered with %d", code), Took: took}
	switch code {
	case connected:
		a.Outcome = Accepted
	case badLogin, notAuthorised:
		a.Outcome = Refused
	}
	return a
}
