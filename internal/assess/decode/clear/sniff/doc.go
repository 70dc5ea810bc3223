// Package sniff tells what the first bytes of a file are: its format by its
// magic number, a signature block in a firmware container, a page with a
// password field.
//
// It owns these magic numbers and nothing else. It must not know how the bytes
// travelled or what their format means for a device.
package sniff

import (
	"bytes"
	"encoding/binary"
)

// Head is how many bytes are enough for every function of this package.
const Head = 4 << 10

// magic is a format's fixed bytes at a fixed place.
type magic struct {
	at   int
	text string
	name string
}

// magics are in order of trust: the longer ones first.
var magics = []magic{
	{0, "\x89PNG\r\n\x1a\n", "png"},
	{0, "Salted__", "openssl-salted"},
	{0, "-----BEGIN PGP ", "pgp"},
	{0, "-----BEGIN PKCS7-----", "pkcs7"},
	{0, "-----BEGIN CMS-----", "pkcs7"},
	{0, "-----BEGIN CERTIFICATE-----", "pem-certificate"},
	{0, "-----BEGIN X509 CRL-----", "pem-crl"},
	{0, "untrusted comment:", "minisign"},
	{0, "ANDROID!", "android-boot"},
	{0, "!<arch>\n", "ar"},
	{0, "\xfd7zXZ\x00", "xz"},
	{0, "7z\xbc\xaf\x27\x1c", "7z"},
	{0, "GIF87a", "gif"},
	{0, "GIF89a", "gif"},
	{0, "070701", "cpio"},
	{0, "070702", "cpio"},
	{257, "ustar", "tar"},
	{4, "ftyp", "mp4"},
	{0, "\x27\x05\x19\x56", "uimage"},
	{0, "\xd0\x0d\xfe\xed", "fit"},
	{0, "hsqs", "squashfs"},
	{0, "sqsh", "squashfs"},
	{0, "\x7fELF", "elf"},
	{0, "CrAU", "crau"},
	{0, "HDR0", "trx"},
	{0, "HDR1", "trx"},
	{0, "BIN-", "bin-firmware"},
	{0, "UBI#", "ubi"},
	{0, "\x31\x18\x10\x06", "ubifs"},
	{0, "PK\x03\x04", "zip"},
	{0, "\x28\xb5\x2f\xfd", "zstd"},
	{0, "\x04\x22\x4d\x18", "lz4"},
	{0, "BZh", "bzip2"},
	{0, "%PDF-", "pdf"},
	{0, "RAUC", "rauc"},
	{0, "\x1f\x8b\x08", "gzip"},
	{0, "\xff\xd8\xff", "jpeg"},
	{0, "\x5d\x00\x00", "lzma"},
}

// Format names the format of a file by its first bytes; "" when unknown.
func Format(head []byte) string {
	for _, m := range magics {
		if len(head) >= m.at+len(m.text) && string(head[m.at:m.at+len(m.text)]) == m.text {
			return m.name
		}
	}
	for _, f := range []func([]byte) string{der, espImage, riff, intelHex, text} {
		if name := f(head); name != "" {
			return name
		}
	}
	return ""
}

// noDigests is version 1 and an empty set of digest algorithms: a mere bundle of
// certificates, which signs nothing (RFC 5652 section 5.2).
var noDigests = []byte{0x02, 0x01, 0x01, 0x31, 0x00}

// oids of a DER file's content type, in DER form.
var (
	oidSignedData = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02} // RFC 5652 section 5.1
	oidOCSPBasic  = []byte{0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01} // RFC 6960 section 4.2.1
)

// der tells a CMS SignedData, an OCSP answer and any other DER sequence apart.
func der(head []byte) string {
	inner, ok := derSequence(head)
	switch {
	case !ok:
		return ""
	case bytes.HasPrefix(inner, oidSignedData) && bytes.Contains(inner[:min(len(inner), 32)], noDigests):
		return "pkcs7-certificates"
	case bytes.HasPrefix(inner, oidSignedData):
		return "pkcs7"
	case bytes.HasPrefix(inner, []byte{0x0a, 0x01}): // OCSPResponseStatus
		return "ocsp"
	case bytes.Contains(inner[:min(len(inner), 64)], oidOCSPBasic):
		return "ocsp"
	default:
		return "der"
	}
}

// derSequence opens an outer SEQUENCE whose content begins with a type that a
// certificate, a revocation list, a signature or an OCSP answer begins with.
func derSequence(head []byte) ([]byte, bool) {
	if len(head) < 6 || head[0] != 0x30 || head[1] < 3 || head[1] == 0x80 || head[1] > 0x83 {
		return nil, false
	}
	at := 2
	if head[1] > 0x80 {
		at += int(head[1] & 0x7f)
	}
	inner := head[at:]
	return inner, bytes.IndexByte([]byte{0x30, 0x06, 0x0a}, inner[0]) >= 0
}

// espImage: magic 0xE9, 1 to 16 segments, an SPI mode of 0 to 5 (Espressif,
// firmware image format).
func espImage(head []byte) string {
	if len(head) < 24 || head[0] != 0xe9 || head[1] == 0 || head[1] > 16 || head[2] > 5 {
		return ""
	}
	// The entry point lies in the instruction memory of every chip of the family.
	if entry := binary.LittleEndian.Uint32(head[4:]); entry>>28 != 4 {
		return ""
	}
	return "esp-image"
}

func riff(head []byte) string {
	if len(head) < 12 || string(head[:4]) != "RIFF" {
		return ""
	}
	switch string(head[8:12]) {
	case "WEBP":
		return "webp"
	case "WAVE":
		return "wav"
	case "AVI ":
		return "avi"
	}
	return "riff"
}

// intelHex wants one whole record with a right checksum.
func intelHex(head []byte) string {
	line, _, found := bytes.Cut(head, []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	if !found || len(line) < 11 || line[0] != ':' || len(line)%2 != 1 {
		return ""
	}
	sum := byte(0)
	for i := 1; i < len(line); i += 2 {
		hi, lo := hexDigit(line[i]), hexDigit(line[i+1])
		if hi > 15 || lo > 15 {
			return ""
		}
		sum += hi<<4 | lo
	}
	if sum != 0 {
		return ""
	}
	return "intel-hex"
}

func hexDigit(b byte) byte {
	switch {
	case b >= '0' && b <= '9':
		return b - '0'
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return b | 0x20 - 'a' + 10
	}
	return 255
}
