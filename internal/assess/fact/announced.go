package fact

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"assay/internal/assess/event"
)

func announceSchema() []Decl {
	return []Decl{
		{"announced.messages", Int, "messages by which the device told names or services to everybody on the local network"},
		{"announced.protocols", List, "the discovery protocols it used for that"},
		{"announced.identifiers", Int, "of announced.messages, those with the device's MAC address or the end of it, a serial number, or a UPnP name made of one"},
		{"announced.serial_like", Int, "of announced.messages, those with a number in a name that may be a serial number or a model"},
		{"announced.versions", Int, "of announced.messages, those with a firmware or software version"},
		{"announced.secrets", Int, "of announced.messages, those with a field named password or key that has a value, or a position"},
		{"announced.personal_like", Int, "of announced.messages, those with a name that reads like a person's"},
		{"announced.details", List, "what kind of detail stood in which field; names only where they read like a person's"},
	}
}

// announceLens watches what the device tells everybody on the local network.
type announceLens struct {
	messages           Because
	found              [announcedKinds]Because
	protocols, details findings
}

// announcedKind is what kind of detail an announcement gave away.
type announcedKind uint8

const (
	announcedIdentifier announcedKind = iota
	announcedSerialLike
	announcedVersion
	announcedSecret
	announcedPersonal
	announcedKinds // how many there are
)

// told gathers the details of one message, so that each kind counts once.
type told map[announcedKind][]string

func (t told) add(k announcedKind, detail string) { t[k] = append(t[k], detail) }

func (*announceLens) wants() wanted {
	return wanted{
		Actor: {event.Announced{}, event.Exposed{}},
	}
}

func (l *announceLens) see(w *world, ev *sighting, role Role) {
	if role != Actor {
		return
	}
	switch b := ev.Body.(type) {
	case event.Announced:
		if !b.Query {
			l.seeTold(w, ev, b)
		}
	case event.Exposed:
		toAll := w.scope(ev.Server.Addr()) == ScopeGroup && b.From == event.FromClient
		if toAll && b.Kind == event.ExposedCanary {
			l.count(ev, told{announcedSecret: {"planted canary"}})
		}
	}
}

func (l *announceLens) seeTold(w *world, ev *sighting, b event.Announced) {
	l.messages.See(ev)
	l.protocols.add(ev, event.Clean(b.Protocol))
	const fieldLimit = 64 // fields of one message that are looked at
	details := told{}
	for _, n := range b.Names[:min(len(b.Names), fieldLimit)] {
		details.seeName(w, n)
	}
	for _, t := range b.Texts[:min(len(b.Texts), fieldLimit)] {
		details.seeText(w, t)
	}
	l.count(ev, details)
}

// count adds one message to each kind of detail that it gave away.
func (l *announceLens) count(ev *sighting, details told) {
	for kind := range announcedKinds {
		if len(details[kind]) > 0 {
			l.found[kind].See(ev)
		}
		for _, d := range details[kind] {
			l.details.add(ev, d)
		}
	}
}

// possessive finds a first name that owns the device: Anna's, Anna’s.
var possessive = regexp.MustCompile(`^\p{Lu}\p{Ll}+['’]s(\s|$|-)`)

func (t told) seeName(w *world, name string) {
	plain := unescapeLabel(name)
	switch {
	case holdsOwnMAC(w, plain):
		t.add(announcedIdentifier, "MAC address or the end of it in a name")
	case holdsNumber(plain):
		t.add(announcedSerialLike, "a number in the name "+event.Clean(plain))
	}
	if possessive.MatchString(plain) {
		t.add(announcedPersonal, "a name that reads like a person's: "+event.Clean(plain))
	}
}

// holdsUnitPart finds a part of a name that can belong to one unit only.
func holdsUnitPart(name string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(name, isNameBreak), isUnitPart)
}

// holdsNumber finds a part of a name that may belong to one unit, or be the name
// of a model with a number.
func holdsNumber(name string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(name, isNameBreak), func(part string) bool {
		return len(part) >= 6 && countDigits(part) >= 3
	})
}

// unescapeLabel turns \032 and \' of a DNS name in presentation form back
// (RFC 1035 section 5.1), bytes above ASCII included.
func unescapeLabel(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		if i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 10, 8); err == nil {
				out, i = append(out, byte(n)), i+3
				continue
			}
		}
		i++
		out = append(out, s[i])
	}
	return string(out)
}

func (t told) seeText(w *world, text string) {
	if holdsOwnMAC(w, text) {
		t.add(announcedIdentifier, "MAC address or the end of it in a text field")
	}
	if key, value, ok := keyValue(text); ok {
		t.seeField(key, value)
	}
}

