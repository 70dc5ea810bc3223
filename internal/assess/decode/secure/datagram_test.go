package secure

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

func TestRecordedDTLS(t *testing.T) {
	for _, name := range recordings(t, "dtls") {
		t.Run(name, func(t *testing.T) {
			chunks := load(t, name)
			c := &recorder{}
			d := newDTLS(&lot{})
			for i, ch := range chunks {
				if m := recogniseDTLS(wire.Conn{}, ch.from, ch.data); m != wire.Yes {
					t.Errorf("datagram %d recognised as %d", i, m)
				}
				if recogniseQUIC(wire.Conn{}, ch.from, ch.data) != wire.No {
					t.Errorf("datagram %d taken for QUIC", i)
				}
				c.limit = len(ch.data)
				if !d.Packet(c, ch.from, ch.data) {
					t.Errorf("datagram %d not read", i)
				}
			}
			golden(t, name+".want", describe(c.events))
		})
	}
}

// TestDTLSRepeats sends datagrams twice: nothing is told twice.
func TestDTLSRepeats(t *testing.T) {
	for _, name := range recordings(t, "dtls") {
		once, twice := &recorder{}, &recorder{}
		a, b := newDTLS(&lot{}), newDTLS(&lot{})
		for _, ch := range load(t, name) {
			once.limit, twice.limit = len(ch.data), len(ch.data)
			a.Packet(once, ch.from, ch.data)
			b.Packet(twice, ch.from, ch.data)
			b.Packet(twice, ch.from, ch.data)
		}
		if describe(once.events) != describe(twice.events) {
			t.Errorf("%s: %s", name, describe(twice.events))
		}
	}
}

