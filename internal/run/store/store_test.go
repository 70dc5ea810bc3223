package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, l Limits) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "runs"), l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begin makes a run with evidence of the given size.
func begin(t *testing.T, s *Store, r Record, size int) Place {
	t.Helper()
	p, err := s.New(r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Evidence()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestARunIsFoundAsItWasKept(t *testing.T) {
	s := open(t, Limits{})
	want := Record{MAC: "02:00:00:00:00:01", Plan: "observe", Profile: "p", Label: "Cam\u202e é", Operator: "Kim\n- x", Started: noon}
	p := begin(t, s, want, 3)
	if err := p.Save([]byte("{}"), []byte("<p>")); err != nil {
		t.Fatal(err)
	}
	if err := p.Update(func(r *Record) { r.State, r.Ended, r.MAC, r.ID = Done, noon.Add(time.Hour), "other", "other" }); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(p.Record().ID)
	if err != nil {
		t.Fatal(err)
	}
	want.ID, want.State, want.Ended = p.Record().ID, Done, noon.Add(time.Hour)
	if d := cmp.Diff(want, got.Record()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if text, err := os.ReadFile(got.Path(JSONFile)); err != nil || string(text) != "{}" {
		t.Errorf("the report is %q, %v", text, err)
	}
	r, err := got.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if text, err := io.ReadAll(r); err != nil || len(text) != 3 {
		t.Errorf("the evidence has %d bytes, %v", len(text), err)
	}
}

func TestEvidenceIsNeverOverwritten(t *testing.T) {
	p := begin(t, open(t, Limits{}), Record{Started: noon}, 5)
	if _, err := p.Evidence(); err == nil {
		t.Error("the evidence of a run can be begun again")
	}
}

// TestNamesStayInsideTheFolder: a label is the operator's or, worse, the device's.
func TestNamesStayInsideTheFolder(t *testing.T) {
	s := open(t, Limits{})
	rapid.Check(t, func(t *rapid.T) {
		p, err := s.New(Record{Label: rapid.OneOf(rapid.String(), rapid.StringMatching(`[./\\ a-zA-Z]{0,300}`)).Draw(t, "label"), Started: noon})
		if err != nil {
			t.Fatal(err)
		}
		if !idForm.MatchString(p.Record().ID) || filepath.Dir(p.dir()) != s.folder {
			t.Fatalf("the run lies in %s", p.dir())
		}
		if _, err := s.Get(p.Record().ID); err != nil {
			t.Fatal(err)
		}
		if err := p.Delete(); err != nil {
			t.Fatal(err)
		}
	})
	for _, id := range []string{"", ".", "..", "../x", "20261123-120000-x/../..", "20261123-120000-nobody-abcd", "\x00"} {
		if _, err := s.Get(id); !errors.Is(err, errGone) {
			t.Errorf("%q gives %v", id, err)
		}
	}
}

func TestRetentionTakesTheOldestEndedRuns(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		gone   []string
	}{
		{"no limit", Limits{}, nil},
		{"count", Limits{Runs: 4}, []string{"r1"}},
		{"count, not those that stay", Limits{Runs: 1}, []string{"r1", "r3", "r4"}},
		{"size", Limits{Bytes: 45_000}, []string{"r1"}},
		{"size of all", Limits{Bytes: 1}, []string{"r1", "r3", "r4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, c.limits)
			for i := range 5 {
				p := begin(t, s, Record{Label: fmt.Sprint("r", i), Started: noon.Add(time.Duration(i) * time.Minute)}, 10_000)
				if err := p.Update(func(r *Record) {
					if i != 0 { // r0 goes on, r2 is kept
						r.State, r.Kept = Done, i == 2
					}
				}); err != nil {
					t.Fatal(err)
				}
			}
			gone, err := s.Prune()
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range gone {
				names = append(names, r.Label)
			}
			if !slices.Equal(names, c.gone) {
				t.Errorf("deleted %v, want %v", names, c.gone)
			}
		})
	}
}

func TestDamageIsToldAndLeavesTheOthers(t *testing.T) {
	s := open(t, Limits{})
	good, bad := begin(t, s, Record{Started: noon}, 1), begin(t, s, Record{Started: noon}, 1)
	for name, text := range map[string]string{
		"no YAML": ":\x00", "an unknown field": "id: x\ncolour: red\n", "another run's": "id: x\n", "too large": strings.Repeat("#", recordLimit+1),
	} {
		if err := os.WriteFile(bad.Path(recordFile), []byte(text), fileMode); err != nil {
			t.Fatal(err)
		}
		list, err := s.List()
		if err == nil || !strings.Contains(err.Error(), bad.Record().ID) {
			t.Errorf("%s: the error %v does not name the run", name, err)
		}
		if len(list) != 1 || list[0].Record().ID != good.Record().ID {
			t.Errorf("%s: %d runs are readable, want the other one", name, len(list))
		}
	}
}

func TestCutOff(t *testing.T) {
	s := open(t, Limits{})
	running, ended := begin(t, s, Record{Started: noon}, 1), begin(t, s, Record{Started: noon}, 1)
	if err := ended.Update(func(r *Record) { r.State = Left }); err != nil {
		t.Fatal(err)
	}
	list, err := s.CutOff()
	if err != nil || len(list) != 1 || list[0].Record().ID != running.Record().ID {
		t.Errorf("got %v, %v", list, err)
	}
}

// TestCutOffTidies: nothing else stays of a box that stopped in the middle.
func TestCutOffTidies(t *testing.T) {
	s := open(t, Limits{})
	torn := begin(t, s, Record{Started: noon}, 9)
	half, empty := torn.Path(".report.json123"), filepath.Join(s.folder, "20261123-120000-device-aaaa")
	unread := filepath.Join(s.folder, "20261123-120000-device-bbbb")
	for _, folder := range []string{empty, unread} {
		if err := os.Mkdir(folder, dirMode); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{half, filepath.Join(empty, ".run.yaml123"), filepath.Join(unread, EvidenceFile)} {
		if err := os.WriteFile(file, []byte("x"), fileMode); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.CutOff()
	if len(list) != 1 || list[0].Size() < 9 {
		t.Errorf("got %v, %v", list, err)
	}
	for file, want := range map[string]bool{half: false, empty: false, unread: true, torn.Path(EvidenceFile): true} {
		if _, err := os.Stat(file); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", file, err == nil, want)
		}
	}
}

func TestAFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, fileMode); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "runs"), Limits{}); err == nil || !strings.Contains(err.Error(), "store.folder") {
		t.Errorf("got %v", err)
	}
}
