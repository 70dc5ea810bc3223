package report

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"

	"assay/internal/assess/event"
	"assay/internal/assess/rule"
)

// Bounds of what is shown of one event.
const (
	listLimit  = 24 // items of one list
	bytesLimit = 64 // bytes of one byte string
	depthLimit = 4  // lists and structures inside each other
)

// opener shows what was read from frames. Its salt goes into the digests of
// secrets: the same secret in two logs has two digests.
type opener struct{ salt []byte }

// salt is the digest of the evidence.
func salt(e EvidenceFile) []byte {
	sum, err := hex.DecodeString(e.SHA256)
	if err != nil {
		return []byte(e.SHA256)
	}
	return sum
}

// packets opens every frame that a finding cites, in order of their numbers.
func (o opener) packets(findings []rule.Finding) []Packet {
	byFrame := map[event.Ref]*Packet{}
	for _, f := range findings {
		for _, ev := range f.Because {
			if ev.Ref == 0 || ev.Body == nil {
				continue
			}
			p := byFrame[ev.Ref]
			if p == nil {
				p = &Packet{Frame: ev.Ref, At: ev.At}
				byFrame[ev.Ref] = p
			}
			p.add(o.open(ev))
		}
	}
	out := make([]Packet, 0, len(byFrame))
	for _, p := range byFrame {
		sort.SliceStable(p.Events, func(i, j int) bool { return p.Events[i].key() < p.Events[j].key() })
		out = append(out, *p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Frame < out[j].Frame })
	return out
}

// add keeps one of several equal observations.
func (p *Packet) add(s Seen) {
	same := func(o Seen) bool { return o.key() == s.key() && slices.Equal(o.Fields, s.Fields) }
	if !slices.ContainsFunc(p.Events, same) {
		p.Events = append(p.Events, s)
	}
}

func (s Seen) key() string {
	return strings.Join([]string{s.Kind, s.Device, s.Client, s.Server, strconv.FormatUint(s.Flow, 10), s.Says}, "\x00")
}