// rfcPacket protects a payload with the keys printed in an RFC's appendix A.1;
// header is the unprotected header with a packet number of pn bytes.
func rfcPacket(t *testing.T, header, key, iv, hp string, pn int, payload []byte) []byte {
	t.Helper()
	h, k, n, m := unhex(t, header), unhex(t, key), unhex(t, iv), unhex(t, hp)
	for i := range pn {
		n[len(n)-pn+i] ^= h[len(h)-pn+i]
	}
	block, _ := aes.NewCipher(k)
	aead, _ := cipher.NewGCM(block)
	out := aead.Seal(append([]byte(nil), h...), n, payload, h)
	hpBlock, _ := aes.NewCipher(m)
	mask := make([]byte, 16)
	hpBlock.Encrypt(mask, out[len(h)-pn+4:])
	out[0] ^= mask[0] & 0x0f
	for i := range pn {
		out[len(h)-pn+i] ^= mask[1+i]
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The CRYPTO frames of RFC 9001 appendix A.2 and A.3, which RFC 9369 uses too.
const (
	rfcClient = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868" +
		"04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578" +
		"616d706c652e636f6dff01000100000a00080006001d00170018001000070005" +
		"04616c706e000500050100000000003300260024001d00209370b2c9caa47fba" +
		"baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400" +
		"0d0010000e0403050306030203080408050806002d00020101001c0002400100" +
		"3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000" +
		"75300901100f088394c8f03e51570806048000ffff"
	rfcServer1 = "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a" +
		"5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3" +
		"dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84" +
		"022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4" +
		"2158407dd074ee"
	rfcServer2 = "dc6b3343cf0008f067a5502a4262b50040" + "75d92faaf16f05d8a4398c47089698" +
		"baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17" +
		"f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2" +
		"c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8" +
		"4bed8521e2e140"
)

// rfcExample is one RFC's worked example.
type rfcExample struct {
	name, header, key, iv, hp string
	begins, ends              string // the protected packet as printed
	server                    string
}

func rfcExamples() []rfcExample {
	return []rfcExample{
		{"v1", "c300000001088394c8f03e5157080000449e00000002",
			"1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2",
			"c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11", "e221af44860018ab0856972e194cd934", rfcServer1},
		{"v2", "d36b3343cf088394c8f03e5157080000449e00000002",
			"8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9",
			"d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485", "a18b2faa745b6fe189cf772a9f84cbfc", rfcServer2},
	}
}

// client makes the client's packet and holds it against the printed bytes.
func (e rfcExample) client(t *testing.T) []byte {
	t.Helper()
	payload := append(unhex(t, rfcClient), make([]byte, 917)...)
	packet := rfcPacket(t, e.header, e.key, e.iv, e.hp, 4, payload)
	text := hex.EncodeToString(packet)
	if text[:len(e.begins)] != e.begins || text[len(text)-len(e.ends):] != e.ends || len(packet) != 1200 {
		t.Fatalf("%s: not the packet of the RFC: %s", e.name, text)
	}
	return packet
}

func TestQUICExamples(t *testing.T) {
	for _, e := range rfcExamples() {
		t.Run(e.name, func(t *testing.T) {
			packet, answer := e.client(t), unhex(t, e.server)
			for _, p := range [][]byte{packet, answer} {
				if recogniseQUIC(wire.Conn{}, event.FromClient, p) != wire.Yes || recogniseDTLS(wire.Conn{}, event.FromClient, p) != wire.No {
					t.Error("not recognised as QUIC alone")
				}
			}
			c := &recorder{limit: 1200}
			q := newQUIC(&lot{})
			ok := q.Packet(c, event.FromClient, packet) && q.Packet(c, event.FromServer, answer) &&
				q.Packet(c, event.FromClient, packet) && q.Packet(c, event.FromClient, []byte("\x41short header"))
			if !ok {
				t.Error("a datagram was refused")
			}
			golden(t, "quic-"+e.name+".want", describe(c.events))
		})
	}
}

// TestQUICPieces sends the hello in pieces, in any order, over several packets,
// and coalesced.
func TestQUICPieces(t *testing.T) {
	e := rfcExamples()[0]
	hello := unhex(t, rfcClient)[4:]
	rapid.Check(t, func(rt *rapid.T) {
		cuts := rapid.SliceOfNDistinct(rapid.IntRange(1, len(hello)-1), 1, 5, rapid.ID[int]).Draw(rt, "cuts")
		var frames [][]byte
		from := 0
		for i := range len(hello) + 1 {
			if i == len(hello) || contains(cuts, i) {
				frame := []byte{frameCrypto, 0x40 | byte(from>>8), byte(from), 0x40 | byte((i-from)>>8), byte(i - from)}
				frames = append(frames, append(frame, hello[from:i]...))
				from = i
			}
		}
		c := &recorder{limit: 1 << 16}
		q := newQUIC(&lot{})
		var datagram []byte
		for i, at := range rapid.Permutation(frames).Draw(rt, "order") {
			payload := append([]byte{framePing, frameACK, 0, 0, 0, 0}, at...)
			size := 4 + len(payload) + 16
			header := "c300000001088394c8f03e5157080000" + hex.EncodeToString([]byte{0x40 | byte(size>>8), byte(size)}) + "000000" + hex.EncodeToString([]byte{byte(i)})
			datagram = append(datagram, rfcPacket(t, header, e.key, e.iv, e.hp, 4, payload)...)
			if rapid.Bool().Draw(rt, "send") {
				q.Packet(c, event.FromClient, datagram)
				datagram = nil
			}
		}
		q.Packet(c, event.FromClient, datagram)
		if len(c.events) != 2 {
			rt.Fatalf("events: %s", describe(c.events))
		}
		if h, ok := c.events[1].body.(event.ClientHello); !ok || h.SNI != "example.com" || h.Transport != event.QUIC {
			rt.Fatalf("events: %s", describe(c.events))
		}
	})
}

func contains(list []int, v int) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// TestQUICRetry: after a Retry the client's keys come from the connection ID that
// the Retry gave; the same hello is told once.
func TestQUICRetry(t *testing.T) {
	c := &recorder{limit: 1 << 16}
	q := newQUIC(&lot{})
	q.Packet(c, event.FromClient, rfcExamples()[0].client(t))
	retry := unhex(t, "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba") // RFC 9001 appendix A.4
	if !q.Packet(c, event.FromServer, retry) {
		t.Error("Retry refused")
	}
	payload := append(unhex(t, rfcClient), make([]byte, 900)...)
	for _, hello := range []bool{true, false} {
		if !hello {
			payload[10]++ // another random: another session
		}
		k := deriveInitial(quicVersion1, unhex(t, "f067a5502a4262b5"))
		q.Packet(c, event.FromClient, sealed(t, k.side[0], "f067a5502a4262b5", payload))
		if !hello {
			q.Packet(c, event.FromClient, sealed(t, deriveInitial(quicVersion1, unhex(t, "aabbccddeeff0011")).side[0], "aabbccddeeff0011", payload))
		}
	}
	hellos := 0
	for _, e := range c.events {
		if _, ok := e.body.(event.ClientHello); ok {
			hellos++
		}
	}
	if hellos != 2 {
		t.Errorf("%d hellos: %s", hellos, describe(c.events))
	}
}

// sealed protects an Initial with keys of this package, whose derivation
// TestQUICExamples proves.
func sealed(t *testing.T, k packetKeys, dcid string, payload []byte) []byte {
	t.Helper()
	size := 4 + len(payload) + 16
	header := unhex(t, "c30000000108"+dcid+"0000"+hex.EncodeToString([]byte{0x40 | byte(size>>8), byte(size)})+"00000000")
	out := k.aead.Seal(append([]byte(nil), header...), k.iv[:], payload, header)
	mask := make([]byte, 16)
	k.header.Encrypt(mask, out[len(header):])
	out[0] ^= mask[0] & 0x0f
	for i := range 4 {
		out[len(header)-4+i] ^= mask[1+i]
	}
	return out
}

func TestQUICStrangers(t *testing.T) {
	long := func(version string, size int) []byte {
		return append(unhex(t, "c0"+version+"0811223344556677880811223344556677887766"), make([]byte, size)...)
	}
	for _, c := range []struct {
		name string
		from event.Side
		data []byte
		want wire.Match
	}{
		{"draft 29", event.FromClient, long("ff00001d", 1200), wire.Yes},
		{"draft 29, too short", event.FromClient, long("ff00001d", 100), wire.No},
		{"version negotiation", event.FromServer, append(unhex(t, "8000000000"+"0811223344556677880811223344556677"), unhex(t, "88"+"00000001")...), wire.Yes},
		{"Google Q043", event.FromClient, append([]byte("\x09\x01\x02\x03\x04\x05\x06\x07\x08Q043\x01"), make([]byte, 100)...), wire.Yes},
		{"Google Q025, short ID", event.FromClient, append([]byte("\x09\x01\x02\x03\x04Q025\x01"), make([]byte, 100)...), wire.Yes},
		{"Google Q046", event.FromClient, append([]byte("\xc3Q046\x50!\xe5]N\xc1\x1a\x8b\x1d"), make([]byte, 100)...), wire.Yes},
		{"Google, reset", event.FromServer, append([]byte("\x0a\x01\x02\x03\x04\x05\x06\x07\x08Q043\x01"), make([]byte, 100)...), wire.No},
		{"Google Q050", event.FromClient, long("51303530", 1200), wire.Yes},
		{"RTP", event.FromClient, append([]byte{0x80, 0x60, 0, 1, 0, 0, 0, 1}, make([]byte, 160)...), wire.No},
		{"DNS", event.FromClient, append([]byte{0xc0, 0x01, 1, 0, 0, 1, 0, 0, 0, 0}, make([]byte, 30)...), wire.No},
		{"nothing", event.FromClient, nil, wire.No},
	} {
		if got := recogniseQUIC(wire.Conn{}, c.from, c.data); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func FuzzDatagram(f *testing.F) {
	for _, name := range recordings(f, "dtls") {
		for _, ch := range load(f, name) {
			f.Add(ch.data, ch.data, uint8(ch.from))
		}
	}
	f.Add(unhex(f, rfcServer1), unhex(f, rfcServer2), uint8(0))
	f.Fuzz(func(t *testing.T, a, b []byte, order uint8) {
		for _, kind := range Datagrams() {
			c := &recorder{limit: 1 << 16}
			r := kind.New()
			for i := range 4 {
				from := event.Side(order >> i & 1)
				data := a
				if i%2 == 1 {
					data = b
				}
				kind.Recognise(c.conn, from, data)
				r.Packet(c, from, data)
			}
			if len(c.events) > eventLimit+faultLimit || len(c.bad) > 0 {
				t.Fatalf("%d events, %v", len(c.events), c.bad)
			}
		}
	})
}
