package fleet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// account is what a device tells a broker of itself; a password is sent when there is
// one.
type account struct{ client, user, password string }

// publish connects to a broker, sends one reading and takes its leave (MQTT 3.1.1).
// The connection has TLS where t is not nil.
func publish(at string, t *tlsTrait, a account, topic, reading string) func(context.Context, *product) error {
	return func(ctx context.Context, p *product) (err error) {
		var c net.Conn
		if t == nil {
			c, err = p.dial(ctx, "tcp", at)
		} else {
			c, err = p.dialTLS(ctx, t, "tcp", at)
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.Close()) }()
		if end, ok := ctx.Deadline(); ok {
			if err := c.SetDeadline(end); err != nil {
				return err
			}
		}
		return converse(c, a, topic, reading)
	}
}

// Packets of MQTT 3.1.1, section 2.2.1, with their flags.
const (
	mqttConnect    = 0x10
	mqttConnAck    = 0x20
	mqttPublish    = 0x32 // at least once
	mqttPubAck     = 0x40
	mqttDisconnect = 0xe0
)

func converse(c io.ReadWriter, a account, topic, reading string) error {
	if _, err := c.Write(a.connect()); err != nil {
		return err
	}
	if err := expect(c, mqttConnAck); err != nil {
		return err
	}
	const id = 1
	body := binary.BigEndian.AppendUint16(text(nil, topic), id)
	if _, err := c.Write(packet(mqttPublish, append(body, reading...))); err != nil {
		return err
	}
	if err := expect(c, mqttPubAck); err != nil {
		return err
	}
	_, err := c.Write(packet(mqttDisconnect, nil))
	return err
}

// connect is the first packet, section 3.1.
func (a account) connect() []byte {
	const level, clean, withUser, withPassword, keepAlive = 4, 0x02, 0x80, 0x40, 30
	flags := byte(clean)
	if a.password != "" {
		flags |= withUser | withPassword
	}
	body := append(text(nil, "MQTT"), level, flags, 0, keepAlive)
	body = text(body, a.client)
	if a.password != "" {
		body = text(text(body, a.user), a.password)
	}
	return packet(mqttConnect, body)
}

// text is a string with its length.
func text(to []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(s))), s...) //nolint:gosec // all of them are short
}

// packet puts the header before a body of less than 16,384 bytes.
func packet(kind byte, body []byte) []byte {
	out := []byte{kind}
	n := len(body)
	if n >= 0x80 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return append(append(out, byte(n)), body...)
}

// expect reads the two bytes that follow the header of an acknowledgement.
func expect(c io.Reader, kind byte) error {
	var b [4]byte
	if _, err := io.ReadFull(c, b[:]); err != nil {
		return err
	}
	if b[0] != kind || b[1] != 2 || kind == mqttConnAck && b[3] != 0 {
		return fmt.Errorf("the broker answered % x", b)
	}
	return nil
}
