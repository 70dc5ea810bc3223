package local

import (
	"bytes"
	"encoding/xml"
	"strings"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Limits of one WS-Discovery message.
const (
	wsdTokens = 2048 // XML tokens looked at
	wsdTexts  = 16   // texts told
)

// wsdNamespaces are those of WS-Discovery 2005 and 1.1 (OASIS 2009).
var wsdNamespaces = []string{
	"http://schemas.xmlsoap.org/ws/2005/04/discovery",
	"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01",
}

// wsDiscovery reads SOAP-over-UDP discovery as printers and cameras (ONVIF) use it.
func wsDiscovery() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "wsd",
		Recognise: func(_ wire.Conn, _ event.Side, data []byte) wire.Match {
			_, ok := parseWSD(data)
			return yesIf(ok)
		},
		New: func() wire.Datagram { return &wsdReader{} },
	}
}

type wsdReader struct{ told heard[uint64] }

// Packet reads one datagram; only the opener of the conversation is told of.
func (r *wsdReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	m, ok := parseWSD(data)
	if !ok {
		return false
	}
	c.Name("wsd")
	if from == event.FromClient && r.told.first(sumOf(m.kind+"\n"+strings.Join(m.texts, "\n"))) {
		c.Emit(0, event.Announced{
			Protocol: "wsd",
			Query:    m.kind == "Probe" || m.kind == "Resolve",
			Texts:    m.texts,
		})
	}
	return true
}

// wsdMessage is the kind of message and what it says, as "types: ...",
// "scopes: ...", "xaddrs: ..." and "address: ...".
type wsdMessage struct {
	kind  string
	texts []string
}

// parseWSD walks through the elements without building a tree, so that depth
// costs nothing.
func parseWSD(data []byte) (wsdMessage, bool) {
	if !isXML(data) || !mentionsWSD(data) {
		return wsdMessage{}, false
	}
	var m wsdMessage
	in := xml.NewDecoder(bytes.NewReader(data))
	inside := ""
	for range wsdTokens {
		token, err := in.RawToken()
		if err != nil {
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			inside = t.Name.Local
			m.name(inside)
		case xml.EndElement:
			inside = ""
		case xml.CharData:
			m.text(inside, string(t))
		}
	}
	return m, m.kind != ""
}

func isXML(data []byte) bool {
	head := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	return bytes.HasPrefix(head, []byte("<"))
}

func mentionsWSD(data []byte) bool {
	for _, ns := range wsdNamespaces {
		if bytes.Contains(data, []byte(ns)) {
			return true
		}
	}
	return false
}

func (m *wsdMessage) name(element string) {
	switch element {
	case "Hello", "Bye", "Probe", "ProbeMatches", "Resolve", "ResolveMatches":
		if m.kind == "" {
			m.kind = element
		}
	}
}

func (m *wsdMessage) text(element, said string) {
	switch element {
	case "Types", "Scopes", "XAddrs", "Address":
		said = strings.Join(strings.Fields(said), " ")
		if m.kind != "" && said != "" && len(m.texts) < wsdTexts {
			m.texts = append(m.texts, strings.ToLower(element)+": "+said[:min(len(said), fieldLimit)])
		}
	}
}
