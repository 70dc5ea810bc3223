package validate

import (
	"strings"

	"github.com/miekg/dns"
)

// sortKey maps a name to a string whose byte order is the canonical order of
// names (RFC 4034 section 6.1): labels from the root down, each closed by a
// zero octet. A name is at or below another exactly when its key begins with
// the key of the other. ok is false for what is not a name.
func sortKey(name string) (key string, ok bool) {
	var wire [256]byte
	end, err := dns.PackDomainName(name, wire[:], 0, nil, false)
	if err != nil {
		return "", false
	}
	starts := make([]int, 0, 8)
	for at := 0; at < end && wire[at] != 0; at += int(wire[at]) + 1 {
		starts = append(starts, at)
	}
	out := make([]byte, 0, end+8)
	for i := len(starts) - 1; i >= 0; i-- {
		at := starts[i]
		out = appendLabel(out, wire[at+1:at+1+int(wire[at])])
	}
	return string(out), true
}

// appendLabel adds one label in lower case. Octets 0 and 1 are escaped with 1,
// so that the closing zero sorts before every octet of a label.
func appendLabel(out, label []byte) []byte {
	for _, c := range label {
		switch {
		case c <= 1:
			out = append(out, 1, c+1)
		case 'A' <= c && c <= 'Z':
			out = append(out, c+'a'-'A')
		default:
			out = append(out, c)
		}
	}
	return append(out, 0)
}

// parent is the name without its first label; the root is its own parent.
func parent(name string) string {
	at, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[at:]
}

// ancestor is the last n labels of name.
func ancestor(name string, n int) string {
	starts := dns.Split(name)
	switch {
	case n <= 0:
		return "."
	case n >= len(starts):
		return name
	default:
		return name[starts[len(starts)-n]:]
	}
}

// wildcardOf is the wildcard name directly below name.
func wildcardOf(name string) string {
	if name == "." {
		return "*."
	}
	return "*." + name
}

// ownLabels counts the labels of an owner name as the Labels field of its RRSIG
// does: without the root and without a leading asterisk (RFC 4034 section 3.1.3).
func ownLabels(name string) int {
	n := dns.CountLabel(name)
	if strings.HasPrefix(name, "*.") {
		n--
	}
	return n
}
