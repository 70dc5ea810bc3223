package local

import (
	"bytes"
	"strings"
)

// Limits of a message in the style of HTTP (SSDP, SIP).
const (
	headerLimit = 48  // header fields read
	fieldLimit  = 512 // bytes kept of one field's value
)

// message is a start line and header fields, as HTTP, SSDP and SIP share them.
type message struct {
	start  string
	fields []field
}

// field is one header field: the name in lower case and the value trimmed.
type field struct{ name, value string }

// parseMessage splits a datagram into start line and header fields. Lines end
// with CRLF; devices that send a bare LF exist and are read as well.
func parseMessage(data []byte) (message, bool) {
	line, rest, found := cutLine(data)
	if !found || len(line) > fieldLimit || !isText(line) {
		return message{}, false
	}
	m := message{start: string(line)}
	for len(rest) > 0 && len(m.fields) < headerLimit {
		line, rest, _ = cutLine(rest)
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		value = bytes.TrimSpace(value)
		m.fields = append(m.fields, field{
			name:  strings.ToLower(string(bytes.TrimSpace(clip(name)))),
			value: string(clip(value)),
		})
	}
	return m, true
}

// get returns the first field of that name.
func (m message) get(name string) (string, bool) {
	for _, f := range m.fields {
		if f.name == name {
			return f.value, true
		}
	}
	return "", false
}

func cutLine(data []byte) (line, rest []byte, found bool) {
	line, rest, found = bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest, found
}

func clip(b []byte) []byte { return b[:min(len(b), fieldLimit)] }

// isText says that all bytes are printable ASCII or tabs.
func isText(b []byte) bool {
	for _, c := range b {
		if (c < 0x20 || c > 0x7e) && c != '\t' {
			return false
		}
	}
	return true
}
