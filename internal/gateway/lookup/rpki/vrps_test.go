package rpki

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The files of testdata have the forms in which these programs document their output:
// rpki-client 8 and 9 (json, csv), Routinator 0.14 (json, csv, csvcompat, csvext).
func TestVRPFormats(t *testing.T) {
	const all = "[2001:db8::/32-48 AS64500 192.0.2.0/24-24 AS64500 203.0.113.0/24-24 AS0]"
	made := time.Date(2026, 11, 24, 4, 49, 0, 0, time.UTC)
	for file, want := range map[string]struct {
		made           time.Time
		total, expired int
		list           string
	}{
		"rpki-client.json":  {made, 5, 1, all},
		"rpki-client8.json": {made, 4, 0, all},
		"rpki-client.csv":   {time.Time{}, 5, 1, all},
		"routinator.json":   {made, 4, 0, all},
		"routinator.csv":    {time.Time{}, 4, 0, all},
		"csvcompat.csv":     {time.Time{}, 4, 0, all},
		"csvext.csv":        {time.Time{}, 5, 1, all},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{string(text), packed(string(text))} {
			s := NewVRPs(addrs("192.0.2.1", "203.0.113.1", "2001:db8::1"), testNow)
			if err := s.Read(strings.NewReader(form)); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if got := fmt.Sprint(s.List); !s.Made.Equal(want.made) || s.Total != want.total || s.Expired != want.expired || got != want.list {
				t.Errorf("%s: made %s, %d of %d expired, %s; want %+v", file, s.Made, s.Expired, s.Total, got, want)
			}
		}
	}
}

// A VRP that is left out could turn any state into another: nothing is overlooked.
func TestVRPsThatCannotBeReadMakeTheFileUseless(t *testing.T) {
	entry := func(asn, prefix, most string) string {
		return `{"roas":[{"asn":1,"prefix":"10.0.0.0/8","maxLength":8},{"asn":` + asn + `,"prefix":"` + prefix + `","maxLength":` + most + `}]}`
	}
	const head = "ASN,IP Prefix,Max Length,Trust Anchor,Expires\n"
	for text, want := range map[string]string{
		"":                                 "cannot read it",
		" \n":                              "cannot read it",
		"{}":                               `no list "roas"`,
		`{"roas":[]}`:                      "no VRP in it",
		`{"roas":{}}`:                      "is no list",
		`{"roas":[{"asn":1,`:               "cannot read entry 1",
		entry("1", "10.0.0.0/8", "8")[:60]: "cannot read entry 2",
		`{"roas":[{"asn":1,"prefix":"10.0.0.0/8","maxLength":8}]`: "to its end",
		entry(`"ASX"`, "10.0.0.0/8", "8"):                         "cannot use entry 2 of roas",
		entry("-1", "10.0.0.0/8", "8"):                            "no AS number",
		entry("4294967296", "10.0.0.0/8", "8"):                    "no AS number",
		entry("1", "10.0.0.0/8", "7"):                             "maximum length 7",
		entry("1", "10.0.0.0/8", "33"):                            "maximum length 33",
		entry("1", "10.0.0.1/8", "8"):                             "bits beyond its length",
		entry("1", "::ffff:10.0.0.0/104", "104"):                  "is no prefix",
		entry("1", "10.0.0.0", "8"):                               "cannot use entry 2",
		`{"metadata":7}`:                                          "cannot read the metadata",
		"<html>":                                                  "neither JSON nor CSV",
		"ASN,IP Prefix\nAS1,10.0.0.0/8\n":                         "neither JSON nor CSV",
		head:                                                      "no VRP in it",
		head + "AS1,10.0.0.0/8,x,ripe,0\n":                        "cannot use line 2",
		head + "AS1,10.0.0.0/8,8,ripe,soon\n":                     "is no time",
		head + "AS1,10.0.0.0/8\n":                                 "wrong number of fields",
		head + "AS,10.0.0.0/8,8,ripe,0\n":                         "no AS number",
	} {
		s := NewVRPs(addrs("10.0.0.1"), testNow)
		if err := s.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: got %v, want %s", text, err, want)
		}
	}
}

func TestMaximumLengthIsThePrefixesUnlessToldOtherwise(t *testing.T) {
	s := NewVRPs(addrs("10.0.0.1"), testNow)
	if err := s.Read(strings.NewReader(`{"other":{"a":[1,{"b":2}]},"roas":[{"asn":"64500","prefix":"10.0.0.0/8"}]}`)); err != nil || fmt.Sprint(s.List) != "[10.0.0.0/8-8 AS64500]" {
		t.Errorf("%v, %v", s.List, err)
	}
}

func TestTooManyVRPsAreNoSet(t *testing.T) {
	s := NewVRPs(addrs("10.0.0.1"), testNow)
	for range keptLimit {
		if err := s.take(vrp("10.0.0.0/8", 8, 1), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.take(vrp("10.0.0.0/8", 8, 1), time.Time{}); err == nil {
		t.Error("there is no end to what is kept")
	}
	s.Total = vrpLimit
	if err := s.take(vrp("11.0.0.0/8", 8, 1), time.Time{}); err == nil {
		t.Error("there is no end to what is read")
	}
}

func FuzzVRPs(f *testing.F) {
	for _, name := range []string{"rpki-client.json", "routinator.json", "rpki-client.csv", "csvcompat.csv", "csvext.csv"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := NewVRPs(addrs("192.0.2.1", "2001:db8::1"), testNow)
		if err := s.Read(bytes.NewReader(text)); err != nil {
			return
		}
		checkVRPs(t, s)
	})
}

// checkVRPs says what must hold of everything that is kept.
func checkVRPs(t *testing.T, s *VRPs) {
	t.Helper()
	if s.Total == 0 {
		t.Error("an empty set is taken")
	}
	for _, v := range s.List {
		if v.Prefix != v.Prefix.Masked() || v.MaxLength < v.Prefix.Bits() || v.MaxLength > v.Prefix.Addr().BitLen() || !s.want.touches(v.Prefix) {
			t.Errorf("%s was kept", v)
		}
	}
}
