package sniff

import (
	"bytes"
)

// text tells HTML, XML, JSON and plain text apart.
func text(head []byte) string {
	s := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(s) == 0 || !printable(s[:min(len(s), 256)]) {
		return ""
	}
	low := bytes.ToLower(s[:min(len(s), 512)])
	switch {
	case bytes.HasPrefix(low, []byte("<!doctype html")), bytes.Contains(low, []byte("<html")), bytes.Contains(low, []byte("<head>")), bytes.Contains(low, []byte("<body")):
		return "html"
	case bytes.HasPrefix(low, []byte("<?xml")), s[0] == '<':
		return "xml"
	case isJSON(s):
		return "json"
	default:
		return "text"
	}
}

func printable(s []byte) bool {
	for _, b := range s {
		if b < 0x20 && b != '\t' && b != '\r' && b != '\n' && b != '\f' || b == 0x7f {
			return false
		}
	}
	return true
}

func isJSON(s []byte) bool {
	if s[0] != '{' && s[0] != '[' {
		return false
	}
	next := bytes.TrimLeft(s[1:], " \t\r\n")
	if len(next) == 0 {
		return true
	}
	return bytes.IndexByte([]byte("\"{[]}-0123456789tfn"), next[0]) >= 0
}

// LoginForm reports whether an HTML page has a field of type password.
func LoginForm(head []byte) bool {
	low := bytes.ToLower(head)
	for {
		i := bytes.Index(low, []byte("<input"))
		if i < 0 {
			return false
		}
		low = low[i+len("<input"):]
		tag, _, _ := bytes.Cut(low, []byte(">"))
		if isPasswordField(tag) {
			return true
		}
	}
}

func isPasswordField(tag []byte) bool {
	_, rest, found := bytes.Cut(tag, []byte("type"))
	if !found {
		return false
	}
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if !bytes.HasPrefix(rest, []byte("=")) {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(rest[1:], " \t\r\n\"'"), []byte("password"))
}

// Signature names the signature block at the beginning of a firmware container:
// "pkcs7" (CMS), "pgp", "minisign", "crau" (Android payload with a metadata
// signature), "swupdate" (sw-description.sig as the second file); "" when none is
// recognised, which does not mean that there is none.
func Signature(head []byte) string {
	switch Format(head) {
	case "pkcs7":
		return "pkcs7"
	case "pgp":
		return "pgp"
	case "minisign":
		return "minisign"
	case "crau":
		return crauSignature(head)
	case "cpio":
		return swupdateSignature(head)
	}
	return ""
}

// crauSignature: version 2 of the payload format holds the length of a metadata
// signature after "CrAU", version and manifest length.
func crauSignature(head []byte) string {
	if len(head) < 24 || head[11] != 2 || bytes.Equal(head[20:24], []byte{0, 0, 0, 0}) {
		return ""
	}
	return "crau"
}

// swupdateSignature looks for sw-description.sig among the first names of a
// new-format cpio archive (SWUpdate, signed images).
func swupdateSignature(head []byte) string {
	const header = 110
	if len(head) < header+15 || !bytes.HasPrefix(head[header:], []byte("sw-description\x00")) {
		return ""
	}
	i := bytes.Index(head, []byte("sw-description.sig\x00"))
	if i < header || !bytes.HasPrefix(head[i-header:], []byte("07070")) {
		return ""
	}
	return "swupdate"
}
