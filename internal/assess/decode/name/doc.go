// Package name reads the protocols that turn names into addresses and tell the
// time: DNS over UDP and TCP (RFC 1035), mDNS (RFC 6762), LLMNR (RFC 4795) and
// NTP (RFC 5905), and reports questions and answers.
//
// It owns these formats and nothing else. It must not know which resolver a
// host ought to ask, nor what a question is worth.
//
// Messages are walked here and only names are unpacked with miekg/dns: of an
// answer just names, addresses and targets are wanted, and Msg.Unpack, which
// builds every record, takes twice the time and five times the allocations (see
// BenchmarkAnswer). That both read the same is tested.
package name

import "assay/internal/assess/decode/wire"

// The ports that give a hint of a protocol.
const (
	portDNS   = 53
	portNTP   = 123
	portNBNS  = 137 // NetBIOS name service: another protocol in the same format
	portMDNS  = 5353
	portLLMNR = 5355
)

// Streams lists the readers of conversations over TCP.
func Streams() []wire.StreamKind {
	return []wire.StreamKind{{Name: "dns", Recognise: recogniseStream, New: newStream}}
}

// Datagrams lists the readers of conversations over UDP.
func Datagrams() []wire.DatagramKind {
	return []wire.DatagramKind{
		{Name: "dns", Recognise: recogniseDNS, New: newDNS},
		{Name: "mdns", Recognise: recogniseOn(portMDNS), New: newMDNS},
		{Name: "llmnr", Recognise: recogniseOn(portLLMNR), New: newLLMNR},
		{Name: "ntp", Recognise: recogniseNTP, New: newNTP},
	}
}
