package probe

import (
	"context"
	"net/netip"
	"strconv"
	"time"

	"assay/internal/assess/event"
)

// question is one that a service over UDP answers if it is there.
type question struct {
	port    uint16
	service string
	payload string
}

// How agents for SNMP are found. Asking with a community is trying a password, so it needs
// consent; who speaks version 3 also answers without one (RFC 3414, section 4).
const (
	community = "\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x41\x53\x53\x41\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00"
	anybody   = "\x30\x3e\x02\x01\x03\x30\x11\x02\x04\x41\x53\x53\x41\x02\x03\x00\xff\xe3\x04\x01\x04\x02\x01\x03" +
		"\x04\x10\x30\x0e\x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00" +
		"\x30\x14\x04\x00\x04\x00\xa0\x0e\x02\x04\x41\x53\x53\x41\x02\x01\x00\x02\x01\x00\x30\x00"
)

// questions are small and harmless; each is asked at most twice.
func questions(agreed bool) []question {
	out := []question{
		{53, "dns", "\x1a\x2b\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"},
		{69, "tftp", "\x00\x01assay-absent\x00octet\x00"},
		{123, "ntp", "\x23\x00\x06\xec" + string(make([]byte, 44))},
		{161, "snmp", anybody},
		{1900, "ssdp", "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n"},
		{3702, "ws-discovery", `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header><a:MessageID>urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></s:Header><s:Body><d:Probe/></s:Body></s:Envelope>`},
		{5353, "mdns", "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09_services\x07_dns-sd\x04_udp\x05local\x00\x00\x0c\x80\x01"},
		{5683, "coap", "\x40\x01\x41\x53\xbb.well-known\x04core"},
	}
	if agreed {
		out = append(out, question{161, "snmp", community})
	}
	return out
}

// udp asks the services that speak over UDP, each at most twice: as a stranger from
// outside of its network first, who would be the victim of large answers, and then as a
// neighbour, whom a careful service answers alone.
func (p *Prober) udp(ctx context.Context, to netip.Addr) {
	for _, q := range questions(p.consented()) {
		for _, far := range []netip.Addr{p.cfg.Far(to), {}} {
			if ctx.Err() != nil || p.askUDP(ctx, far, netip.AddrPortFrom(to, q.port), q) {
				break
			}
		}
	}
}

// askUDP asks once, from far where that is valid, and says whether there was an answer.
func (p *Prober) askUDP(ctx context.Context, far netip.Addr, to netip.AddrPort, q question) bool {
	c, err := p.dialFrom(ctx, far, "udp", to.String())
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }() // it was only asked
	n := event.ProbeNote{Kind: event.ProbeUDP, Server: to, Client: localEnd(c), UDP: true, Service: q.service, Outcome: event.ProbeSilent}
	began, answered := time.Now(), 0
	if _, err := c.Write([]byte(q.payload)); err != nil {
		n.Outcome, n.Why = event.ProbeFailed, err.Error()
	} else if answered = len(readFor(c, 2*time.Second)); answered > 0 {
		n.Outcome = event.ProbeAnswered
		p.ports.udp = append(p.ports.udp, service{at: to, name: q.service, udp: true}) // at most one for each question
	}
	n.Took = time.Since(began)
	n.Detail = map[string]string{"asked": strconv.Itoa(len(q.payload)), "answered": strconv.Itoa(answered)}
	p.note(n)
	return answered > 0
}
