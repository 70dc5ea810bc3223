package local

import (
	"strings"
	"testing"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// fuzz feeds one kind with two datagrams, one from each side: no panic, and
// nothing long or unprintable in what is told.
func fuzz(f *testing.F, kind wire.DatagramKind, seeds string) {
	for _, path := range talks(f) {
		if !strings.HasPrefix(strings.TrimPrefix(path, "testdata/"), seeds) {
			continue
		}
		c := loadTalk(f, path)
		f.Add(c.conn.ClientPort, c.conn.ServerPort, c.packets[0].data, c.packets[len(c.packets)-1].data)
	}
	f.Fuzz(func(t *testing.T, client, server uint16, first, second []byte) {
		c := &talk{conn: wire.Conn{ClientPort: client, ServerPort: server, Group: client%2 == 0}}
		reader := kind.New()
		for i, p := range []sent{{event.FromClient, first}, {event.FromServer, second}, {event.FromClient, second}} {
			c.at = i
			match := kind.Recognise(c.conn, p.from, p.data)
			if took := reader.Packet(c, p.from, p.data); match == wire.Yes && i == 0 && !took {
				t.Errorf("the recogniser is sure and the reader refuses %x", p.data)
			}
		}
		for _, line := range strings.Split(c.log.String(), "\n") {
			if len(line) > 4096 || strings.ContainsRune(line, 0x1b) {
				t.Errorf("told too much or unclean: %q", line)
			}
		}
	})
}

func FuzzSSDP(f *testing.F)            { fuzz(f, ssdp(), "ssdp") }
func FuzzWSD(f *testing.F)             { fuzz(f, wsDiscovery(), "wsd") }
func FuzzSIP(f *testing.F)             { fuzz(f, sip(), "sip") }
func FuzzSNMP(f *testing.F)            { fuzz(f, snmp(), "snmp") }
func FuzzNATPMP(f *testing.F)          { fuzz(f, natPMP(), "nat-pmp") }
func FuzzPCP(f *testing.F)             { fuzz(f, pcp(), "pcp") }
func FuzzNetBIOS(f *testing.F)         { fuzz(f, netbiosNames(), "netbios") }
func FuzzNetBIOSDatagram(f *testing.F) { fuzz(f, netbiosDatagrams(), "netbios") }
func FuzzCoAP(f *testing.F)            { fuzz(f, coap(), "coap") }
func FuzzRTP(f *testing.F)             { fuzz(f, rtp(), "rtp") }
func FuzzTFTP(f *testing.F)            { fuzz(f, tftp(), "tftp") }
func FuzzSyslog(f *testing.F)          { fuzz(f, syslogUDP(), "syslog") }
func FuzzSTUN(f *testing.F)            { fuzz(f, stun(), "stun") }
func FuzzBACnet(f *testing.F)          { fuzz(f, bacnet(), "bacnet") }
func FuzzTuya(f *testing.F)            { fuzz(f, tuya(), "tuya") }
func FuzzIPsec(f *testing.F)           { fuzz(f, natTraversal(), "isakmp") }
func FuzzWireGuard(f *testing.F)       { fuzz(f, wireGuard(), "wireguard") }
func FuzzOpenVPN(f *testing.F)         { fuzz(f, openVPN(), "openvpn") }
