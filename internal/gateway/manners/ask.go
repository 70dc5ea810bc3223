package manners

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/ndp"
)

// asker asks one device.
type asker struct {
	cfg  Config
	port Port
}

// send sends one message, after its note: never to an address that is not the device's
// at that moment.
func (a asker) send(ctx context.Context, n Note, hops int, message func(from netip.Addr) []byte) error {
	all, err := a.cfg.Device(ctx)
	if err != nil {
		return err
	}
	own := false
	for _, d := range all {
		own = own || d.WithZone("") == n.To
	}
	from, onLink := a.cfg.From(n.To)
	if !own || !onLink {
		return fmt.Errorf("cannot send to %s: it is not an address of the device on the LAN port", n.To)
	}
	n.From = from.WithZone("")
	a.cfg.note(n)
	if err := a.port.Send(n.From, n.To, hops, message(n.From)); err != nil {
		return fmt.Errorf("cannot send to %s (%s): %w", n.To, n.What, err)
	}
	return nil
}

// farHops is the hop limit of an advertisement that passed a router.
const farHops = 64

// The times of an address that is made from the offer all the same.
const (
	farValid     = 2 * time.Minute
	farPreferred = time.Minute
)

// advertise sends an advertisement that a host must ignore (RFC 4861 section 6.1.2): its
// hop limit shows that it may come from another link. It offers no way out, so that who
// believes it loses nothing but an address.
func (a asker) advertise(ctx context.Context, to netip.Addr) error {
	message, err := ndp.MarshalMessage(&ndp.RouterAdvertisement{Options: []ndp.Option{&ndp.PrefixInformation{
		PrefixLength: uint8(a.cfg.Prefix.Bits()), Prefix: a.cfg.Prefix.Addr(), AutonomousAddressConfiguration: true, //nolint:gosec // at most 128
		ValidLifetime: farValid, PreferredLifetime: farPreferred,
	}}})
	if err != nil {
		return fmt.Errorf("cannot make an advertisement for %s: %w", a.cfg.Prefix, err)
	}
	a.cfg.Tell("an advertisement from another link")
	for range advertisements {
		n := Note{What: "advertisement", To: to, Prefix: a.cfg.Prefix}
		if err := a.send(ctx, n, farHops, func(netip.Addr) []byte { return message }); err != nil {
			return err
		}
		select {
		case <-time.After(a.cfg.Pace.Between):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Sizes of the echo: every Ethernet link carries the request in one piece.
const (
	echoBytes = 1352 // of data; 1400 bytes with both headers
	leastMTU  = 1280
	someHops  = 64
)

// echoes sends large echo requests. While the replies come in one piece that is too big
// for the least MTU the device is told so, a few times.
func (a asker) echoes(ctx context.Context, to netip.Addr) error {
	a.cfg.Tell("whether it keeps to a small MTU")
	told, answered, pieces := 0, 0, 0
	for seq := range uint16(requests) {
		reply, err := a.echo(ctx, to, seq)
		if err != nil {
			return err
		}
		if len(reply.Message) == 0 {
			continue
		}
		answered++
		if reply.Pieces {
			pieces++
		}
		if pieces == confirmations || told == tellings {
			return nil
		}
		if reply.Pieces {
			continue
		}
		told++
		about := func(box netip.Addr) []byte { return tooBig(to, box, reply.Message) }
		if err := a.send(ctx, Note{What: "too-big", To: to}, someHops, about); err != nil {
			return err
		}
	}
	if answered == 0 {
		return ErrSilent
	}
	return nil
}

// echo sends a request and waits for the whole reply; there is no message when none came.
func (a asker) echo(ctx context.Context, to netip.Addr, seq uint16) (none Reply, err error) {
	err = a.send(ctx, Note{What: "echo", To: to}, someHops, func(netip.Addr) []byte { return echoRequest(seq) })
	if err != nil {
		return none, err
	}
	deadline := time.Now().Add(a.cfg.Pace.Answer)
	b := make([]byte, 2048)
	for {
		r, err := a.port.Receive(b, deadline)
		switch {
		case ctx.Err() != nil:
			return none, context.Cause(ctx)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return none, nil
		case err != nil:
			return none, fmt.Errorf("cannot hear the device: %w", err)
		case r.From.WithZone("") == to && isReply(r.Message, seq):
			return r, nil
		}
	}
}

// Types of ICMPv6 messages (RFC 4443), and what marks the box's echo.
const (
	typeTooBig  = 2
	typeRequest = 128
	typeReply   = 129
	echoID      = 0xa55a
)

func echoRequest(seq uint16) []byte {
	b := make([]byte, 8, 8+echoBytes)
	b[0] = typeRequest
	binary.BigEndian.PutUint16(b[4:], echoID)
	binary.BigEndian.PutUint16(b[6:], seq)
	for len(b) < cap(b) {
		b = append(b, byte('a'+len(b)%26))
	}
	return b
}

// isReply says that a message is the reply to one request, with all that was sent.
func isReply(b []byte, seq uint16) bool {
	return len(b) == 8+echoBytes && b[0] == typeReply && binary.BigEndian.Uint16(b[4:]) == echoID && binary.BigEndian.Uint16(b[6:]) == seq
}

// tooBig says that a reply of the device was too big. It quotes as much of the packet as
// the least MTU takes (RFC 4443 section 3.2).
func tooBig(device, box netip.Addr, reply []byte) []byte {
	const header, icmp6 = 40, 58
	b := make([]byte, 8, 8+header+len(reply))
	b[0] = typeTooBig
	binary.BigEndian.PutUint32(b[4:], leastMTU)
	b = append(b, 6<<4, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(reply))) //nolint:gosec // as long as the request
	b = append(b, icmp6, someHops)
	b = append(append(b, device.AsSlice()...), box.AsSlice()...)
	b = append(b, reply...)
	return b[:min(len(b), leastMTU-header)]
}
