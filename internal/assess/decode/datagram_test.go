package decode

import (
	"strings"
	"testing"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// words reads datagrams that begin with a mark.
type words struct{ mark string }

// Packet implements wire.Datagram.
func (w words) Packet(c wire.Context, from event.Side, data []byte) bool {
	if !strings.HasPrefix(string(data), w.mark) {
		return false
	}
	c.Emit(0, event.ServiceBanner{Service: from.String(), Text: string(data)})
	return true
}

func wordKind(mark string) wire.DatagramKind {
	return wire.DatagramKind{
		Name: mark,
		Recognise: func(_ wire.Conn, _ event.Side, data []byte) wire.Match {
			if strings.HasPrefix(string(data), mark) {
				return wire.Yes
			}
			return wire.No
		},
		New: func() wire.Datagram { return words{mark} },
	}
}

func TestDatagramsAreRecognisedAfreshAfterRefusals(t *testing.T) {
	r := record(t)
	r.protocols.datagrams = []wire.DatagramKind{wordKind("A"), wordKind("B")}
	for _, text := range []string{"??", "A1", "B1", "A2", "B2", "B3", "B4", "B5", "B6"} {
		r.frame(udpFrame(t, web, []byte(text)))
	}
	r.Close()
	if got := told(r); got != "client A1 2-2, client A2 4-4, client B6 9-9" {
		t.Fatalf("told %s", got)
	}
	if got := one[event.FlowEnded](r).Protocol; got != "B" {
		t.Fatalf("protocol %q", got)
	}
}

func TestCutDatagramIsNotRead(t *testing.T) {
	r := record(t)
	r.protocols.datagrams = []wire.DatagramKind{wordKind("A")}
	b := udpFrame(t, web, []byte("A and very much more than before"))
	r.cutFrame(1, b[:len(b)-3], len(b))
	r.Close()
	end := one[event.FlowEnded](r)
	if told(r) != "" || end.Client.Bytes != 32 || end.Client.Missing != 3 {
		t.Fatalf("told %q, %+v", told(r), end.Client)
	}
}

// TestAnswersAreTheServers: what a host says of itself when asked is told of it, not
// of the one that asked.
func TestAnswersAreTheServers(t *testing.T) {
	netbios := "\x00\x01\x85\x00\x00\x00\x00\x01\x00\x00\x00\x00\x20" + "EDEBENCACACACACACACACACACACACACA" + "\x00\x00\x20\x00\x01\x00\x00\x00\x3c\x00\x06\x00\x00\xc0\xa8\x01\x14"
	for _, c := range []struct {
		name, question, answer string
		port                   uint16
	}{
		{"ssdp", "M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n", "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:cam-1234\r\n\r\n", 1900},
		{"netbios", "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x20" + "EDEBENCACACACACACACACACACACACACA" + "\x00\x00\x20\x00\x01", netbios, 137},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := record(t)
			e := ends{server4, device4, 40000, c.port}
			r.frame(udpFrame(t, e, []byte(c.question)))
			r.frame(udpFrame(t, e.back(), []byte(c.answer)))
			var speakers []event.HostID
			for _, ev := range r.events {
				if b, ok := ev.Body.(event.Announced); ok && !b.Query {
					speakers = append(speakers, ev.Device)
				}
			}
			if len(speakers) != 1 || speakers[0] != event.HostByMAC(deviceMAC) {
				t.Errorf("told of %v", speakers)
			}
		})
	}
}
