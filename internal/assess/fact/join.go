package fact

import (
	"net/url"
	"regexp"
	"sort"
	"strings"

	"assay/internal/assess/event"
)

func joinSchema() []Decl {
	return []Decl{
		{"join.seen", Int, "messages by which the device asked for an address: DHCP DISCOVER, DHCP REQUEST, INFORM, or DHCPv6 SOLICIT, REQUEST and INFORMATION-REQUEST"},
		{"join.fresh", Int, "of join.seen, those with which it joined afresh (DISCOVER, SOLICIT)"},
		{"join.host_names", List, "host names the device gave of itself in DHCP (options 12 and 81, DHCPv6 option 39), without those that are generic"},
		{"join.vendor_classes", List, "vendor classes it gave (option 60, DHCPv6 option 16)"},
		{"join.names_mac", Bool, "a host name holds the MAC address of the frames or the last three bytes of it"},
		{"join.serial_proven", List, "host names or vendor classes that hold what the device itself announces as its serial number, or what the operator stated as its serial number or owner"},
		{"join.serial_like", List, "host names or vendor classes with a run of eight or more digits and capitals that reads like a serial number"},
		{"join.other_mac", Bool, "a client identifier or DUID holds a hardware address that is not the one of the frames"},
		{"join.duid_types", List, "kinds of DHCPv6 DUID: LLT, EN, LL, UUID"},
		{"join.asks_v6only", Bool, "the device asked for DHCP option 108 (IPv6-only preferred)"},
		{"join.asks_dhcp4", Int, "DHCPv4 messages with a parameter request list"},
		{"mud.url", Text, "the MUD URL the device gave; absent when it gave none"},
		{"mud.https", Bool, "that URL is a well-formed https URL; absent without one"},
		{"mud.via", List, "how it gave it: DHCPv4, DHCPv6, LLDP"},
	}
}

// joinTextLimit bounds each set of texts that one host said of itself.
const joinTextLimit = 16

// joinLens watches what a host says of itself when it joins the network.
type joinLens struct {
	seen, fresh, asks4, v6only Because
	names, classes             said
	duids                      said
	otherMAC                   Because
	serials                    map[string]bool // what it announces as its serial number
	mud                        said
	mudURL                     string
}

// said is a bounded set of texts with its evidence.
type said struct {
	texts   map[string]bool
	because Because
}

func (s *said) add(ev *sighting, text string) {
	if text == "" || s.texts[text] || len(s.texts) >= joinTextLimit {
		return
	}
	if s.texts == nil {
		s.texts = map[string]bool{}
	}
	s.texts[text] = true
	s.because.See(ev)
}

// list returns the texts in order, cleaned for showing, that keep accepts.
func (s *said) list(keep func(string) bool) []string {
	var out []string
	for t := range s.texts {
		if keep(t) {
			out = append(out, event.Clean(t))
		}
	}
	sort.Strings(out)
	return out
}

func (*joinLens) wants() wanted {
	return wanted{
		Actor: {event.DHCP4{}, event.DHCP6{}, event.LLDPSeen{}, event.Announced{}},
	}
}

func (l *joinLens) see(w *world, ev *sighting, role Role) {
	if role != Actor {
		return
	}
	switch b := ev.Body.(type) {
	case event.DHCP4:
		if !b.FromServer {
			l.seeDHCP4(w, ev, b)
		}
	case event.DHCP6:
		if !b.FromServer {
			l.seeDHCP6(w, ev, b)
		}
	case event.LLDPSeen:
		l.seeMUD(ev, b.MUDURL, "LLDP")
	case event.Announced:
		if !b.Query {
			l.seeAnnounced(b)
		}
	}
}

func (l *joinLens) seeDHCP4(w *world, ev *sighting, b event.DHCP4) {
	switch b.Type {
	case 1:
		l.fresh.See(ev)
	case 3, 8:
	default:
		return
	}
	l.seen.See(ev)
	l.names.add(ev, b.HostName)
	l.names.add(ev, strings.TrimSuffix(b.FQDN, "."))
	l.classes.add(ev, b.VendorClass)
	l.seeMUD(ev, b.MUDURL, "DHCPv4")
	if len(b.ClientID) == 7 && b.ClientID[0] == 1 {
		l.seeHardware(w, ev, b.ClientID[1:])
	}
	if len(b.Parameters) > 0 {
		l.asks4.See(ev)
	}
	for _, p := range b.Parameters {
		if p == 108 {
			l.v6only.See(ev)
			break
		}
	}
}

func (l *joinLens) seeDHCP6(w *world, ev *sighting, b event.DHCP6) {
	switch b.Type {
	case 1:
		l.fresh.See(ev)
	case 3, 11:
	default:
		return
	}
	l.seen.See(ev)
	l.names.add(ev, strings.TrimSuffix(b.FQDN, "."))
	l.classes.add(ev, b.VendorClass)
	l.seeMUD(ev, b.MUDURL, "DHCPv6")
	const hardware = 6
	if n := len(b.DUID); (b.DUIDType == 1 || b.DUIDType == 3) && n >= hardware {
		l.seeHardware(w, ev, b.DUID[n-hardware:])
	}
	if b.DUIDType >= 1 && b.DUIDType <= 4 {
		l.duids.add(ev, [...]string{"LLT", "EN", "LL", "UUID"}[b.DUIDType-1])
	}
}

