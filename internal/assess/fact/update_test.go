package fact_test

import (
	"testing"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

func download(target, format, signature string, status int, size int64) event.HTTPResponse {
	return event.HTTPResponse{Status: status, Method: "GET", Host: "Files.Vendor.example", Target: target, Body: format, Signature: signature, BodyBytes: size}
}

// Each row differs from the first in one trait.
func TestImages(t *testing.T) {
	for name, c := range map[string]struct {
		body event.HTTPResponse
		want string
	}{
		"bare image":             {download("/cam.bin", "uimage", "", 200, 4<<20), "bare"},
		"program, by its path":   {download("/firmware/agent-1.1.0", "elf", "", 200, 4<<20), "bare"},
		"program of anything":    {download("/tools/agent-1.1.0", "elf", "", 200, 4<<20), ""},
		"with a signature":       {download("/cam.bin", "uimage", "pkcs7", 200, 4<<20), "signed"},
		"a part":                 {download("/cam.bin", "uimage", "", 206, 4<<20), "unclear"},
		"Android payload":        {download("/cam.bin", "crau", "", 200, 4<<20), "unclear"},
		"ZIP, by its path":       {download("/firmware/cam.zip", "zip", "", 200, 4<<20), "unclear"},
		"unknown, by its ending": {download("/cam.swu", "", "", 200, 4<<20), "unclear"},
		"no ending, by its path": {download("/firmware/cam-1.1.0", "", "", 200, 4<<20), "unclear"},
		"small":                  {download("/cam.swu", "", "", 200, 4<<10), ""},
		"ZIP of anything":        {download("/music/cam.zip", "zip", "", 200, 4<<20), ""},
		"a page about firmware":  {download("/firmware/cam.img", "html", "", 200, 4<<20), ""},
		"not found":              {download("/cam.bin", "uimage", "", 404, 4<<20), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClearScene()
			s.put(with(s.toCloud(80), c.body))
			want := map[string]int64{"update.images": 0, "update.images_bare": 0, "update.images_signed": 0, "update.images_unclear": 0}
			if c.want != "" {
				want["update.images"], want["update.images_"+c.want] = 1, 1
			}
			wantInts(t, s.facts(nil), want)
		})
	}
}

func TestSignatureBesideImage(t *testing.T) {
	for file, signed := range map[string]int64{"/cam.bin.sig": 1, "/cam.asc": 1, "/other.bin.sig": 0} {
		s := newClearScene()
		s.put(with(s.toCloud(80), download("/cam.bin", "uimage", "", 200, 4<<20)))
		s.put(with(s.toCloud(80), event.HTTPRequest{Method: "GET", Host: "files.vendor.example", Target: file}))
		wantInts(t, s.facts(nil), map[string]int64{"update.images_signed": signed, "update.images_bare": 1 - signed})
	}
}

// Somebody else's download, or one that the device serves, is not its update.
func TestImageOfOthers(t *testing.T) {
	s := newClearScene()
	s.put(with(s.atDevice(80), download("/cam.bin", "uimage", "", 200, 4<<20)))
	wantInts(t, s.facts(nil), map[string]int64{"update.images": 0})
}

func TestUpdateContacts(t *testing.T) {
	for name, want := range map[string]int64{
		"ota.vendor.example": 1, "eu-fw.vendor.example": 1, "firmware.vendor.example": 1,
		"rota.vendor.example": 0, "cloud.vendor.example": 0, "": 0,
	} {
		s := newClearScene()
		s.put(with(s.toCloud(443), event.ClientHello{HasSNI: true, SNI: name}))
		wantInts(t, s.facts(nil), map[string]int64{"update.contacts": want})
	}
}

func TestStatedUpdateServer(t *testing.T) {
	s := newClearScene()
	for range 3 { // within a minute: one contact
		s.put(with(s.toCloud(443), event.ClientHello{HasSNI: true, SNI: "api.vendor.example"}))
	}
	ev := s.toCloud(443)
	s.wait(2 * time.Hour).put(with(ev, event.ClientHello{HasSNI: true, SNI: "API.vendor.example"}))
	s.ended(ev, "tls", func(b *event.FlowEnded) { b.Server.Bytes = 2 << 20 })

	without := s.facts(nil)
	if _, ok := without.Get("update.stated_contacts"); ok {
		t.Error("contacts to servers that nobody stated")
	}
	wantInts(t, without, map[string]int64{"update.large_encrypted": 0, "update.contacts": 0})

	stated := s.facts(func(c *fact.Closing) { c.Statements["update-host"] = "x.example, api.vendor.example" })
	wantInts(t, stated, map[string]int64{"update.stated_contacts": 2, "update.large_encrypted": 1})

	other := s.facts(func(c *fact.Closing) { c.Statements["update-host"] = "x.example" })
	wantInts(t, other, map[string]int64{"update.stated_contacts": 0, "update.large_encrypted": 0})
}

func TestRecipients(t *testing.T) {
	s := newClearScene()
	s.put(with(s.toCloud(53), event.DNSAnswered{Name: "api.vendor.example.", Records: []event.Record{{Name: "x.", Addr: cloudAddr}}}))
	s.ended(s.toCloud(443), "tls", nil) // by its address: api.vendor.example
	ev := s.toCloud(443)
	s.put(with(ev, event.ClientHello{HasSNI: true, SNI: "CDN.vendor.example"}))
	s.ended(ev, "tls", func(b *event.FlowEnded) { b.Server.Bytes = 900 })
	s.ended(s.toCloud(53), "dns", nil) // a network service
	s.ended(s.toGuest(80), "http", nil)
	sheet := s.facts(nil)
	wantInts(t, sheet, map[string]int64{"recipients.count": 2, "recipients.named": 2, "recipients.bytes": 1200})
	f, _ := sheet.Get("recipients.list")
	if got := f.Value.([]string); len(got) != 2 || got[0] != "cdn.vendor.example (1000 bytes)" || got[1] != "api.vendor.example (200 bytes)" {
		t.Errorf("recipients %q", got)
	}
}
