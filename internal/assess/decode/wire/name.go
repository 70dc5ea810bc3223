package wire

import "strings"

// nameLimit is the longest domain name on the wire (RFC 1035 section 2.3.4).
const nameLimit = 255

// DomainName reads one uncompressed domain name (RFC 1035 section 3.1) from the
// beginning of b, as options of DHCP and of router advertisements carry them. It
// returns the name in lower case with a final dot, escaped as in RFC 1035 section
// 5.1, and how many bytes it took. A name that the end of b cuts after a whole
// label is taken as it is; anything else is not ok.
func DomainName(b []byte) (name string, n int, ok bool) {
	var out strings.Builder
	for n < len(b) && n < nameLimit {
		size := int(b[n])
		n++
		if size == 0 {
			return nonEmpty(&out), n, true
		}
		if size > 63 || n+size > len(b) {
			return "", 0, false
		}
		writeLabel(&out, b[n:n+size])
		n += size
	}
	return nonEmpty(&out), n, n > 0 && n < nameLimit
}

func nonEmpty(out *strings.Builder) string {
	if out.Len() == 0 {
		return "."
	}
	return out.String()
}

func writeLabel(out *strings.Builder, label []byte) {
	for _, c := range label {
		switch {
		case c == '.' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c <= ' ' || c > '~':
			out.Write([]byte{'\\', '0' + c/100, '0' + c/10%10, '0' + c%10})
		case c >= 'A' && c <= 'Z':
			out.WriteByte(c + 'a' - 'A')
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('.')
}
