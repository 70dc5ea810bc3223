package rule

import (
	"strings"
	"testing"

	"assay/internal/assess/fact"
)

// FuzzRuleFile loads any bytes as a rule file and judges with what was accepted:
// nothing panics, every complaint has a place, and nothing known is no pass.
func FuzzRuleFile(f *testing.F) {
	f.Add(sampleRule)
	f.Add(strings.Replace(sampleRule, "dns.do_share == 1.0", `"\x00" in dns.asked || dns.names / 0 == 1`, 1))
	f.Add(strings.Replace(sampleRule, "dns.do_share == 1.0", ">-\n  ((((dns.names))))", 1))
	f.Add("a: &a [*a, *a]")
	f.Add("- \xff")
	f.Fuzz(func(t *testing.T, text string) {
		book, err := Load(folder(map[string]string{sampleFile: text}), testSchema())
		for _, p := range Problems(err) {
			if p.File == "" || p.Text == "" {
				t.Errorf("a complaint without place or words: %+v", p)
			}
		}
		for _, got := range book.Judge(fact.NewSheetOf(testSchema())) {
			if got.Verdict == Pass || got.Verdict == Partial {
				t.Errorf("%s on an empty sheet", got.Verdict)
			}
		}
	})
}

// BenchmarkLoad loads 92 rules; a program start should not notice it.
func BenchmarkLoad(b *testing.B) {
	files := map[string]string{}
	for i := range 92 {
		id := "DS-" + string([]byte{byte('0' + i/10), byte('0' + i%10)})
		files["DS/"+id+"-x.yaml"] = strings.Replace(sampleRule, "DS-02", id, 1)
		files["DS/"+id+"-x.test.yaml"] = sampleTests
	}
	files[sampleFile], files[sampleTestFile] = "", ""
	fsys := folder(files)
	for b.Loop() {
		mustLoad(b, fsys)
	}
}

// TestEveryFactCanBeRead compiles a condition over each declared fact.
func TestEveryFactCanBeRead(t *testing.T) {
	lang, err := newLanguage(fact.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range fact.Schema() {
		ast, issues := lang.env.Compile(d.Key)
		if issues.Err() != nil {
			t.Errorf("%s: %v", d.Key, issues.Err())
			continue
		}
		if reads, _ := lang.survey(ast); len(reads) != 1 || reads[0] != d.Key {
			t.Errorf("%s is read as %v", d.Key, reads)
		}
	}
}
