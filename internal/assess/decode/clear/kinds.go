package clear

import (
	"bytes"

	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Streams are the protocols over TCP that this package reads. The canaries are
// looked for in each of their conversations. The order is from the most telling
// beginning to the least.
func Streams(canaries []string) []wire.StreamKind {
	p := scan.Compile(canaries)
	kind := func(name string, is func(wire.Conn, event.Side, []byte) wire.Match, make func(*scan.Patterns) wire.Stream) wire.StreamKind {
		return wire.StreamKind{Name: name, Recognise: is, New: func() wire.Stream { return make(p) }}
	}
	return []wire.StreamKind{
		kind("http", recogniseHTTP, httpReaders()),
		kind("h2c", recogniseH2, newH2),
		kind("mqtt", recogniseMQTT, newMQTT),
		kind("rtsp", recogniseRTSP, newRTSP),
		kind("sip", recogniseSIP, newSIP),
		kind("ssh", recogniseSSH, newSSH),
		kind("imap", recogniseIMAP, newIMAP),
		kind("pop3", recognisePOP3, newPOP3),
		kind("smtp", recogniseSMTP, newSMTP),
		kind("ftp", recogniseFTP, newFTP),
		kind("xmpp", recogniseXMPP, newXMPP),
		kind("rtmp", recogniseRTMP, newRTMP),
		kind("modbus", recogniseModbus, newModbus),
		kind("socks", recogniseSOCKS, newSOCKS),
		kind("telnet", recogniseTelnet, newTelnet),
	}
}

func recogniseH2(_ wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromServer {
		return wire.No
	}
	return matchPrefix(first, h2Preface)
}

func newH2(p *scan.Patterns) wire.Stream { return newListener(p, "h2c") }

// matchPrefix compares what is there of a fixed beginning.
func matchPrefix(first []byte, want string) wire.Match {
	n := min(len(first), len(want))
	switch {
	case !bytes.Equal(first[:n], []byte(want)[:n]):
		return wire.No
	case n < len(want):
		return wire.Maybe
	default:
		return wire.Yes
	}
}
