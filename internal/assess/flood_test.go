package assess

import (
	"encoding/base64"
	"runtime"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/decode"
	"assay/internal/assess/evidence"
	"assay/internal/assess/fact"
)

const (
	// floodFrames is how many frames a flood has: several times what any table
	// holds, so that a flood of five times as many keeps no more.
	floodFrames = 200_000
	// floodHeap is how much memory a flood may keep, in bytes: the program as a
	// whole stays under 128 MB.
	floodHeap = 96 << 20
	// floodWork is how many bytes may be allocated for each of its frames, on
	// average, the making of the frame included.
	floodWork = 16 << 10
)

// floods are what a hostile device may send without end.
var floods = map[string]func(s *sender, i int) string{
	"UDP from any address": func(s *sender, i int) string {
		return udp(fromDevice, s.address(), s.address(), i&0xffff, 9999, "x")
	},
	"SYNs from any address": func(s *sender, i int) string {
		return tcp(fromDevice, s.address(), farIP, i&0xffff, 443, 2, uint32(i), 0, "")
	},
	"SYNs to any address": func(s *sender, i int) string {
		return tcp(fromDevice, deviceIP, s.address(), i&0xffff, 443, 2, uint32(i), 0, "")
	},
	"conversations joined midway": func(s *sender, i int) string {
		return tcp(fromDevice, deviceIP, s.address(), i&0xffff, 443, 16, uint32(i), 1, words(i, 100))
	},
	"hosts": func(_ *sender, i int) string {
		return udp("\x02\x00\x00\x00\x00\x01\x06\x00"+u32(i), deviceIP, farIP, 5000, 9999, "x")
	},
	"ARP for any address": func(s *sender, i int) string {
		return "\xff\xff\xff\xff\xff\xff\x06\x00" + u32(i) + "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01\x06\x00" + u32(i) +
			s.address() + "\x00\x00\x00\x00\x00\x00" + s.address()
	},
	"fragments of many packets": func(s *sender, i int) string {
		return ip4(fromDevice, s.address(), farIP, 17, 0x2000|i&0xff, words(i, 1024))
	},
	"fragments of one packet": func(_ *sender, i int) string {
		return ip4(fromDevice, deviceIP, farIP, 17, 0x2000|i*2&0x1fff, words(i, 8)[:8])
	},
	"DNS names": func(_ *sender, i int) string {
		question := "\x00\x01\x00\x00\x00\x00\x00\x00" + name(i/2) + "\x00\x01\x00\x01"
		if i%2 == 0 {
			return udp(fromDevice, deviceIP, routerIP, 40000+i/2%20000, 53, u16(i/2)+"\x01\x00"+question)
		}
		answer := "\x00\x01\x00\x01\x00\x00\x00\x00" + name(i/2) + "\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + u32(0x20000000+i)
		return udp(toDevice, routerIP, deviceIP, 53, 40000+i/2%20000, u16(i/2)+"\x81\x80"+answer)
	},
	"long DNS questions from any port": func(_ *sender, i int) string {
		long := strings.Repeat("\x3f"+string(make([]byte, 54))+words(i, 9), 3)
		return udp(fromDevice, deviceIP, routerIP, 1024+i%32768, 53, u16(i)+"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"+long+"\x00\x00\x01\x00\x01")
	},
	"mDNS names": func(_ *sender, i int) string {
		record := name(i) + "\x00\x0c\x80\x01\x00\x00\x11\x94" + u16(len(name(i))) + name(i)
		return udp("\x01\x00\x5e\x00\x00\xfb"+fromDevice[6:], deviceIP, "\xe0\x00\x00\xfb", 5353, 5353, "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00"+record)
	},
	"pieces of DTLS messages from any port": func(_ *sender, i int) string {
		return udp(fromDevice, deviceIP, farIP, 1024+i%32768, 5684, "\x16\xfe\xfd"+string(make([]byte, 8))+"\x00\x0d\x01\x00\xff\xff\x00\x00\x00\xff\xf0\x00\x00\x01x")
	},
	"SSDP from any port": func(_ *sender, i int) string {
		return udp(fromDevice, deviceIP, "\xef\xff\xff\xfa", 1024+i%32768, 1900,
			"M-SEARCH * HTTP/1.1\r\nST: "+words(i, 500)+"\r\nUSER-AGENT: "+words(i, 500)+"\r\n\r\n")
	},
	"SSDP services": func(_ *sender, i int) string {
		return udp("\x01\x00\x5e\x7f\xff\xfa"+fromDevice[6:], deviceIP, "\xef\xff\xff\xfa", 1900, 1900,
			"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: "+words(i, 20)+"\r\nNTS: ssdp:alive\r\nUSN: uuid:"+words(i, 20)+"\r\nSERVER: "+words(i, 20)+"\r\n\r\n")
	},
	"DHCP names": func(_ *sender, i int) string {
		head := "\x01\x01\x06\x00" + u32(i) + string(make([]byte, 20)) + fromDevice[6:] + string(make([]byte, 202))
		return udp("\xff\xff\xff\xff\xff\xff"+fromDevice[6:], "\x00\x00\x00\x00", "\xff\xff\xff\xff", 68, 67, head+"\x63\x82\x53\x63\x35\x01\x01\x0c\x09"+words(i, 9)+"\x3c\x09"+words(i, 9)+"\xff")
	},
	"one-byte segments behind a hole": func(s *sender, i int) string {
		if f, ok := s.open(9999, i); ok {
			return f
		}
		return tcp(fromDevice, deviceIP, farIP, 40000, 9999, 16, uint32(1000+(i*7919)%500_000*2), 1, "x")
	},
	"one-byte segments backwards": func(s *sender, i int) string {
		if f, ok := s.open(9999, i); ok {
			return f
		}
		return tcp(fromDevice, deviceIP, farIP, 40000, 9999, 16, uint32(1_000_000_000-2*i), 1, "x")
	},
	"TLS records of one byte":       converse(443, tlsHello, func(int) string { return "\x16\x03\x03\x00\x01\x01" }),
	"TLS alerts":                    converse(443, tlsHello, func(int) string { return "\x15\x03\x03\x00\x02\x01\x00" }),
	"TLS hellos":                    converse(443, tlsHello, func(int) string { return tlsHello }),
	"HTTP header lines without end": converse(80, "GET / HTTP/1.1\r\n", func(i int) string { return "X-" + words(i, 20) + ": " + words(i, 50) + "\r\n" }),
	"HTTP header byte by byte":      converse(80, "GET / HTTP/1.1\r\n", func(int) string { return "x" }),
	"HTTP requests": converse(80, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", func(i int) string {
		login := base64.StdEncoding.EncodeToString([]byte(words(i, 12) + ":" + words(i, 20)))
		return "GET /" + words(i, 30) + "?key=" + words(i, 20) + " HTTP/1.1\r\nHost: " + words(i, 9) + ".example\r\nAuthorization: Basic " + login + "\r\n\r\n"
	}),
	"chunks of one byte": converse(80, "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", func(int) string { return "1\r\nx\r\n" }),
	"MQTT topics": converse(1883, "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a", func(i int) string {
		return "\x30\x20\x00\x14" + words(i, 20) + "payload123"
	}),
	"FTP logins":        converse(21, "USER a\r\n", func(i int) string { return "USER " + words(i, 9) + "\r\nPASS " + words(i, 9) + "\r\n" }),
	"Telnet lines":      converse(23, "\xff\xfb\x18\xff\xfb\x1f", func(i int) string { return words(i, 9) + "\r\n" }),
	"an unknown stream": converse(9999, "\x01\x02", func(i int) string { return "mail" + words(i, 9) + "@example.com mac=02:00:00:00:00:0d\n" }),
	"an unknown word":   converse(9999, "\x01\x02", func(int) string { return "aaaaaaaaaaaaaaaa" }),
	"hellos to many names": func(s *sender, i int) string {
		port := 10000 + i/3%50000
		switch i % 3 {
		case 0:
			return tcp(fromDevice, deviceIP, farIP, port, 443, 2, uint32(i), 0, "")
		case 1:
			return tcp(toDevice, farIP, deviceIP, 443, port, 18, 0, uint32(i), "")
		default:
			return tcp(fromDevice, deviceIP, farIP, port, 443, 24, uint32(i-1), 1, helloTo(words(i, 20)))
		}
	},
	"RTP with any source": func(_ *sender, i int) string {
		return udp(fromDevice, deviceIP, farIP, 20000, 20002, "\x80\x60"+u16(i)+u32(i)+u32(i)+words(i, 100))
	},
	"router advertisements": func(_ *sender, i int) string {
		prefix := "\x03\x04\x40\xc0\x00\x00\x0e\x10\x00\x00\x0e\x10\x00\x00\x00\x00\x20\x01\x0d\xb8" + u32(i) + string(make([]byte, 8))
		rdnss := "\x19\x03\x00\x00\x00\x00\x0e\x10\x20\x01\x0d\xb8" + string(make([]byte, 8)) + u32(i)
		body := "\x86\x00\x00\x00\x40\x00\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00" + prefix + rdnss
		return "\x33\x33\x00\x00\x00\x01" + toDevice[6:] + "\x86\xdd\x60\x00\x00\x00" + u16(len(body)) + "\x3a\xff" +
			"\xfe\x80" + string(make([]byte, 13)) + "\x01\xff\x02" + string(make([]byte, 13)) + "\x01" + body
	},
	"broken frames": func(_ *sender, i int) string { return fromDevice + "\x08\x00\x45" + words(i, 9) },
}

