package fact

import (
	"bytes"
	"crypto/md5"  // computed to find passwords that were made with it
	"crypto/sha1" // the same
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"assay/internal/assess/event"
)

// publicLimit bounds how many public names of one host are kept.
const publicLimit = 32

// publicNames are the identifiers that a device shows to everybody nearby.
type publicNames struct {
	names []publicName
}

// publicName is one of them, with what kind it is.
type publicName struct{ what, text string }

func (p *publicNames) see(body event.Body) {
	switch b := body.(type) {
	case event.DHCP4:
		if !b.FromServer {
			p.add("DHCP host name", b.HostName)
		}
	case event.DHCP6:
		if !b.FromServer {
			p.add("DHCPv6 host name", b.FQDN)
		}
	case event.Announced:
		if !b.Query {
			p.seeAnnounced(b)
		}
	}
}

func (p *publicNames) seeAnnounced(b event.Announced) {
	for _, n := range b.Names {
		p.add("announced name", n)
	}
	for _, t := range b.Texts {
		if key, value, ok := keyValue(t); ok && isSerialKey(key) {
			p.add("announced serial number", value)
		}
	}
}

// add keeps the parts of a name that can only belong to one unit: six characters
// or more, four of them digits.
func (p *publicNames) add(what, text string) {
	for _, part := range strings.FieldsFunc(text, isNameBreak) {
		n := publicName{what, strings.ToLower(part)}
		if isUnitPart(part) && len(p.names) < publicLimit && !slices.Contains(p.names, n) {
			p.names = append(p.names, n)
		}
	}
}

func isNameBreak(r rune) bool { return strings.ContainsRune(" ._-/()[]", r) }

func isUnitPart(s string) bool {
	return len(s) >= 6 && len(s) <= 64 && countDigits(s) >= 4
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

// of lists the host's public identifiers, its address first.
func (p *publicNames) of(host event.HostID) []publicName {
	var out []publicName
	if mac, ok := host.MAC(); ok {
		text := hex.EncodeToString(mac[:])
		n := uint64(0)
		for _, b := range mac {
			n = n<<8 | uint64(b)
		}
		out = append(out, publicName{"MAC address", text},
			publicName{"MAC address in decimal", strconv.FormatUint(n, 10)},
			publicName{"lower half of the MAC address in decimal", strconv.FormatUint(n&0xffffff, 10)})
	}
	return append(out, p.names...)
}

func (l *loginLens) stateDerived(w *world, out *Sheet) {
	names := l.public.of(w.host)
	var found Because
	var lines []string
	var compared []event.Secret
	for _, at := range l.seen {
		if !at.isInUse() || at.own && !l.isShown(at) || isCommonSecret(at.body.Secret, w.closing.Credentials) {
			continue
		}
		if !slices.Contains(compared, at.body.Secret) {
			compared = append(compared, at.body.Secret)
		}
		if rule := relation(at.body.Secret.Reveal(), names); rule != "" {
			found.Add(at.first)
			lines = append(lines, at.line()+": "+rule)
		}
	}
	out.Int("login.derived", found.Seen(), found)
	out.List("login.derived_list", sortedUnique(lines), found)
	out.Int("login.compared", len(compared), Because{})
}

// isInUse says whether the secret is one that the device holds: accepted by its
// own service, or sent by the device and not refused. What somebody else tried
// without success is a guess.
func (at *login) isInUse() bool {
	if at.body.Scheme != event.LoginPlain || isAnonymous(at.body) || at.body.Secret.Len() == 0 {
		return false
	}
	if at.own {
		return at.outcome == event.OutcomeAccepted
	}
	return at.outcome != event.OutcomeRefused
}

// isCommonSecret leaves out passwords that anybody would think of: that 123456
// is part of a serial number shows nothing.
func isCommonSecret(s event.Secret, list []Credential) bool {
	return slices.ContainsFunc(list, func(c Credential) bool { return s.Is(c.Secret) })
}

// relationLength is the least length of a common part that is no coincidence: six
// hexadecimal digits agree by chance once in sixteen million times.
const relationLength = 6

// relation names the simple rule by which a secret follows from a public
// identifier, or "".
func relation(secret string, names []publicName) string {
	plain := strip(secret)
	if len(plain) < relationLength || !isVaried(plain) {
		return ""
	}
	for _, n := range names {
		id := strip(n.text)
		if how := partOf(plain, id); how != "" {
			return fmt.Sprintf("%s the %s", how, n.what)
		}
		if how := partOf(plain, reversed(id)); how != "" {
			return fmt.Sprintf("%s the reversed %s", how, n.what)
		}
		if how := digestOf(plain, n.text); how != "" {
			return fmt.Sprintf("is taken from the %s of the %s", how, n.what)
		}
	}
	return ""
}

// partOf compares a secret with an identifier, both without separators and case.
func partOf(secret, id string) string {
	const half = relationLength
	switch {
	case len(id) < half:
		return ""
	case secret == id:
		return "equals"
	case strings.Contains(secret, id):
		return "contains"
	case strings.HasSuffix(id, secret) || strings.HasPrefix(id, secret):
		return "is a part of"
	case len(id) == 12 && strings.Contains(secret, id[6:]) && isVaried(id[6:]):
		return "contains the second half of"
	default:
		return ""
	}
}

// digestOf names the digest of an identifier that a secret begins or ends.
func digestOf(secret, id string) string {
	if _, err := hex.DecodeString(secret[:len(secret)&^1]); err != nil {
		return ""
	}
	for _, form := range forms(id) {
		md, sh := md5.Sum(form), sha1.Sum(form)
		for _, d := range []struct{ name, text string }{
			{"MD5 digest", hex.EncodeToString(md[:])},
			{"SHA-1 digest", hex.EncodeToString(sh[:])},
			{"CRC-32", fmt.Sprintf("%08x", crc32.ChecksumIEEE(form))},
		} {
			if strings.HasPrefix(d.text, secret) || strings.HasSuffix(d.text, secret) {
				return d.name
			}
		}
	}
	return ""
}

// forms writes an identifier the ways a manufacturer may have fed it to a digest.
func forms(id string) [][]byte {
	out := [][]byte{[]byte(id), bytes.ToUpper([]byte(id))}
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != 6 {
		return out
	}
	out = append(out, raw)
	for _, sep := range []string{":", "-"} {
		spaced := strings.ReplaceAll(event.FormatMAC([6]byte(raw)), ":", sep)
		out = append(out, []byte(spaced), []byte(strings.ToUpper(spaced)))
	}
	return out
}

// strip takes away separators and case.
func strip(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(":-. _", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// isVaried wants four different characters: zeros in a row relate to nothing.
func isVaried(s string) bool {
	seen := map[byte]bool{}
	for i := range len(s) {
		seen[s[i]] = true
	}
	return len(seen) >= 4
}
