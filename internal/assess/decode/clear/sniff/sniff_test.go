package sniff

import (
	"bytes"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ head, want string }{
		{"\x27\x05\x19\x56\x00\x00\x00\x00", "uimage"},
		{"\xd0\x0d\xfe\xed\x00\x00\x10\x00", "fit"},
		{"hsqs\x01\x00\x00\x00", "squashfs"},
		{"\x7fELF\x01\x01\x01", "elf"},
		{"\x1f\x8b\x08\x00\x00", "gzip"},
		{"\xfd7zXZ\x00\x00", "xz"},
		{"PK\x03\x04\x14\x00", "zip"},
		{"CrAU\x00\x00\x00\x00\x00\x00\x00\x02", "crau"},
		{"HDR0\x00\x10\x00\x00", "trx"},
		{"\xe9\x05\x02\x20\x88\x04\x08\x40\xee\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "esp-image"},
		{"\xe9\x05\x02\x20\x88\x04\x08\x90\xee\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", ""},
		{":10010000214601360121470136007EFE09D2190140\r\n:00000001FF\r\n", "intel-hex"},
		{":10010000214601360121470136007EFE09D2190141\r\n", "text"},
		{"\x30\x82\x01\x0a\x0a\x01\x00\xa0\x82", "ocsp"},
		{"\x30\x82\x04\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0", "pkcs7"},
		{"\x30\x82\x04\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82\x03\xe0\x30\x82\x03\xd0\x02\x01\x01\x31\x00\x30", "pkcs7-certificates"},
		{"\x30\x82\x04\x00\x30\x82\x02\xe8", "der"},
		{"0123456789", "text"},
		{"<!DOCTYPE html><html>", "html"},
		{"\n\n<HTML><HEAD>", "html"},
		{"<?xml version=\"1.0\"?>", "xml"},
		{"{\"a\": 1}", "json"},
		{"[link] not json", "text"},
		{"\xff\xd8\xff\xe0", "jpeg"},
		{"\x00\x01\x02\x03", ""},
		{"", ""},
	} {
		if got := Format([]byte(c.head)); got != c.want {
			t.Errorf("Format(%q) = %q, want %q", c.head, got, c.want)
		}
	}
}

func cpio(name string) string {
	return "070701" + strings.Repeat("0", 104) + name + "\x00"
}

func TestSignature(t *testing.T) {
	for _, c := range []struct{ name, head, want string }{
		{"signed swupdate", cpio("sw-description") + "\x00software = {};\x00" + cpio("sw-description.sig"), "swupdate"},
		{"unsigned swupdate", cpio("sw-description") + "\x00sw-description.sig\x00" + cpio("rootfs"), ""},
		{"crau", "CrAU\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x01\x0b", "crau"},
		{"unsigned crau", "CrAU\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00", ""},
		{"minisign", "untrusted comment: signature from minisign secret key\nRWQ", "minisign"},
		{"pgp", "-----BEGIN PGP SIGNED MESSAGE-----\n", "pgp"},
		{"cms", "\x30\x82\x04\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0", "pkcs7"},
		{"certificate", "\x30\x82\x04\x00\x30\x82\x02\xe8", ""},
		{"uimage", "\x27\x05\x19\x56", ""},
	} {
		if got := Signature([]byte(c.head)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLoginForm(t *testing.T) {
	for page, want := range map[string]bool{
		`<form><INPUT name="p" Type = "password">`:       true,
		`<input type=password>`:                          true,
		`<input type="text"><p>type="password"</p>`:      false,
		`<input name="password" type="hidden">`:          false,
		`<p>your password</p>`:                           false,
		`<input type='text'><input id=x type='password'`: true,
	} {
		if got := LoginForm([]byte(page)); got != want {
			t.Errorf("%s: %v, want %v", page, got, want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("\x30\x82\x04\x00\x06\x09\x2a"))
	f.Add([]byte(":10010000214601360121470136007EFE09D2190140\r\n"))
	f.Add([]byte("<html><input type=password>"))
	f.Fuzz(func(t *testing.T, head []byte) {
		before := bytes.Clone(head)
		if Signature(head) != "" && Format(head) == "" {
			t.Error("a signature in a file of no format")
		}
		LoginForm(head)
		if !bytes.Equal(before, head) {
			t.Error("the bytes were changed")
		}
	})
}