func (l *joinLens) seeHardware(w *world, ev *sighting, addr []byte) {
	if mac, ok := w.host.MAC(); ok && [6]byte(addr) != mac {
		l.otherMAC.See(ev)
	}
}

func (l *joinLens) seeMUD(ev *sighting, u, via string) {
	if u == "" {
		return
	}
	if l.mudURL == "" {
		l.mudURL = u
	}
	l.mud.add(ev, via)
}

// seeAnnounced remembers what the device itself calls its serial number.
func (l *joinLens) seeAnnounced(b event.Announced) {
	for _, t := range b.Texts {
		key, value, ok := strings.Cut(t, "=")
		if !ok {
			continue
		}
		switch strings.ToLower(key) {
		case "serial", "serialnumber", "serial_number", "sn", "serialno":
			const shortest = 5 // a shorter one would be found everywhere
			if len(value) >= shortest && len(l.serials) < joinTextLimit {
				if l.serials == nil {
					l.serials = map[string]bool{}
				}
				l.serials[strings.ToLower(value)] = true
			}
		}
	}
}

func (l *joinLens) state(w *world, out *Sheet) {
	out.Int("join.seen", l.seen.Seen(), l.seen)
	out.Int("join.fresh", l.fresh.Seen(), l.fresh)
	out.Int("join.asks_dhcp4", l.asks4.Seen(), l.asks4)
	out.Bool("join.asks_v6only", l.v6only.Seen() > 0, l.v6only)
	told := func(s string) bool { return !isGenericName(s) }
	all := l.names.because
	all.Join(l.classes.because)
	out.List("join.host_names", l.names.list(told), l.names.because)
	out.List("join.vendor_classes", l.classes.list(told), l.classes.because)
	out.List("join.duid_types", l.duids.list(told), l.duids.because)
	proven := func(s string) bool { return l.isProvenIdentity(w, s) }
	out.List("join.serial_proven", append(l.names.list(proven), l.classes.list(proven)...), all)
	like := func(s string) bool { return !proven(s) && looksLikeSerial(w.host, s) }
	out.List("join.serial_like", append(l.names.list(like), l.classes.list(like)...), all)
	if _, named := w.host.MAC(); named {
		inName := l.names.list(func(s string) bool { return textHoldsMAC(w.host, s) })
		out.Bool("join.names_mac", len(inName) > 0, l.names.because)
		out.Bool("join.other_mac", l.otherMAC.Seen() > 0, l.otherMAC)
	}
	out.List("mud.via", l.mud.list(told), l.mud.because)
	if l.mudURL != "" {
		u, err := url.Parse(l.mudURL)
		out.Text("mud.url", event.Clean(l.mudURL), l.mud.because)
		out.Bool("mud.https", err == nil && u.Scheme == "https" && u.Host != "", l.mud.because)
	}
}

// isProvenIdentity says that a text holds what is known to be the serial number
// or the owner's name, because the device or the operator said so.
func (l *joinLens) isProvenIdentity(w *world, text string) bool {
	text = strings.ToLower(text)
	for serial := range l.serials {
		if strings.Contains(text, serial) {
			return true
		}
	}
	for _, key := range []string{"serial", "owner"} {
		const shortest = 4
		v := strings.ToLower(strings.TrimSpace(w.closing.Statements[key]))
		if len(v) >= shortest && strings.Contains(text, v) {
			return true
		}
	}
	return false
}

// genericNames tell nothing of the device that sends them.
var genericNames = map[string]bool{
	"": true, "localhost": true, "localhost.localdomain": true, "(none)": true, "none": true,
	"unknown": true, "device": true, "host": true, "client": true, "iot": true, "iot-device": true,
}

func isGenericName(s string) bool { return genericNames[strings.ToLower(strings.TrimSpace(s))] }

// textHoldsMAC finds the whole link-layer address or its last three bytes, as
// hexadecimal digits with or without separators.
func textHoldsMAC(host event.HostID, text string) bool {
	mac, ok := host.MAC()
	if !ok {
		return false
	}
	digits := strings.ReplaceAll(event.FormatMAC(mac), ":", "")
	plain := strings.NewReplacer(":", "", "-", "", "_", "", ".", "").Replace(strings.ToLower(text))
	return strings.Contains(plain, digits[6:])
}

// serialRun is a run of capitals and digits as on a type label.
var serialRun = regexp.MustCompile(`[0-9A-Z]{8,}`)

// looksLikeSerial finds a run that has at least five digits and is no part of the
// link-layer address. It proves nothing.
func looksLikeSerial(host event.HostID, text string) bool {
	for _, run := range serialRun.FindAllString(text, -1) {
		digits := 0
		for i := range len(run) {
			if run[i] >= '0' && run[i] <= '9' {
				digits++
			}
		}
		if digits >= 5 && !textHoldsMAC(host, run) {
			return true
		}
	}
	return false
}
