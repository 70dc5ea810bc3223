package rpki

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// PDU types of RTR (RFC 8210 section 5, RFC 6810 section 5).
const (
	pduSerialNotify  = 0
	pduResetQuery    = 2
	pduCacheResponse = 3
	pduIPv4Prefix    = 4
	pduIPv6Prefix    = 6
	pduEndOfData     = 7
	pduCacheReset    = 8
	pduRouterKey     = 9
	pduErrorReport   = 10
)

// Limits of a conversation with a cache.
const (
	headerSize = 8
	pduLimit   = 1 << 16 // bytes of a PDU; a router key is a few hundred
	// rtrTime bounds the whole load: validators give a million VRPs in seconds.
	rtrTime = time.Minute
	// notifyLimit is how many Serial Notify PDUs may come in a row; one a minute is
	// what the standard allows (RFC 8210 section 5.2).
	notifyLimit = 16
	// wrongVersion is the error code of a cache that speaks another version.
	wrongVersion = 4
)

// pdu is one message of a cache.
type pdu struct {
	version, kind uint8
	session       uint16 // the session, or an error code
	body          []byte // what follows the header; of use until the next one is read
}

// CacheError is an error that the cache has reported (RFC 8210 section 12).
type CacheError struct {
	Code uint16
	Text string
}

// Error is the cache's own words with the number.
func (e *CacheError) Error() string {
	what := map[uint16]string{0: "corrupt data", 1: "internal error", 2: "no data available yet", 3: "invalid request",
		4: "unsupported version", 5: "unsupported PDU", 8: "unexpected version"}[e.Code]
	return strings.TrimSpace(fmt.Sprintf("the cache reports error %d (%s) %s", e.Code, what, e.Text))
}

// Load takes the whole set of VRPs from a cache over RTR, in version 1 or, when the
// cache knows no other, 0. Made is then the moment of the load: a cache gives what
// holds now.
func (s *VRPs) Load(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), address string) error {
	ctx, cancel := context.WithTimeout(ctx, rtrTime)
	defer cancel()
	err := s.load(ctx, dial, address, 1)
	var told *CacheError
	if errors.As(err, &told) && told.Code == wrongVersion {
		s.List, s.Total = nil, 0
		err = s.load(ctx, dial, address, 0)
	}
	if err == nil && s.Total == 0 {
		err = errors.New("the cache has no VRP: its validator has not finished")
	}
	return err
}

func (s *VRPs) load(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), address string, version uint8) error {
	c, err := dial(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot reach the RTR cache %s: %w", address, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // ends a read that hangs
	defer stop()
	defer func() { _ = c.Close() }() // everything was read
	if _, err := c.Write([]byte{version, pduResetQuery, 0, 0, 0, 0, 0, headerSize}); err != nil {
		return fmt.Errorf("cannot ask the RTR cache %s: %w", address, err)
	}
	if err := s.receive(bufio.NewReaderSize(c, 64<<10), version); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("the RTR cache %s did not give all its data: %w", address, ctx.Err())
		}
		return err
	}
	s.Made = s.now
	return nil
}

// receive reads the answer to a Reset Query (RFC 8210 section 8.1): Cache Response,
// announcements, End of Data.
func (s *VRPs) receive(r io.Reader, version uint8) error {
	buf := make([]byte, pduLimit)
	first, err := s.respond(r, buf, version)
	if err != nil {
		return err
	}
	for {
		p, err := next(r, buf, version)
		switch {
		case err != nil:
			return err
		case p.kind == pduEndOfData && p.session != first.session:
			return errors.New("the cache ends another session than it began")
		case p.kind == pduEndOfData:
			return nil
		}
		if err := s.payload(p); err != nil {
			return err
		}
	}
}

// respond reads the Cache Response.
func (s *VRPs) respond(r io.Reader, buf []byte, version uint8) (pdu, error) {
	p, err := next(r, buf, version)
	switch {
	case err != nil:
		return p, err
	case p.kind == pduCacheReset:
		return p, errors.New("the cache has no data for a full load")
	case p.kind != pduCacheResponse:
		return p, fmt.Errorf("the cache sends PDU %d before it responds", p.kind)
	}
	return p, nil
}

// next reads the next PDU that matters: a Serial Notify may come at any time.
func next(r io.Reader, buf []byte, version uint8) (pdu, error) {
	for range notifyLimit {
		p, err := readPDU(r, buf)
		switch {
		case err != nil:
			return p, err
		case p.kind == pduErrorReport:
			return p, p.report()
		case p.version != version:
			return p, fmt.Errorf("the cache answers in version %d to version %d", p.version, version)
		case p.kind != pduSerialNotify:
			return p, nil
		}
	}
	return pdu{}, errors.New("the cache sends nothing but notifications")
}

// payload takes one announcement.
func (s *VRPs) payload(p pdu) error {
	switch p.kind {
	case pduRouterKey:
		return nil
	case pduIPv4Prefix, pduIPv6Prefix:
		v, err := p.vrp()
		if err != nil {
			return err
		}
		return s.take(v, time.Time{})
	default:
		return fmt.Errorf("the cache sends PDU %d within its data", p.kind)
	}
}

// readPDU reads one PDU into buf.
func readPDU(r io.Reader, buf []byte) (pdu, error) {
	head := buf[:headerSize]
	if _, err := io.ReadFull(r, head); err != nil {
		return pdu{}, fmt.Errorf("cannot read from the RTR cache: %w", err)
	}
	p := pdu{version: head[0], kind: head[1], session: binary.BigEndian.Uint16(head[2:])}
	size := binary.BigEndian.Uint32(head[4:])
	if size < headerSize || size > pduLimit {
		return pdu{}, fmt.Errorf("the cache sends a PDU of %d bytes", size)
	}
	p.body = buf[headerSize:size]
	if _, err := io.ReadFull(r, p.body); err != nil {
		return pdu{}, fmt.Errorf("cannot read from the RTR cache: %w", err)
	}
	return p, nil
}

// vrp reads an IPv4 or IPv6 Prefix PDU (RFC 8210 sections 5.6 and 5.7).
func (p pdu) vrp() (VRP, error) {
	size := 4
	if p.kind == pduIPv6Prefix {
		size = 16
	}
	if len(p.body) != 4+size+4 {
		return VRP{}, fmt.Errorf("the cache sends a prefix in %d bytes", len(p.body)+headerSize)
	}
	if p.body[0]&1 == 0 {
		return VRP{}, errors.New("the cache withdraws a prefix within a full load")
	}
	addr, _ := netip.AddrFromSlice(p.body[4 : 4+size])
	v, err := newVRP(netip.PrefixFrom(addr, int(p.body[1])), int(p.body[2]), binary.BigEndian.Uint32(p.body[4+size:]))
	if err != nil {
		return VRP{}, fmt.Errorf("cannot use what the cache sends: %w", err)
	}
	return v, nil
}

// report reads an Error Report (RFC 8210 section 5.11); its text is foreign.
func (p pdu) report() error {
	e := &CacheError{Code: p.session}
	_, rest, _ := cutField(p.body) // the PDU in error
	if text, _, ok := cutField(rest); ok && len(text) > 0 {
		const most = 200
		e.Text = fmt.Sprintf("%q", text[:min(len(text), most)])
	}
	return e
}

// cutField takes a field with its length before it.
func cutField(b []byte) (field, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}
