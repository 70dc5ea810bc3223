package servers

import (
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"assay/testbench/internet/serve"
)

// Layout of an NTP packet, RFC 5905 section 7.3.
const (
	ntpPort      = 123
	ntpSize      = 48
	modeClient   = 3
	modeServer   = 4
	stratumFirst = 1
	precision    = -20 // about a microsecond
	// From 1900, where NTP counts from, to 1970.
	eraOffset = 2208988800
)

// NTP serves the time of a clock on port 123 of an address, as a first-stratum
// server.
func NTP(ctx context.Context, g *serve.Group, at netip.Addr, clock func() time.Time) error {
	c, err := g.ListenPacket(ctx, netip.AddrPortFrom(at, ntpPort))
	if err != nil {
		return err
	}
	g.Go(c.Close, func() {
		buf := make([]byte, 1024)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if m := ntpReply(buf[:n], clock()); m != nil {
				_, _ = c.WriteTo(m, from) // lost like any datagram
			}
		}
	})
	return nil
}

// ntpReply answers a client's question, or returns nil for anything else.
func ntpReply(q []byte, now time.Time) []byte {
	if len(q) < ntpSize || q[0]&7 != modeClient {
		return nil
	}
	m := make([]byte, ntpSize)
	m[0] = q[0]&0x38 | modeServer // the client's version, no leap second
	lowest := int8(precision)
	m[1], m[2], m[3] = stratumFirst, q[2], byte(lowest)
	copy(m[12:], "LAB\x00")
	stamp := ntpTime(now)
	binary.BigEndian.PutUint64(m[16:], stamp)
	copy(m[24:32], q[40:48])
	binary.BigEndian.PutUint64(m[32:], stamp)
	binary.BigEndian.PutUint64(m[40:], stamp)
	return m
}

// ntpTime is seconds since 1900 in the upper half, their fraction in the lower.
func ntpTime(t time.Time) uint64 {
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return uint64(uint32(t.Unix()+eraOffset))<<32 | fraction
}
