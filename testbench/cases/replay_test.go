package cases

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/rules"
)

// want is what a case demands of the report.
type want struct {
	Made     string            `yaml:"made"`   // with which programs
	Device   string            `yaml:"device"` // MAC of the device that must be chosen
	Verdicts map[string]string `yaml:"verdicts"`
}

// recorded is one case.
type recorded struct {
	name    string
	want    want
	entries []evidence.Entry
}

func book(t *testing.T) assess.Book {
	t.Helper()
	b, err := assess.LoadBook(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// all reads every case.
func all(t *testing.T) []recorded {
	t.Helper()
	files, err := filepath.Glob("*/want.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case was found: %v", err)
	}
	var out []recorded
	for _, file := range files {
		dir := filepath.Dir(file)
		c := recorded{name: dir, entries: entries(t, filepath.Join(dir, "evidence.pcapng"))}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := yaml.NewDecoder(bytes.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(&c.want); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, c)
	}
	return out
}

// entries reads a log with the bytes of its frames kept.
func entries(t *testing.T, file string) []evidence.Entry {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rd, err := evidence.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []evidence.Entry
	for {
		e, err := rd.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		e.Packet.Data = slices.Clone(e.Packet.Data)
		out = append(out, e)
	}
}

// judge grades entries; the device is named, so that damage cannot change it.
func judge(t *testing.T, b assess.Book, device string, list []evidence.Entry) report.Report {
	t.Helper()
	a := assess.New(b, assess.About{Plan: "capture"})
	for _, e := range list {
		a.Add(e)
	}
	a.Close()
	if device == "" {
		return a.Report(assess.AsOf{})
	}
	h, ok := assess.Find(a.Hosts(), device)
	if !ok {
		return report.Report{}
	}
	return a.ReportOn(h.ID, "named", assess.AsOf{})
}

func TestReplay(t *testing.T) {
	b := book(t)
	for _, c := range all(t) {
		t.Run(c.name, func(t *testing.T) {
			r := judge(t, b, "", c.entries)
			if r.Device.MAC != c.want.Device {
				t.Errorf("chose %s, want %s: %s", r.Device.MAC, c.want.Device, r.Device.ChosenBecause)
			}
			got := map[string]report.Finding{}
			for _, f := range r.Findings {
				got[f.Check] = f
			}
			for check, v := range c.want.Verdicts {
				if f := got[check]; f.Verdict != v {
					t.Errorf("%s is %s, want %s: %s", check, f.Verdict, v, f.Why)
				}
			}
		})
	}
}
