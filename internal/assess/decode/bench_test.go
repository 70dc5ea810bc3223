package decode

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// bulk makes the packets of n conversations in use, in turn: three full segments
// of TLS records from the server, one from the device, two acknowledgements.
// Their sequence numbers move on each time round, see advance.
func bulk(t testing.TB, n int) (opening, body [][]byte) {
	record := make([]byte, 1400)
	copy(record, "\x17\x03\x03\x05\x73")
	random := strings.Repeat("r", 32)
	hello := []byte("\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03" + random + "\x00\x00\x02\x13\x01\x01\x00")
	answer := []byte("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + random + "\x00\x13\x01\x00")
	for i := range n {
		e := ends{device4, server4, uint16(40000 + i), 443}
		opening = append(opening,
			tcpFrame(t, e, "S", 0, 0, nil), tcpFrame(t, e.back(), "SA", 0, 1, nil),
			tcpFrame(t, e, "A", 1, 1, hello), tcpFrame(t, e.back(), "A", 1, 51, answer))
		client, server := uint32(51), uint32(48)
		for range 3 {
			body = append(body, tcpFrame(t, e.back(), "A", server, client, record))
			server += 1400
		}
		body = append(body, tcpFrame(t, e, "A", client, server, record),
			tcpFrame(t, e, "A", client+1400, server, nil), tcpFrame(t, e.back(), "A", server, client+1400, nil))
	}
	return opening, body
}

// advance moves a bulk packet to the next time round.
func advance(frame []byte) {
	fromServer := frame[6+5] == routerMAC[5]
	seq, ack := frame[38:42], frame[42:46]
	if !fromServer {
		seq, ack = ack, seq
	}
	binary.BigEndian.PutUint32(seq, binary.BigEndian.Uint32(seq)+3*1400)
	binary.BigEndian.PutUint32(ack, binary.BigEndian.Uint32(ack)+1400)
}

// BenchmarkBulk is the cost of a packet that causes no event: 64 conversations in
// use. It must not allocate.
func BenchmarkBulk(b *testing.B) {
	opening, body := bulk(b, 64)
	d := New(Options{}, func(event.Event) {})
	e := evidence.Entry{At: epoch, Kind: evidence.KindPacket}
	add := func(frame []byte) {
		e.Num++
		e.At = e.At.Add(time.Microsecond)
		e.Packet = evidence.Packet{Link: evidence.LinkEthernet, Length: len(frame), Data: frame}
		d.Add(e)
	}
	for _, frame := range opening {
		add(frame)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		frame := body[i%len(body)]
		add(frame)
		advance(frame)
	}
}

// BenchmarkDecode is the cost of a packet of a mix as a household device makes
// it: per hundred packets one conversation is opened and closed, a name is asked
// for, and a multicast announcement, an ARP request and a datagram come by.
func BenchmarkDecode(b *testing.B) {
	opening, body := bulk(b, 8)
	query := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05cloud\x07example\x03com\x00\x00\x01\x00\x01")
	dns := udpFrame(b, ends{device4, server4, 5000, 53}, query)
	answer := udpFrame(b, ends{server4, device4, 53, 5000}, append([]byte("\x12\x34\x81\x80"), query[4:]...))
	arp := arpFrame(1, deviceMAC, device4, server4)
	one := ends{device4, server4, 30000, 9999}
	short := [][]byte{
		tcpFrame(b, one, "S", 9, 0, nil), tcpFrame(b, one.back(), "SA", 9, 10, nil),
		tcpFrame(b, one, "A", 10, 10, []byte("hello there")), tcpFrame(b, one.back(), "A", 10, 21, []byte("hello you")),
		tcpFrame(b, one, "FA", 21, 19, nil), tcpFrame(b, one.back(), "FA", 19, 22, nil),
	}
	var rare [][]byte
	rare = append(append(append(rare, short...), dns, answer), arp)
	d := New(Options{}, func(event.Event) {})
	e := evidence.Entry{At: epoch, Kind: evidence.KindPacket}
	add := func(frame []byte) {
		e.Num++
		e.At = e.At.Add(time.Microsecond)
		e.Packet = evidence.Packet{Link: evidence.LinkEthernet, Length: len(frame), Data: frame}
		d.Add(e)
	}
	for _, frame := range opening {
		add(frame)
	}
	b.ReportAllocs()
	b.ResetTimer()
	next := 0
	for i := range b.N {
		if k := i % 100; k < len(rare) {
			if k == 0 { // another conversation each time
				for _, s := range short {
					binary.BigEndian.PutUint32(s[38:42], binary.BigEndian.Uint32(s[38:42])+1000)
					binary.BigEndian.PutUint32(s[42:46], binary.BigEndian.Uint32(s[42:46])+1000)
				}
			}
			add(rare[k])
			continue
		}
		frame := body[next%len(body)]
		next++
		add(frame)
		advance(frame)
	}
}
