package decode

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/event"
)

// story tells what became of the conversations, one line each.
func story(r *recorder) string {
	r.Close()
	var out []string
	for _, e := range r.events {
		switch b := e.Body.(type) {
		case event.FlowStarted:
			out = append(out, fmt.Sprintf("%d %s from %s midway %t", e.Flow, b.Transport, e.Client, b.Midway))
		case event.FlowEstablished:
			out = append(out, fmt.Sprintf("%d answered", e.Flow))
		case event.FlowEnded:
			out = append(out, fmt.Sprintf("%d %s: %d/%d/%d and %d/%d/%d", e.Flow, b.How,
				b.Client.Packets, b.Client.Bytes, b.Client.Missing, b.Server.Packets, b.Server.Bytes, b.Server.Missing))
		default:
		}
	}
	return strings.Join(out, "\n")
}

// TestConversations plays segments of web; > is the client's, < the server's.
// Half sums read packets/bytes/missing.
func TestConversations(t *testing.T) {
	for _, c := range []struct{ name, play, want string }{
		{"closed", ">S 100 0 0;<SA 500 101 0;>A 101 501 10;<A 501 111 20;>FA 111 521 0;<FA 521 112 0;>A 112 522 0",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 closed: 4/10/0 and 3/20/0"},
		{"a retransmitted SYN is no new conversation", ">S 100 0 0;>S 100 0 0;<SA 500 101 0",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 open when the log ended: 2/0/0 and 1/0/0"},
		{"refused", ">S 100 0 0;<RA 0 101 0",
			"1 TCP from 192.168.1.20:40000 midway false\n1 reset: 1/0/0 and 1/0/0"},
		{"a reset far outside the window means nothing", ">S 100 0 0;<SA 500 101 0;<R 900000000 0 0;>A 101 501 5",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 open when the log ended: 2/5/0 and 2/0/0"},
		{"data under way when the reset came", ">S 100 0 0;<SA 500 101 0;>R 101 501 0;<A 501 101 8",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 reset: 2/0/0 and 2/8/0"},
		{"a new SYN after a reset is a new conversation", ">S 100 0 0;<RA 0 101 0;>S 300 0 0;<RA 0 301 0",
			"1 TCP from 192.168.1.20:40000 midway false\n1 reset: 1/0/0 and 1/0/0\n" +
				"2 TCP from 192.168.1.20:40000 midway false\n2 reset: 1/0/0 and 1/0/0"},
		{"a sudden SYN disturbs nothing", ">S 100 0 0;<SA 500 101 0;>S 9000 0 0;>A 101 501 7",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 open when the log ended: 3/7/0 and 1/0/0"},
		{"keep-alives are no data", ">S 100 0 0;<SA 500 101 0;>A 101 501 4;>A 104 501 1;<A 501 105 0;>A 104 501 0",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 open when the log ended: 4/4/0 and 2/0/0"},
		{"data on the SYN", ">S 100 0 6;<SA 500 107 0;>A 107 501 4",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 open when the log ended: 2/10/0 and 1/0/0"},
		{"an acknowledged hole is missing", ">S 100 0 0;<SA 500 101 0;>A 101 501 4;>A 115 501 4;<A 501 119 3",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 open when the log ended: 3/18/10 and 2/3/0"},
		{"an end that was not seen is missing", ">S 100 0 0;<SA 500 101 0;>FA 131 501 0",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 open when the log ended: 2/30/30 and 1/0/0"},
		{"midway, seen from the client", ">A 900 70 5;<A 70 905 6",
			"1 TCP from 192.168.1.20:40000 midway true\n1 answered\n1 open when the log ended: 1/5/0 and 1/6/0"},
		{"a SYN-ACK tells the server", "<SA 500 101 0;>A 101 501 5",
			"1 TCP from 192.168.1.20:40000 midway true\n1 answered\n1 open when the log ended: 1/5/0 and 1/0/0"},
		{"a reset alone is no conversation", "<R 500 0 0", ""},
		{"across the end of the numbers", ">S 4294967290 0 0;<SA 4294967295 4294967291 0;>A 4294967291 0 4;>A 1 0 3;>A 4294967295 0 2;<A 0 4 9",
			"1 TCP from 192.168.1.20:40000 midway false\n1 answered\n1 open when the log ended: 4/9/0 and 2/9/0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := record(t)
			for line := range strings.SplitSeq(c.play, ";") {
				r.play(line)
			}
			if got := story(r); got != c.want {
				t.Fatalf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func (r *recorder) play(line string) {
	var flags string
	var seq, ack uint32
	var size int
	if _, err := fmt.Sscanf(line[1:], "%s %d %d %d", &flags, &seq, &ack, &size); err != nil {
		r.t.Fatal(err)
	}
	e := web
	if line[0] == '<' {
		e = web.back()
	}
	r.frame(tcpFrame(r.t, e, flags, seq, ack, make([]byte, size)))
}

func TestSilenceEndsConversations(t *testing.T) {
	r := record(t)
	r.frame(tcpFrame(t, web, "S", 100, 0, nil))
	r.frame(udpFrame(t, web, []byte("x")))
	r.wait(4 * time.Minute)
	r.frame(udpFrame(t, web, []byte("x"))) // another: the first fell silent
	r.wait(2 * time.Minute)
	r.frame(arpFrame(1, deviceMAC, device4, server4)) // the SYN was never answered
	ended := of[event.FlowEnded](r)
	if len(ended) != 2 || ended[0].Transport != event.UDP || ended[1].Transport != event.TCP || ended[1].How != event.EndedBySilence {
		t.Fatalf("ended: %+v", ended)
	}
	if len(of[event.FlowStarted](r)) != 3 {
		t.Fatal("the second datagram begins a conversation of its own")
	}
}

func TestServerIsKnownByItsPort(t *testing.T) {
	for _, c := range []struct {
		from, to uint16
		server   bool
	}{{443, 50000, true}, {50000, 443, false}, {8883, 49152, true}, {5353, 5353, false}, {40000, 50000, false}, {67, 68, true}, {547, 546, true}, {123, 123, false}} {
		if got := servedFrom(c.from, c.to); got != c.server {
			t.Errorf("from %d to %d: server %t", c.from, c.to, got)
		}
	}
}

func TestGroupConversationsDoNotMerge(t *testing.T) {
	group := netip.MustParseAddr("239.255.255.250")
	ask := udpFrame(t, ends{device4, group, 5000, 1900}, []byte("?"))
	copy(ask, []byte{1, 0, 0x5e, 0x7f, 0xff, 0xfa})
	r := record(t)
	r.frame(ask)
	r.frame(udpFrame(t, ends{server4, device4, 1900, 5000}, []byte("!")))
	r.frame(ask)
	want := "1 UDP from 192.168.1.20:5000 midway false\n2 UDP from 192.168.1.20:5000 midway false\n" +
		"1 open when the log ended: 2/2/0 and 0/0/0\n2 open when the log ended: 0/0/0 and 1/1/0"
	if got := story(r); got != want {
		t.Fatalf("got\n%s", got)
	}
}

func TestTableIsBounded(t *testing.T) {
	r := record(t)
	frame := tcpFrame(t, web, "S", 100, 0, nil)
	for i := range conversationLimit + 10 {
		binary.BigEndian.PutUint32(frame[30:], 0x0b000000+uint32(i))
		r.num++
		r.at = r.at.Add(-time.Millisecond + time.Microsecond)
		r.frame(frame)
	}
	ended := of[event.FlowEnded](r)
	if len(ended) != 10 || ended[0].How != event.EndedByLimit || r.Counts().Crowded != 10 {
		t.Fatalf("%d ended, crowded %d", len(ended), r.Counts().Crowded)
	}
	r.Close()
	checkFlows(t, r.events)
	for i, e := range r.events {
		if b, ok := e.Body.(event.FlowEnded); ok && b.How == event.EndedByLog && int(e.Flow) != i-len(r.events)+conversationLimit+11 {
			t.Fatalf("conversation %d is out of order", e.Flow)
		}
	}
}

func TestAddressIsToldOnce(t *testing.T) {
	r := record(t)
	for port := range uint16(3) {
		r.frame(udpFrame(t, ends{device4, server4, 5000 + port, 9000}, []byte("x")))
	}
	r.frame(udpFrame(t, ends{netip.IPv4Unspecified(), server4, 68, 67}, []byte("x")))
	if got := one[event.AddressUsed](r); got.Addr != device4 {
		t.Fatalf("got %s", got.Addr)
	}
}