func (t told) seeField(key, value string) {
	switch {
	case isSerialKey(key):
		t.add(announcedIdentifier, "serial number in field "+event.Clean(key))
	case fieldIs(key, "usn") && isNumberedUPnPName(value):
		t.add(announcedIdentifier, "number of one unit in field usn")
	case isVersion(key, value):
		t.add(announcedVersion, "version in field "+event.Clean(key))
	case isSecretKey(key) && !isFlagWord(value):
		t.add(announcedSecret, "value of a field named "+event.Clean(key))
	case isPositionKey(key) && isFraction(value):
		t.add(announcedSecret, "position in field "+event.Clean(key))
	}
}

// canonicalUUID is the form of RFC 9562 section 4, which UPnP demands of a device's
// name; a name of that form tells no serial number.
var canonicalUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// isNumberedUPnPName finds a UPnP device name that is made of a serial number
// instead: uuid:Socket-1_0-221517K0101769::upnp:rootdevice.
func isNumberedUPnPName(usn string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(usn, "uuid:"), "::")
	return !canonicalUUID.MatchString(name) && holdsUnitPart(name)
}

// keyValue splits key=value of a TXT record (RFC 6763 section 6.3) or "name:
// value" of a header. The key is in lower case.
func keyValue(text string) (key, value string, ok bool) {
	at := strings.IndexAny(text, "=:")
	if at < 1 {
		return "", "", false
	}
	key, value = strings.ToLower(strings.TrimSpace(text[:at])), strings.TrimSpace(text[at+1:])
	return key, value, value != "" && len(key) <= 40
}

// fieldIs compares a key with words, without separators.
func fieldIs(key string, words ...string) bool {
	key = strip(key)
	for _, w := range words {
		if key == w {
			return true
		}
	}
	return false
}

func isSerialKey(key string) bool {
	return fieldIs(key, "serial", "sn", "serialno", "serialnum", "serialnumber", "deviceserial", "devicesn")
}

func isSecretKey(key string) bool {
	return fieldIs(key, "password", "passwd", "passphrase", "psk", "wpapsk", "wifipassword", "wifikey", "secret", "adminpassword")
}

func isPositionKey(key string) bool {
	return fieldIs(key, "lat", "latitude", "lon", "lng", "longitude")
}

// isFlagWord is true for values that say whether there is a secret.
func isFlagWord(value string) bool {
	return len(value) < 4 || fieldIs(strings.ToLower(value), "true", "false", "none", "null", "required", "optional", "disabled", "enabled")
}

func isFraction(value string) bool {
	_, decimals, ok := strings.Cut(value, ".")
	_, err := strconv.ParseFloat(value, 64)
	return ok && len(decimals) >= 3 && err == nil
}

var (
	threeNumbers = regexp.MustCompile(`\d+\.\d+\.\d+`)
	product      = regexp.MustCompile(`([A-Za-z][\w .-]*)/v?\d+(\.\d+)+`)
)

// isVersion is true for a firmware or software version: any value of a field that
// is named so, three numbers in a field named version, or a product of an SSDP
// server line other than UPnP itself.
func isVersion(key, value string) bool {
	switch {
	case fieldIs(key, "fw", "fwver", "fwversion", "firmware", "firmwareversion", "swver", "swversion", "softwareversion", "osvers", "srcvers"):
		return true
	case fieldIs(key, "ver", "version", "v", "build"):
		return threeNumbers.MatchString(value)
	case fieldIs(key, "server"):
		for _, m := range product.FindAllStringSubmatch(value, -1) {
			if !strings.EqualFold(strings.TrimSpace(m[1]), "upnp") {
				return true
			}
		}
	}
	return false
}

// holdsOwnMAC finds the host's MAC address, with or without separators, or its
// last three bytes as a word of their own. The address of an uuid is one, too.
func holdsOwnMAC(w *world, text string) bool {
	mac, ok := w.host.MAC()
	if !ok {
		return false
	}
	id := hex.EncodeToString(mac[:])
	if strings.Contains(strip(text), id) {
		return true
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), isWordBreak) {
		if word == id[6:] && isVaried(word) {
			return true
		}
	}
	return false
}

func isWordBreak(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9')
}

func (l *announceLens) state(_ *world, out *Sheet) {
	out.Int("announced.messages", l.messages.Seen(), l.messages)
	for kind, key := range []string{"announced.identifiers", "announced.serial_like", "announced.versions", "announced.secrets", "announced.personal_like"} {
		out.Int(key, l.found[kind].Seen(), l.found[kind])
	}
	out.List("announced.protocols", l.protocols.list(), l.messages)
	out.List("announced.details", l.details.list(), l.details.because)
}
