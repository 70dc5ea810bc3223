package clear

import (
	"math/rand"
	"testing"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// noise is the same random bytes each time.
func noise(n int) string {
	b := make([]byte, n)
	rand.New(rand.NewSource(3)).Read(b)
	return string(b)
}

func binaryConversations() []conversation {
	return []conversation{
		{"mqtt-login", 1883, []string{"hunter2x"}, []turn{
			cl("\x10\x2a\x00\x04MQTT\x04\xc6\x00\x3c\x00\x04dev1\x00\x04will\x00\x02xx\x00\x04user\x00\x08hunter2x"), sv("\x20\x02\x00\x00"),
			cl("\x82\x0f\x00\x01\x00\x03a/b\x00\x00\x04c/+d\x01"), sv("\x90\x04\x00\x01\x00\x01"),
			cl("\x30\x0d\x00\x03a/b{\"x\": 1}"), cl("\x32\x0a\x00\x03a/b\x00\x07abc"), sv("\x40\x02\x00\x07"), cl("\xc0\x00"), sv("\xd0\x00"),
			sv("\x30\x28\x00\x05t/set{\"mail\":\"jan.jansen@thuis.nl\"}..."),
		}},
		{"mqtt-refused", 1884, []string{"wrongpw1"}, []turn{
			cl("\x10\x1e\x00\x06MQIsdp\x03\xc2\x00\x3c\x00\x01d\x00\x03bob\x00\x08wrongpw1"), sv("\x20\x02\x00\x05"),
		}},
		{"mqtt5", 1883, []string{"secret55"}, []turn{
			cl("\x10\x21\x00\x04MQTT\x05\xc2\x00\x3c\x05\x11\x00\x00\x00\x0a\x00\x02d5\x00\x01u\x00\x08secret55"), sv("\x20\x03\x00\x87\x00"),
			cl("\x82\x09\x00\x01\x00\x00\x03t/1\x01"),
		}},
		{"mqtt-no-login", 1883, nil, []turn{
			cl("\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04dev1"), sv("\x20\x02\x00\x00"),
		}},
		{"socks-login", 1080, []string{"hunter2x"}, []turn{
			cl("\x05\x02\x00\x02"), sv("\x05\x02"), cl("\x01\x03bob\x08hunter2x"), sv("\x01\x00"),
			cl("\x05\x01\x00\x03\x0bexample.org\x00\x50"), sv("\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90"),
			cl("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"), sv("HTTP/1.1 204 No\r\n\r\n"),
		}},
		{"socks-not", 1081, nil, []turn{cl("\x05\x01\x00"), sv("hello there"), cl("my mail is jan.jansen@thuis.nl ok")}},
		{"ssh", 2222, nil, []turn{
			cl("SSH-2.0-libssh_0.9\r\n"), sv("SSH-2.0-dropbear_2016.74\r\n\x00\x00\x01\x9c" + noise(60)), cl("\x00\x00\x01\x9c" + noise(60)),
		}},
		{"rtmp", 1936, nil, []turn{
			cl("\x03\x00\x00\x00\x01\x00\x00\x00\x00" + noise(1528)), sv("\x03\x00\x00\x00\x01\x00\x00\x00\x00" + noise(1528)),
		}},
		{"modbus", 1502, nil, []turn{
			cl("\x00\x01\x00\x00\x00\x06\x11\x03\x00\x6b\x00\x03"), sv("\x00\x01\x00\x00\x00\x09\x11\x03\x06\xae\x41\x56\x52\x43\x40"),
		}},
	}
}

func TestTopicsAreBounded(t *testing.T) {
	k := newCore(t, 1883)
	k.feed(event.FromClient, []byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04dev1"))
	for i := range 1000 {
		k.feed(event.FromClient, []byte{0x30, 4, 0, 2, byte('a' + i%26), byte('a' + i/26%26)})
	}
	topics := 0
	for _, b := range k.events {
		if _, ok := b.(event.MQTTTopic); ok {
			topics++
		}
	}
	if topics != topicsLimit {
		t.Errorf("%d topics, want %d", topics, topicsLimit)
	}
}

func TestUnknownDatagram(t *testing.T) {
	k := newCore(t, 5000)
	d := NewUnknown(canaries).Datagram()
	k.offer = 100
	for _, text := range []string{"xx planted-", "name xx", "I am planted-name", "psk=correcthorse"} {
		if !d.Packet(k, event.FromClient, []byte(text)) {
			t.Errorf("%q: not taken", text)
		}
	}
	if got := k.said(); len(got) != 3 {
		t.Errorf("events %q, want a canary and a key", got)
	}
}

func TestRandomBytesAreNothing(t *testing.T) {
	r := rand.New(rand.NewSource(11))
	for range 20000 {
		first := make([]byte, 1+r.Intn(64))
		r.Read(first)
		for _, kind := range Streams(nil) {
			for _, side := range []event.Side{event.FromClient, event.FromServer} {
				if kind.Recognise(wire.Conn{ServerPort: 9999}, side, first) == wire.Yes {
					t.Errorf("%s sees itself in %x", kind.Name, first)
				}
			}
		}
	}
}
