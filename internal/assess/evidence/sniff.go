package evidence

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// NotCaptureError says that a file is no capture, and what it seems to be.
type NotCaptureError struct {
	Found string // "it starts with a PNG image header"
}

// Error is one line without line breaks.
func (e *NotCaptureError) Error() string {
	return "not a capture file (pcap or pcapng): " + e.Found
}

// magics are the beginnings of files that people mistake for captures.
var magics = []struct {
	prefix string
	found  string
}{
	{"\x89PNG\r\n\x1a\n", "it starts with a PNG image header"},
	{"\xff\xd8\xff", "it starts with a JPEG image header"},
	{"GIF8", "it starts with a GIF image header"},
	{"%PDF", "it is a PDF document"},
	{"PK\x03\x04", "it is a ZIP archive (or an Office document); unpack it first"},
	{"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it first"},
	{"\xfd7zXZ", "it is compressed with xz; unpack it first"},
	{"BZh", "it is compressed with bzip2; unpack it first"},
	{"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive; unpack it first"},
	{"\x7fELF", "it is an ELF program"},
	{"MZ", "it is a Windows program"},
	{"snoop\x00\x00\x00", "it is a Solaris snoop capture; convert it with: editcap -F pcapng"},
	{"GMBU", "it is a Microsoft Network Monitor capture; convert it with: editcap -F pcapng"},
	{"RTSS", "it is a Microsoft Network Monitor capture; convert it with: editcap -F pcapng"},
	{"TRSNIFF data", "it is a NetXray or Sniffer capture; convert it with: editcap -F pcapng"},
	{"XCP\x00", "it is a NetXray capture; convert it with: editcap -F pcapng"},
	{"\x1c\x00\x01\xac", "it is an IXIA capture; convert it with: editcap -F pcapng"},
	{"\xac\x01\x00\x1c", "it is an IXIA capture; convert it with: editcap -F pcapng"},
	{"SQLite format 3", "it is an SQLite database"},
	{"<?xml", "it is an XML document"},
	{"<html", "it is an HTML page"},
	{"<!DOCTYPE", "it is an HTML page"},
}

// describe names what a file seems to be, from its first bytes.
func describe(head []byte) string {
	if len(head) == 0 {
		return "it is empty"
	}
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return m.found
		}
	}
	if isText(head) {
		return "it is a text file"
	}
	return fmt.Sprintf("it starts with the bytes % x", head[:min(8, len(head))])
}

func isText(head []byte) bool {
	if !utf8.Valid(head[:len(head)-len(head)%4]) {
		return false
	}
	for _, b := range head {
		if b < 0x20 && b != '\n' && b != '\r' && b != '\t' {
			return false
		}
	}
	return true
}
