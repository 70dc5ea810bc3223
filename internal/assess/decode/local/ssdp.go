package local

import (
	"bytes"
	"strings"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// ssdp reads the discovery part of UPnP: M-SEARCH, NOTIFY and the answers (UPnP
// Device Architecture 2.0 section 1), on any port.
func ssdp() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "ssdp",
		Recognise: func(_ wire.Conn, _ event.Side, data []byte) wire.Match {
			_, ok := parseSSDP(data)
			return yesIf(ok)
		},
		New: func() wire.Datagram { return &ssdpReader{} },
	}
}

type ssdpReader struct{ told heard[uint64] }

// Packet reads one datagram and tells it of its speaker.
func (r *ssdpReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	m, ok := parseSSDP(data)
	if !ok {
		return false
	}
	c.Name("ssdp")
	said := ssdpTexts(m)
	if !r.told.first(sumOf(m.start + "\n" + strings.Join(said, "\n"))) {
		return true
	}
	search := strings.HasPrefix(m.start, "M-SEARCH")
	speak(c, from, event.Announced{Protocol: "ssdp", Query: search, Texts: said})
	if target, _ := m.get("st"); search && from == event.FromClient && isGatewayService(target) {
		c.Emit(0, event.PortMapAsked{Protocol: "upnp"})
	}
	return true
}

// parseSSDP accepts the three start lines of SSDP. An answer looks like any HTTP
// response, so it must carry the two fields that only SSDP has.
func parseSSDP(data []byte) (message, bool) {
	if !bytes.HasPrefix(data, []byte("M-SEARCH * HTTP/1.")) &&
		!bytes.HasPrefix(data, []byte("NOTIFY * HTTP/1.")) &&
		!bytes.HasPrefix(data, []byte("HTTP/1.")) {
		return message{}, false
	}
	m, ok := parseMessage(data)
	if !ok {
		return message{}, false
	}
	if strings.HasPrefix(m.start, "HTTP/") {
		_, target := m.get("st")
		_, name := m.get("usn")
		return m, target && name
	}
	return m, true
}

// ssdpFields are the header fields worth telling, in the order they are told.
var ssdpFields = []string{"st", "nt", "nts", "usn", "location", "server", "user-agent", "x-user-agent", "cpfn.upnp.org"}

func ssdpTexts(m message) []string {
	var out []string
	for _, name := range ssdpFields {
		if v, ok := m.get(name); ok && v != "" {
			out = append(out, name+": "+v)
		}
	}
	return out
}

// isGatewayService says that a search target is the UPnP Internet Gateway Device
// or one of its services that open ports.
func isGatewayService(target string) bool {
	for _, name := range []string{":InternetGatewayDevice:", ":WANIPConnection:", ":WANPPPConnection:", ":WANIPv6FirewallControl:"} {
		if strings.Contains(target, name) {
			return true
		}
	}
	return false
}
