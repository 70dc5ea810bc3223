package auth

import (
	"strings"
)

// isXMLType: SOAP and its relatives carry logins of cameras and routers.
func isXMLType(contentType string) bool {
	name := mediaType(contentType)
	return name == "application/xml" || name == "text/xml" || strings.HasSuffix(name, "+xml")
}

// xmlFields reads elements that hold nothing but text, as far as the text goes.
// It is no XML parser: names and texts are all that is wanted, and what was cut
// must not matter.
func xmlFields(f *fields, body string) {
	for range fieldLimit * 4 {
		_, rest, _ := strings.Cut(body, "<")
		tag, rest, closed := strings.Cut(rest, ">")
		if !closed {
			return
		}
		body = rest
		text, next, _ := strings.Cut(rest, "<")
		if !strings.HasPrefix(next, "/") || strings.HasPrefix(tag, "/") || strings.HasSuffix(tag, "/") {
			continue
		}
		name, attributes, _ := strings.Cut(tag, " ")
		if f.add(name, unescapeXML(text)) && strings.Contains(attributes, "#PasswordDigest") {
			f.digest = true // WS-Security UsernameToken profile
		}
	}
}

// unescapeXML replaces the five entities that XML has by itself.
func unescapeXML(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&").Replace(strings.TrimSpace(s))
}