// converse opens one conversation in which the device says first once and next
// without end.
func converse(port int, first string, next func(i int) string) func(s *sender, i int) string {
	return func(s *sender, i int) string {
		if f, ok := s.open(port, i); ok {
			return f
		}
		if i == 2 {
			return s.talk(port, true, first)
		}
		return s.talk(port, true, next(i))
	}
}

var tlsHello = helloTo("a.example")

// helloTo is a ClientHello with a server name.
func helloTo(host string) string {
	sni := u16(len(host)+3) + "\x00" + u16(len(host)) + host
	ext := "\x00\x00" + u16(len(sni)) + sni
	body := "\x03\x03" + string(make([]byte, 32)) + "\x00\x00\x02\x13\x01\x01\x00" + u16(len(ext)) + ext
	return "\x16\x03\x01" + u16(len(body)+4) + "\x01\x00" + u16(len(body)) + body
}

// TestFloods: whatever a device sends without end costs bounded memory and bounded
// work for each frame.
func TestFloods(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of floods")
	}
	for what, frame := range floods {
		t.Run(what, func(t *testing.T) {
			s, num := newSender(), evidence.Ref(0)
			at := time.Unix(1_700_000_000, 0).UTC()
			watch := fact.NewObserver()
			d := decode.New(decode.Options{Canaries: []string{"canary"}}, watch.Add)
			before := memory()
			for i := range floodFrames {
				num, at = num+1, at.Add(50*time.Microsecond)
				b := frame(s, i)
				watch.Tick(at)
				d.Add(evidence.Entry{Num: num, At: at, Kind: evidence.KindPacket, Packet: evidence.Packet{
					Link: evidence.LinkEthernet, Length: len(b), Data: []byte(b),
				}})
			}
			after := memory()
			kept, work := int64(after.HeapAlloc)-int64(before.HeapAlloc), (after.TotalAlloc-before.TotalAlloc)/floodFrames
			t.Logf("%.1f MB kept, %d bytes of work for each frame", float64(kept)/(1<<20), work)
			if kept > floodHeap {
				t.Errorf("%d MB are kept, %d are allowed", kept>>20, floodHeap>>20)
			}
			if work > floodWork {
				t.Errorf("%d bytes are allocated for each frame, %d are allowed", work, floodWork)
			}
			runtime.KeepAlive(watch)
			runtime.KeepAlive(d)
		})
	}
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}
