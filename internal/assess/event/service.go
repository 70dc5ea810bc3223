package event

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// TimeAsked is an NTP client request, mode 3 (RFC 5905), or mode 1.
type TimeAsked struct {
	Version  uint8
	Mode     uint8
	Poll     int8 // log2 seconds, as in the packet
	Transmit time.Time
	// NTS says that NTS extension fields (0x0104, 0x0204, 0x0404) are present, RFC 8915.
	NTS bool
}

// TimeAnswered is an NTP server's reply, mode 4, or a broadcast, mode 5.
type TimeAnswered struct {
	Version  uint8
	Mode     uint8
	Stratum  uint8
	Transmit time.Time
	NTS      bool
}

// Announced is something said to everybody on the local network by name
// discovery or service discovery. Device is the speaker.
type Announced struct {
	// Protocol is "mdns", "llmnr", "netbios", "ssdp", "wsd" or "coap".
	Protocol string
	Query    bool // it asks rather than tells
	// Names are host, service and instance names; Texts are key=value strings
	// (TXT records, SSDP headers such as "server: ..." and "usn: ...").
	Names []string
	Texts []string
}

// PortMapAsked is a request to a gateway to open a port (or to find out whether
// it would). Device asks.
type PortMapAsked struct {
	// Protocol is "upnp", "nat-pmp" or "pcp".
	Protocol string
	// Maps is false for mere discovery (SSDP search for an internet gateway,
	// external address request).
	Maps         bool
	InternalPort uint16
	ExternalPort uint16
}

// MQTTConnected is an MQTT CONNECT in clear (MQTT 3.1.1 section 3.1, 5.0 section 3.1).
type MQTTConnected struct {
	Version   uint8 // protocol level: 3, 4 or 5
	ClientID  string
	User      string
	HasUser   bool
	HasSecret bool
	WillTopic string
}

// MQTTTopic is the first use of a topic in a clear MQTT conversation.
type MQTTTopic struct {
	Topic     string
	Subscribe bool
}

// CoAPSeen is a CoAP message (RFC 7252) in clear.
type CoAPSeen struct {
	Code    uint8 // class and detail as on the wire: 0x01 GET, 0x02 POST, 0x45 2.05
	Path    string
	Observe bool
}

// SNMPSeen is an SNMP v1 or v2c message.
type SNMPSeen struct {
	Version uint8 // 0 for v1, 1 for v2c, 3 for v3
	PDU     uint8 // tag: 0xa0 GetRequest, 0xa2 Response, 0xa7 Trap v2, ...
}

// MediaSeen is the beginning of a media stream in clear (RTP by content).
type MediaSeen struct {
	Protocol    string // "rtp", "rtmp"
	PayloadType uint8
}

// Pinged is an ICMP or ICMPv6 echo request.
type Pinged struct {
	V6 bool
	To netip.Addr
}

// Ponged is an ICMPv6 echo reply (RFC 4443 section 4.2). Bytes is the length of the
// whole IPv6 packet, Largest that of the longest piece in which it came: the same
// where it was not fragmented.
type Ponged struct {
	To             netip.Addr
	ID, Seq        uint16
	Bytes, Largest int
}

func (Ponged) body()        {}
func (TimeAsked) body()     {}
func (TimeAnswered) body()  {}
func (Announced) body()     {}
func (PortMapAsked) body()  {}
func (MQTTConnected) body() {}
func (MQTTTopic) body()     {}
func (CoAPSeen) body()      {}
func (SNMPSeen) body()      {}
func (MediaSeen) body()     {}
func (Pinged) body()        {}

// Describe is one line for a report.
func (b TimeAsked) Describe() string {
	return fmt.Sprintf("NTP request: version %d, poll 2^%d s, NTS %t", b.Version, b.Poll, b.NTS)
}

// Describe is one line for a report.
func (b TimeAnswered) Describe() string {
	return fmt.Sprintf("NTP answer: stratum %d, time %s", b.Stratum, b.Transmit.UTC().Format(time.RFC3339))
}

// Describe is one line for a report.
func (b Announced) Describe() string {
	verb := "announces"
	if b.Query {
		verb = "asks"
	}
	return Clean(fmt.Sprintf("%s %s: %s", b.Protocol, verb, strings.Join(append(append([]string{}, b.Names...), b.Texts...), ", ")))
}

// Describe is one line for a report.
func (b PortMapAsked) Describe() string {
	if !b.Maps {
		return b.Protocol + ": looks for a gateway that opens ports"
	}
	return fmt.Sprintf("%s: asks to open external port %d for its port %d", b.Protocol, b.ExternalPort, b.InternalPort)
}

// Describe is one line for a report.
func (b MQTTConnected) Describe() string {
	return fmt.Sprintf("MQTT CONNECT in clear: level %d, client id %q, user name present %t, password present %t",
		b.Version, Clean(b.ClientID), b.HasUser, b.HasSecret)
}

// Describe is one line for a report.
func (b MQTTTopic) Describe() string { return "MQTT topic in clear: " + Clean(b.Topic) }

// Describe is one line for a report.
func (b CoAPSeen) Describe() string {
	return fmt.Sprintf("CoAP message in clear: code %d.%02d, path %q", b.Code>>5, b.Code&31, Clean(b.Path))
}

// Describe is one line for a report.
func (b SNMPSeen) Describe() string {
	return fmt.Sprintf("SNMP message: version field %d, PDU 0x%02x", b.Version, b.PDU)
}

// Describe is one line for a report.
func (b MediaSeen) Describe() string { return b.Protocol + " media in clear" }

// Describe is one line for a report.
func (b Pinged) Describe() string { return "echo request to " + b.To.String() }

// Describe is one line for a report.
func (b Ponged) Describe() string {
	if b.Bytes == b.Largest {
		return fmt.Sprintf("echo reply to %s, one packet of %d bytes", b.To, b.Bytes)
	}
	return fmt.Sprintf("echo reply to %s, %d bytes in pieces of at most %d", b.To, b.Bytes, b.Largest)
}
