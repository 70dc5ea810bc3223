package fact

import (
	"fmt"
	"net/netip"

	"assay/internal/assess/event"
)

func clearSchema() []Decl {
	return append(append(append(flowSchema(), opaqueSchema()...), exposedSchema()...),
		append(announceSchema(), recipientSchema()...)...)
}

func flowSchema() []Decl {
	return []Decl{
		{"clear.internet", Int, "conversations with the internet that carried payload, network services (DNS, NTP, DHCP) left out"},
		{"clear.encrypted", Int, "of clear.internet, those recognised as TLS, DTLS, QUIC, SSH or a VPN"},
		{"clear.plain", Int, "of clear.internet, those that carried readable application data"},
		{"clear.plain_list", List, "protocol and destination of each of clear.plain"},
		{"clear.exempt", Int, "of clear.internet, those that only checked the connection, fetched certificate status or fetched a file with a recognised signature, readable"},
		{"clear.exempt_list", List, "kind, protocol and destination of each of clear.exempt"},
		{"clear.signed_files", Int, "of clear.exempt, those that fetched a file with a recognised signature block"},
		{"clear.undecided", Int, "of clear.internet, those whose content the log does not show, or that are neither recognised nor readable"},
		{"clear.unanswered", Int, "of clear.undecided, those in readable HTTP whose request or answer is not whole in the log, so that they may have been connectivity checks"},
		{"clear.network", Int, "conversations of network services with the internet: DNS, NTP, DHCP"},
		{"clear.unread", Int, "conversations of the device, local ones too, in a readable protocol that was not recognised"},
	}
}

// openLimit bounds how many conversations of one host are remembered while they
// are open.
const openLimit = 4096

// clearKind is what a conversation with the internet turned out to be.
type clearKind uint8

const (
	clearSilent    clearKind = iota // no payload
	clearNetwork                    // a network service with checks of its own
	clearEncrypted                  // TLS, DTLS, QUIC, SSH
	clearCheck                      // connectivity check
	clearStatus                     // OCSP, CRL, issuer certificate
	clearSigned                     // file with a recognised signature
	clearUndecided                  // cannot be told
	clearPlain                      // readable application data
)

// String is the kind as lists print it.
func (k clearKind) String() string {
	return [...]string{"silent", "network service", "encrypted", "connectivity check", "certificate status",
		"signed file", "undecided", "readable data"}[min(int(k), 7)]
}

// protocolKinds sorts the protocols that packages recognise by content. A
// protocol that is not listed is undecided: neither a merit nor a fault.
var protocolKinds = map[string]clearKind{
	"tls": clearEncrypted, "dtls": clearEncrypted, "quic": clearEncrypted, "gquic": clearEncrypted, "ssh": clearEncrypted,
	"wireguard": clearEncrypted, "openvpn": clearEncrypted, "ipsec-nat-t": clearEncrypted, "snmpv3": clearEncrypted,
	"dns": clearNetwork, "mdns": clearNetwork, "llmnr": clearNetwork, "ntp": clearNetwork,
	"dhcp": clearNetwork, "dhcp4": clearNetwork, "dhcp6": clearNetwork, "dhcpv4": clearNetwork, "dhcpv6": clearNetwork,
	"nat-pmp": clearNetwork, "pcp": clearNetwork, "stun": clearNetwork,
	"mqtt": clearPlain, "mqtt-sn": clearPlain, "ftp": clearPlain, "tftp": clearPlain, "telnet": clearPlain,
	"smtp": clearPlain, "pop3": clearPlain, "imap": clearPlain, "rtsp": clearPlain, "rtp": clearPlain,
	"rtmp": clearPlain, "sip": clearPlain, "snmp": clearPlain, "coap": clearPlain, "syslog": clearPlain,
	"modbus": clearPlain, "websocket": clearPlain, "ws": clearPlain, "irc": clearPlain, "xmpp": clearPlain,
	"ftp-data": clearPlain, "socks": clearPlain, "ssdp": clearPlain, "netbios": clearPlain, "h2c": clearPlain,
	"wsd": clearPlain, "bacnet": clearPlain,
}

// flowLens sorts the device's conversations by what an onlooker can read.
type flowLens struct {
	open     map[event.FlowID]*httpTalk
	kinds    [8]Because
	internet Because
	unread   Because
	// unanswered are those that stay undecided because HTTP was cut short.
	unanswered Because
	plain      []string
	exempt     []string
}

func (*flowLens) wants() wanted {
	return wanted{
		Actor: {event.HTTPRequest{}, event.HTTPResponse{}, event.Login{}, event.Exposed{}, event.ServerHello{}, event.TLSAppData{}, event.FlowEnded{}},
		Other: {event.HTTPRequest{}, event.HTTPResponse{}, event.Login{}, event.Exposed{}, event.ServerHello{}, event.TLSAppData{}, event.FlowEnded{}},
	}
}