// cited lists the frames of events, each once, in order.
func cited(events []event.Event) []event.Ref {
	out := make([]event.Ref, 0, len(events))
	for _, ev := range events {
		if ev.Ref != 0 {
			out = append(out, ev.Ref)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// open tells all that may be shown of one event.
func (o opener) open(ev event.Event) Seen {
	first := ev.First
	if first == 0 {
		first = ev.Ref
	}
	return Seen{
		Says:     ev.Body.Describe(),
		Kind:     kindOf(ev.Body),
		Protocol: protocolOf(ev.Body),
		First:    first,
		Device:   hostText(ev.Device),
		Peer:     hostText(ev.Peer),
		Client:   endText(ev.Client),
		Server:   endText(ev.Server),
		Flow:     uint64(ev.Flow),
		Fields:   o.fields(ev.Body),
	}
}

func hostText(h event.HostID) string {
	if h.IsZero() {
		return ""
	}
	return h.String()
}

// endText leaves port 0 away: it marks an event without a conversation.
func endText(a netip.AddrPort) string {
	switch {
	case !a.Addr().IsValid():
		return ""
	case a.Port() == 0:
		return a.Addr().Unmap().String()
	default:
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()
	}
}

func kindOf(b event.Body) string { return snake(reflect.TypeOf(b).Name()) }

// snake writes a Go name in lower case with underscores: "DNSAsked" becomes
// "dns_asked".
func snake(name string) string {
	var out strings.Builder
	rs := []rune(name)
	for i, r := range rs {
		starts := i > 0 && unicode.IsUpper(r) &&
			(unicode.IsLower(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1]))
		if starts {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// fields lists the fields of a body, in the order of its declaration. Empty
// texts, lists and addresses are left out; numbers and flags never are, since a
// flag that is not set is evidence too.
func (o opener) fields(b event.Body) []Field {
	if note, ok := b.(event.NoteSeen); ok {
		return []Field{{"kind", event.Clean(note.Kind)}, {"json", event.Clean(string(note.JSON))}}
	}
	v := reflect.ValueOf(b)
	out := []Field{}
	if v.Kind() != reflect.Struct {
		return out
	}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if text := o.valueText(v.Field(i), 0); text != "" {
			out = append(out, Field{Name: snake(v.Type().Field(i).Name), Value: text})
		}
	}
	return out
}

// valueText shows one value; strings are cleaned here, and only here.
func (o opener) valueText(v reflect.Value, depth int) string {
	if text, ok := o.knownText(v.Interface()); ok {
		return text
	}
	switch v.Kind() {
	case reflect.String:
		return event.Clean(v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', 4, 64)
	case reflect.Slice, reflect.Array:
		return o.listText(v, depth+1)
	case reflect.Struct:
		return o.structText(v, depth+1)
	default:
		return ""
	}
}

// secretText tells a secret's length and salted digest, by which it can be compared
// and not be learnt.
func (o opener) secretText(s event.Secret) string {
	if s.Len() == 0 {
		return ""
	}
	return plural(s.Len(), "byte") + ", salted digest " + s.Digest(o.salt)
}

// knownText shows the types that have a notation of their own.
func (o opener) knownText(v any) (string, bool) {
	switch v := v.(type) {
	case event.Secret:
		return o.secretText(v), true
	case netip.Addr:
		return unlessEmpty(!v.IsValid(), v), true
	case netip.AddrPort:
		return endText(v), true
	case time.Time:
		return unlessEmpty(v.IsZero(), stamp(v)), true
	case fmt.Stringer: // enumerations, durations, prefixes
		return event.Clean(v.String()), true
	case [6]byte:
		return event.FormatMAC(v), true
	case []byte:
		return hexText(v), true
	default:
		return "", false
	}
}

func unlessEmpty(empty bool, v fmt.Stringer) string {
	if empty {
		return ""
	}
	return v.String()
}

// stamp is a moment that shows itself as RFC 3339 in UTC.
type stamp time.Time

// String is the moment to the nanosecond.
func (s stamp) String() string { return time.Time(s).UTC().Format(time.RFC3339Nano) }

func hexText(b []byte) string {
	if len(b) > bytesLimit {
		return hex.EncodeToString(b[:bytesLimit]) + "… (" + strconv.Itoa(len(b)) + " bytes)"
	}
	return hex.EncodeToString(b)
}

func (o opener) listText(v reflect.Value, depth int) string {
	if depth > depthLimit {
		return "…"
	}
	var parts []string
	for i := range v.Len() {
		if i == listLimit {
			parts = append(parts, "… ("+strconv.Itoa(v.Len())+" in all)")
			break
		}
		parts = append(parts, o.valueText(v.Index(i), depth))
	}
	return strings.Join(parts, ", ")
}

func (o opener) structText(v reflect.Value, depth int) string {
	if depth > depthLimit {
		return "…"
	}
	var parts []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		if text := o.valueText(v.Field(i), depth); text != "" {
			parts = append(parts, snake(f.Name)+" "+text)
		}
	}
	return "{" + strings.Join(parts, "; ") + "}"
}

// protocolOf names the protocol an event is about, "" when it tells of none.
func protocolOf(b event.Body) string {
	switch b := b.(type) {
	case event.DNSAsked:
		return b.Kind.String()
	case event.DNSAnswered:
		return b.Kind.String()
	case event.FlowStarted:
		return b.Transport.String()
	case event.FlowEstablished:
		return b.Transport.String()
	case event.FlowEnded:
		return strings.TrimPrefix(b.Transport.String()+"/"+strings.ToUpper(b.Protocol), "/")
	case event.Login:
		return strings.ToUpper(b.Service)
	case event.Announced:
		return b.Protocol
	default:
		return protocolByKind(kindOf(b))
	}
}

// protocolByKind reads the protocol off a kind's name.
func protocolByKind(kind string) string {
	for _, p := range []struct{ part, protocol string }{
		{"dhcp4", "DHCPv4"}, {"dhcp6", "DHCPv6"}, {"arp", "ARP"}, {"lldp", "LLDP"}, {"quic", "QUIC"},
		{"router_", "NDP"}, {"neighbour_", "NDP"}, {"groups_", "IGMP/MLD"}, {"pinged", "ICMP"}, {"icmp", "ICMP"},
		{"tls", "TLS"}, {"hello", "TLS"}, {"certificate", "TLS"}, {"psk", "TLS"}, {"server_key", "TLS"},
		{"http", "HTTP"}, {"mqtt", "MQTT"}, {"coap", "CoAP"}, {"snmp", "SNMP"}, {"time_", "NTP"}, {"media", "RTP"},
	} {
		if strings.Contains(kind, p.part) {
			return p.protocol
		}
	}
	return ""
}
