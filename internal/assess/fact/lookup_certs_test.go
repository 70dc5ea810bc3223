package fact_test

import "testing"

func TestServersByTheirCertificates(t *testing.T) {
	for _, c := range []struct {
		want, name string
		data       []string
	}{
		{"valid (until 2027-01-01T00:00:00Z)", "cam.example", []string{"chain", "public", "host", "match", "dates", "valid", "not_after", "2027-01-01T00:00:00Z", "scts", "certificate"}},
		{"unlogged", "cam.example", []string{"chain", "public", "host", "match", "dates", "valid", "scts", "none"}},
		{"unlogged", "cam.example", []string{"chain", "public", "host", "match", "dates", "valid"}},
		{"private", "cam.example", []string{"chain", "private", "host", "match", "dates", "valid"}},
		{"private (it ended at 2020-01-01T00:00:00Z, it is for another name)", "cam.example", []string{"chain", "private", "host", "mismatch", "dates", "expired", "not_after", "2020-01-01T00:00:00Z"}},
		{"self_signed (it is for another name)", "cam.example", []string{"chain", "self-signed", "host", "mismatch", "dates", "valid"}},
		{"invalid (it is for another name)", "cam.example", []string{"chain", "public", "host", "mismatch", "dates", "valid", "scts", "certificate"}},
		{"invalid (it ended at 2020-01-01T00:00:00Z)", "cam.example", []string{"chain", "public", "host", "match", "dates", "expired", "not_after", "2020-01-01T00:00:00Z", "scts", "certificate"}},
		{"invalid (it is not valid yet)", "cam.example", []string{"chain", "public", "host", "match", "dates", "early", "scts", "certificate"}},
		{"unknown (it demands a client certificate)", "cam.example", []string{"client_certificate", "asked", "offer_modern", "refused"}},
		{"unknown (the look-up is not complete)", "cam.example", []string{"chain", "public", "scts", "certificate"}},
		{"unknown", "cam.example", []string{"chain", "odd"}},
	} {
		v := newVendor(t)
		v.talk(camCloud, c.name, 10)
		v.say("tls", "cam.example:443", "completed", c.data...)
		if got := oneOf(v.sheet(), "lookup.certificates_", "valid", "unlogged", "private", "self_signed", "invalid", "unknown"); got != c.want {
			t.Errorf("%v: got %s, want %s", c.data, got, c.want)
		}
	}
}

// A device that does not say which name it wants may know another one.
func TestAWrongNameNeedsANameThatTheDeviceSaid(t *testing.T) {
	v := newVendor(t)
	v.resolve("cam.example", "203.0.113.10")
	v.talk(camCloud, "-", 10)
	v.say("tls", "cam.example:443", "completed", "chain", "public", "host", "mismatch", "dates", "valid", "scts", "certificate")
	want := "unknown (the device did not say which name it expects)"
	if got := oneOf(v.sheet(), "lookup.certificates_", "valid", "invalid", "unknown"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
