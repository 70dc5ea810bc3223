package door

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTheCertificateStays: a browser that was told to trust it is not asked again, as
// long as it fits.
func TestTheCertificateStays(t *testing.T) {
	made := time.Now()
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for name, c := range map[string]struct {
		host  string
		at    []netip.Addr
		later time.Duration
		harm  string
		stays bool
	}{
		"as before":           {"box", []netip.Addr{v4}, time.Hour, "", true},
		"an address went":     {"box", nil, time.Hour, "", true},
		"mapped into IPv6":    {"box", []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.1")}, time.Hour, "", true},
		"an address came":     {"box", []netip.Addr{v4, v6}, time.Hour, "", false},
		"another name":        {"box2", []netip.Addr{v4}, time.Hour, "", false},
		"31 days are left":    {"box", []netip.Addr{v4}, lifetime - renewal - 24*time.Hour, "", true},
		"29 days are left":    {"box", []netip.Addr{v4}, lifetime - renewal + 24*time.Hour, "", false},
		"the clock went back": {"box", []netip.Addr{v4}, -48 * time.Hour, "", false},
		"it is damaged":       {"box", []netip.Addr{v4}, time.Hour, certificateFile, false},
		"the key is gone":     {"box", []netip.Addr{v4}, time.Hour, keyFile, false},
	} {
		folder := t.TempDir()
		first, err := LoadIdentity(folder, "box", []netip.Addr{v4}, made)
		if err != nil {
			t.Fatal(err)
		}
		switch c.harm {
		case certificateFile:
			err = os.WriteFile(filepath.Join(folder, certificateFile), []byte("rubbish"), private)
		case keyFile:
			err = os.Remove(filepath.Join(folder, keyFile))
		}
		if err != nil {
			t.Fatal(err)
		}
		now := made.Add(c.later)
		again, err := LoadIdentity(folder, c.host, c.at, now)
		if err != nil || !again.paper.good(now) {
			t.Fatalf("%s: %v", name, err)
		}
		if stays := first.CertificateFingerprint() == again.CertificateFingerprint(); stays != c.stays {
			t.Errorf("%s: the certificate stays: %v", name, stays)
		}
		if same := first.Fingerprint() == again.Fingerprint(); same != (c.harm != keyFile) {
			t.Errorf("%s: the key stays: %v", name, same)
		}
	}
}

// TestABoxOutlivesItsCertificate: while it runs it makes another, with the same key,
// and keeps it.
func TestABoxOutlivesItsCertificate(t *testing.T) {
	folder, now := t.TempDir(), time.Now()
	id, err := LoadIdentity(folder, "box", nil, now)
	if err != nil {
		t.Fatal(err)
	}
	id.paper.now = func() time.Time { return now }
	first, err := id.TLS().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(lifetime)
	second, err := id.TLS().GetCertificate(nil)
	if err != nil || bytes.Equal(first.Certificate[0], second.Certificate[0]) || now.After(second.Leaf.NotAfter) {
		t.Fatalf("after it ended: %v", err)
	}
	again, err := LoadIdentity(folder, "box", nil, now)
	if err != nil || again.CertificateFingerprint() != id.CertificateFingerprint() || again.Fingerprint() != id.Fingerprint() {
		t.Errorf("the new one is not kept: %v", err)
	}
}

// TestTheIdentityIsPrivate: nobody else on the box reads it.
func TestTheIdentityIsPrivate(t *testing.T) {
	folder := t.TempDir()
	if _, err := LoadIdentity(folder, "box", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{keyFile, certificateFile} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode().Perm() != private {
			t.Errorf("%s can be read by others: %v", name, err)
		}
	}
}