func (l *flowLens) see(w *world, ev *sighting, role Role) {
	if role == Bystander || ev.Flow == 0 {
		return
	}
	switch b := ev.Body.(type) {
	case event.HTTPRequest:
		l.talk(ev.Flow).ask(w, b)
	case event.HTTPResponse:
		l.talk(ev.Flow).answer(b)
	case event.Login:
		l.talk(ev.Flow).spoil()
	case event.Exposed:
		if (b.From == event.FromClient) == (role == Actor) {
			l.talk(ev.Flow).spoil()
		}
	case event.ServerHello, event.TLSAppData:
		l.seeTLS(ev)
	case event.FlowEnded:
		l.end(w, ev, b, role)
	}
}

// seeTLS notes what TLS carries without encryption.
func (l *flowLens) seeTLS(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.ServerHello:
		if isNullSuite(b.Suite) {
			l.talk(ev.Flow).null = true
		}
	case event.TLSAppData:
		if t := l.open[ev.Flow]; t != nil && t.null {
			t.spoil()
		}
	}
}

// talk is the record of a conversation; beyond the limit one that is thrown away.
func (l *flowLens) talk(id event.FlowID) *httpTalk {
	if l.open == nil {
		l.open = map[event.FlowID]*httpTalk{}
	}
	t, ok := l.open[id]
	if !ok {
		t = &httpTalk{}
		if len(l.open) < openLimit {
			l.open[id] = t
		}
	}
	return t
}

func (l *flowLens) end(w *world, ev *sighting, b event.FlowEnded, role Role) {
	talk := l.open[ev.Flow]
	delete(l.open, ev.Flow)
	mine, theirs := ends(ev, role)
	if !w.isOwnEnd(mine) || w.scope(theirs) <= ScopeGroup {
		return
	}
	readable := b.Protocol == "" && contentOfFlow(b) == contentReadable
	if readable {
		l.unread.See(ev)
	}
	if w.scope(theirs) != ScopeInternet {
		return
	}
	kind := kindOf(b, talk, readable)
	l.kinds[kind].See(ev)
	if kind == clearSilent || kind == clearNetwork {
		return
	}
	l.internet.See(ev)
	if kind == clearUndecided && isHTTP(b.Protocol) {
		l.unanswered.See(ev)
	}
	l.list(kind, b.Protocol, theirs, ev.Server.Port())
}

func (l *flowLens) list(kind clearKind, protocol string, theirs netip.Addr, port uint16) {
	const keep = 256
	var list *[]string
	mark := ""
	switch {
	case kind == clearPlain:
		list = &l.plain
	case kind >= clearCheck && kind <= clearSigned:
		list, mark = &l.exempt, kind.String()+": "
	}
	if list == nil || len(*list) >= keep {
		return
	}
	if protocol == "" {
		protocol = "unrecognised protocol"
	}
	*list = append(*list, fmt.Sprintf("%s%s with %s, service port %d", mark, event.Clean(protocol), theirs, port))
}

// kindOf judges a conversation with the internet at its end.
func kindOf(b event.FlowEnded, talk *httpTalk, readable bool) clearKind {
	if b.Client.Bytes+b.Server.Bytes == 0 {
		return clearSilent
	}
	if talk != nil && talk.spoiled {
		return clearPlain
	}
	if talk != nil && talk.asked() {
		return talk.kind()
	}
	if kind, known := protocolKinds[b.Protocol]; known {
		return kind
	}
	if readable {
		return clearPlain
	}
	return clearUndecided
}

func (l *flowLens) state(_ *world, out *Sheet) {
	exempt := l.kinds[clearCheck]
	exempt.Join(l.kinds[clearStatus])
	exempt.Join(l.kinds[clearSigned])
	undecided := l.kinds[clearUndecided]
	for key, b := range map[string]Because{
		"clear.internet": l.internet, "clear.encrypted": l.kinds[clearEncrypted], "clear.plain": l.kinds[clearPlain],
		"clear.exempt": exempt, "clear.signed_files": l.kinds[clearSigned], "clear.undecided": undecided,
		"clear.unanswered": l.unanswered, "clear.network": l.kinds[clearNetwork], "clear.unread": l.unread,
	} {
		out.Int(key, b.Seen(), b)
	}
	out.List("clear.plain_list", sortedUnique(l.plain), l.kinds[clearPlain])
	out.List("clear.exempt_list", sortedUnique(l.exempt), exempt)
}
