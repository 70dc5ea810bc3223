package clear

import (
	"bytes"
	"strings"
)

const (
	// headLimit is the longest head that is read: start line and fields.
	headLimit = 32 << 10
	// lineLimit is the longest start line and the longest line of a line protocol.
	lineLimit = 8 << 10
	// fieldsLimit bounds the fields of one head.
	fieldsLimit = 128
)

// head is a start line with its fields, as HTTP, RTSP and SIP have in common
// (RFC 9112 section 2.1, RFC 2326 section 4, RFC 3261 section 7).
type head struct {
	first  string
	fields []field
}

// field is one header field; the name is in lower case.
type field struct{ name, value string }

// headEnd tells where the head ends, just after its empty line; -1 when it does
// not end yet. The search begins at from.
func headEnd(data []byte, from int) int {
	for at := max(0, from-3); at < len(data); {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 {
			return -1
		}
		at += i + 1
		rest := data[at:]
		if bytes.HasPrefix(rest, []byte("\n")) {
			return at + 1
		}
		if bytes.HasPrefix(rest, []byte("\r\n")) {
			return at + 2
		}
	}
	return -1
}

// parseHead reads a whole head.
func parseHead(block []byte) head {
	var h head
	for line := range strings.SplitSeq(string(block), "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case h.first == "":
			h.first = line
		case line == "" || len(h.fields) == fieldsLimit:
			return h
		case line[0] == ' ' || line[0] == '\t':
			h.fold(line)
		default:
			h.add(line)
		}
	}
	return h
}

// fold joins a continued line to its field.
func (h *head) fold(line string) {
	if n := len(h.fields); n > 0 {
		h.fields[n-1].value += " " + strings.TrimSpace(line)
	}
}

func (h *head) add(line string) {
	name, value, found := strings.Cut(line, ":")
	if !found {
		return
	}
	h.fields = append(h.fields, field{strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)})
}

// get is the value of the first field of that name.
func (h *head) get(name string) string {
	for _, f := range h.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// all are the values of the fields of that name.
func (h *head) all(name string) []string {
	var values []string
	for _, f := range h.fields {
		if f.name == name {
			values = append(values, f.value)
		}
	}
	return values
}

// lists reports whether a comma-separated field holds a word, without case.
func (h *head) lists(name, word string) bool {
	for _, value := range h.all(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), word) {
				return true
			}
		}
	}
	return false
}

// requestLine splits "METHOD target PROTOCOL/x".
func requestLine(line string) (method, target, version string, ok bool) {
	method, rest, found := strings.Cut(line, " ")
	end := strings.LastIndexByte(rest, ' ')
	if !found || end < 1 || !isMethod(method) {
		return "", "", "", false
	}
	return method, strings.TrimSpace(rest[:end]), rest[end+1:], true
}

// isMethod: methods in use are capital letters, with "-" and "_" in a few.
func isMethod(s string) bool {
	if len(s) < 3 || len(s) > 20 {
		return false
	}
	for i := range len(s) {
		if (s[i] < 'A' || s[i] > 'Z') && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

// statusLine splits "PROTOCOL/x 200 reason".
func statusLine(line string) (version string, status int, ok bool) {
	version, rest, found := strings.Cut(line, " ")
	rest = strings.TrimLeft(rest, " ")
	if !found || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return "", 0, false
	}
	for i := range 3 {
		if rest[i] < '0' || rest[i] > '9' {
			return "", 0, false
		}
		status = status*10 + int(rest[i]-'0')
	}
	return version, status, status >= 100
}
