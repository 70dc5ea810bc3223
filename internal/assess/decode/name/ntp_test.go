package name

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess/event"
)

// ntpPacket is a packet with the given first four bytes and transmit time.
func ntpPacket(head [4]byte, sec, frac uint32, tail ...byte) []byte {
	p := make([]byte, ntpLen, ntpLen+len(tail))
	copy(p, head[:])
	binary.BigEndian.PutUint32(p[40:], sec)
	binary.BigEndian.PutUint32(p[44:], frac)
	return append(p, tail...)
}

func field(kind uint16, n int) []byte {
	f := make([]byte, n)
	binary.BigEndian.PutUint16(f, kind)
	binary.BigEndian.PutUint16(f[2:], uint16(n))
	return f
}

// ntsRequest carries unique identifier, cookie and authenticator (RFC 8915
// section 5.7).
func ntsRequest() []byte {
	tail := append(field(0x0104, 36), field(0x0204, 104)...)
	return ntpPacket([4]byte{0x23, 0, 6, 0xe9}, 1, 1, append(tail, field(0x0404, 40)...)...)
}

func TestNTP(t *testing.T) {
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	sec := uint32(day.Unix() + 2208988800)
	cases := []struct {
		name string
		from event.Side
		data []byte
		want []event.Body
	}{
		{"SNTP request of zeros", event.FromClient, ntpPacket([4]byte{0x1b}, 0, 0),
			[]event.Body{event.TimeAsked{Version: 3, Mode: 3}}},
		{"request", event.FromClient, ntpPacket([4]byte{0x23, 0, 10, 0xfa}, sec, 1<<31),
			[]event.Body{event.TimeAsked{Version: 4, Mode: 3, Poll: 10, Transmit: day.Add(time.Second / 2)}}},
		{"answer", event.FromServer, ntpPacket([4]byte{0x24, 2}, sec, 0),
			[]event.Body{event.TimeAnswered{Version: 4, Mode: 4, Stratum: 2, Transmit: day}}},
		{"symmetric", event.FromClient, ntpPacket([4]byte{0x21}, sec, 0),
			[]event.Body{event.TimeAsked{Version: 4, Mode: 1, Transmit: day}}},
		{"broadcast", event.FromClient, ntpPacket([4]byte{0x25, 1}, sec, 0),
			[]event.Body{event.TimeAnswered{Version: 4, Mode: 5, Stratum: 1, Transmit: day}}},
		{"after the rollover of 2036", event.FromClient, ntpPacket([4]byte{0x23}, 1, 0),
			[]event.Body{event.TimeAsked{Version: 4, Mode: 3, Transmit: time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC)}}},
		{"authenticated request", event.FromClient, ntsRequest(),
			[]event.Body{event.TimeAsked{Version: 4, Mode: 3, Poll: 6, Transmit: time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC), NTS: true}}},
		{"unique identifier alone", event.FromClient, ntpPacket([4]byte{0x23}, 0, 0, field(0x0104, 36)...),
			[]event.Body{event.TimeAsked{Version: 4, Mode: 3}}},
		{"symmetric key", event.FromClient, ntpPacket([4]byte{0x23}, 0, 0, make([]byte, 20)...),
			[]event.Body{event.TimeAsked{Version: 4, Mode: 3}}},
		{"request from the server's side", event.FromServer, ntpPacket([4]byte{0x23}, 0, 0), nil},
		{"control message", event.FromClient, append([]byte{0x16, 2}, make([]byte, 10)...), nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := udp(40000, portNTP)
			if !newNTP().Packet(c, tc.from, tc.data) {
				t.Error("was not taken for NTP")
			}
			if diff := cmp.Diff(tc.want, c.bodies); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNotNTP(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing": nil, "short": make([]byte, 47), "version 0": make([]byte, 48),
		"version 5": append([]byte{0x2b}, make([]byte, 47)...), "mode 0": append([]byte{0x20}, make([]byte, 47)...),
	} {
		if newNTP().Packet(udp(40000, portNTP), event.FromClient, data) {
			t.Errorf("%s was taken for NTP", name)
		}
	}
}
