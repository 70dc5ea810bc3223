package clear

import (
	"encoding/binary"
	"testing"

	"assay/internal/assess/event"
)

// eventLimit is the longest string that an event may hold.
const eventLimit = 64 << 10

// fuzz feeds pieces to the reader of one kind: data is cut as cuts says, one byte
// for each piece: its lowest bit is the side, the next says that it is lost.
func fuzz(f *testing.F, port uint16, seeds []conversation, force string) {
	for _, c := range seeds {
		var data, cuts []byte
		for _, tu := range c.turns {
			data = binary.BigEndian.AppendUint16(data, uint16(len(tu.text)))
			data = append(data, tu.text...)
			cuts = append(cuts, byte(tu.from))
		}
		f.Add(data, cuts)
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		k := newCore(t, port)
		for _, kind := range k.kinds {
			if kind.Name == force {
				k.stream = kind.New()
			}
		}
		if force == "" {
			k.stream = NewUnknown(canaries).Stream()
		}
		for _, cut := range cuts {
			if len(data) < 2 {
				break
			}
			n := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
			piece := data[2 : 2+n]
			data = data[2+n:]
			k.fuzzPiece(event.Side(cut&1), piece, cut&2 != 0)
		}
		k.close()
		for _, b := range k.events {
			if text := show(b); len(text) > eventLimit {
				t.Errorf("an event of %d bytes", len(text))
			}
		}
	})
}

func (k *core) fuzzPiece(side event.Side, piece []byte, lost bool) {
	if !lost || k.stream == nil || k.done || k.off[side] {
		k.feed(side, piece)
		return
	}
	k.bufs[side], k.offer = nil, 0
	k.stream.Gap(k, side, len(piece))
}

func FuzzHTTP(f *testing.F)    { fuzz(f, 80, httpConversations(), "http") }
func FuzzFTP(f *testing.F)     { fuzz(f, 21, textConversations(), "ftp") }
func FuzzTelnet(f *testing.F)  { fuzz(f, 23, textConversations(), "telnet") }
func FuzzRTSP(f *testing.F)    { fuzz(f, 554, textConversations(), "rtsp") }
func FuzzSIP(f *testing.F)     { fuzz(f, 5060, textConversations(), "sip") }
func FuzzXMPP(f *testing.F)    { fuzz(f, 5222, textConversations(), "xmpp") }
func FuzzSMTP(f *testing.F)    { fuzz(f, 25, mailConversations(), "smtp") }
func FuzzPOP3(f *testing.F)    { fuzz(f, 110, mailConversations(), "pop3") }
func FuzzIMAP(f *testing.F)    { fuzz(f, 143, mailConversations(), "imap") }
func FuzzMQTT(f *testing.F)    { fuzz(f, 1883, binaryConversations(), "mqtt") }
func FuzzSOCKS(f *testing.F)   { fuzz(f, 1080, binaryConversations(), "socks") }
func FuzzUnknown(f *testing.F) { fuzz(f, 9999, textConversations(), "") }

// FuzzRecognise shows arbitrary first bytes to every recogniser.
func FuzzRecognise(f *testing.F) {
	for _, c := range conversations() {
		f.Add([]byte(c.turns[0].text), c.port, byte(c.turns[0].from))
	}
	f.Fuzz(func(t *testing.T, first []byte, port uint16, side byte) {
		if len(first) == 0 {
			return
		}
		k := newCore(t, port)
		k.feed(event.Side(side&1), first)
		k.close()
	})
}
