package archtest

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// wall is a rule about imports: files below From may import, of the project's
// own packages, only those below Only.
type wall struct {
	from string
	only []string
	why  string
}

// walls are checked from the most particular to the most general; the first one
// whose folder holds the file applies.
var walls = []wall{
	{"internal/assess/evidence", nil, "the evidence log knows no packet, so that any tool can read it"},
	{"internal/assess/event", []string{"internal/assess/evidence"}, "the vocabulary has no opinion and no parser"},
	{"internal/assess/decode", []string{"internal/assess/decode", "internal/assess/event", "internal/assess/evidence"}, "decode is the only owner of packet formats and knows no verdict"},
	{"internal/assess/fact", []string{"internal/assess/event"}, "facts carry no opinion and see no packet"},
	{"internal/assess/rule", []string{"internal/assess/fact", "internal/assess/event", "rules"}, "rules carry no packet knowledge"},
	{"internal/assess/grade", []string{"internal/assess/rule", "internal/assess/fact", "rules"}, "grades are made of findings alone"},
	{"internal/assess/report", []string{"internal/assess/grade", "internal/assess/rule", "internal/assess/fact", "internal/assess/event"}, "a report is plain data made of findings and grades"},
	{"internal/assess", []string{"internal/assess"}, "assess is pure: it touches nothing outside itself"},
	{"internal/gateway", []string{"internal/gateway", "internal/assess/evidence", "internal/assess/event"}, "the gateway writes notes; it must not judge"},
	{"internal/panel", []string{"internal/panel", "internal/assess/report"}, "people are shown the report and nothing else"},
	{"internal/run", []string{"internal"}, "run joins the rooms; nothing of cmd or testbench reaches into it"},
	{"internal/archtest", nil, "the walls depend on nothing they watch"},
	{"board", nil, "pins are values, whatever they are used for"},
	{"rules", nil, "rules.go only embeds"},
}

// testOnly are packages of the project that a test may use besides the walls.
var testOnly = []string{"rules", "testbench"}

func TestImportsKeepTheWalls(t *testing.T) {
	for _, s := range sources(t) {
		w := wallOf(s.pkg)
		if w == nil {
			continue
		}
		for _, imp := range s.imports() {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok && !w.allows(own, s.test) {
				t.Errorf("%s imports %s: files below %s may import only %v, because %s", s.path, imp, w.from, w.only, w.why)
			}
		}
	}
}

func wallOf(pkg string) *wall {
	for i := range walls {
		if under(pkg, walls[i].from) {
			return &walls[i]
		}
	}
	return nil
}

func (w *wall) allows(pkg string, test bool) bool {
	if under(pkg, w.from) {
		return true
	}
	allowed := w.only
	if test {
		allowed = append(slices.Clone(allowed), testOnly...)
		if slices.Contains([]string{"internal/assess/rule", "internal/assess/grade", "internal/assess/report", "rules"}, w.from) {
			allowed = append(allowed, "internal/assess") // tests of the later rooms may use the earlier ones
		}
	}
	return slices.ContainsFunc(allowed, func(dir string) bool { return under(pkg, dir) })
}

// impure are imports that would let assess touch the world or depend on the
// moment: then the same evidence could give another report.
var impure = []string{
	"os", "os/exec", "os/signal", "net", "net/http", "syscall", "log", "log/slog", "sync", "sync/atomic",
	"unsafe", "math/rand", "math/rand/v2", "crypto/rand", "runtime", "plugin", "path/filepath", "io/ioutil",
	"golang.org/x/sys/unix", "context",
}

func TestAssessIsPure(t *testing.T) {
	const why = "the same evidence must give the same report, wherever and whenever it is graded"
	for _, s := range sources(t) {
		if s.test || !under(s.pkg, "internal/assess") {
			continue
		}
		for _, imp := range s.imports() {
			if slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: %s", s.path, imp, why)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if what := impurity(n); what != "" {
				t.Errorf("%s: %s: %s", s.fset.Position(n.Pos()), what, why)
			}
			return true
		})
	}
}

// clocks are the functions of package time that look at the moment.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep", "Local", "LoadLocation"}

func impurity(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "starts a goroutine"
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
			return "uses time." + n.Sel.Name
		}
	}
	return ""
}

// owners says which packages may import a library that must stay fenced in.
var owners = []struct {
	library string
	dirs    []string
	why     string
}{
	{"github.com/google/gopacket", []string{"internal/assess/evidence", "internal/assess/decode", "internal/gateway/capture"}, "it panics on hostile bytes outside its fence"},
	{"github.com/miekg/dns", []string{"internal/assess/decode", "internal/gateway", "testbench"}, "facts and rules know no wire format"},
	{"github.com/insomniacslk/dhcp", []string{"internal/assess/decode", "internal/gateway", "testbench"}, "facts and rules know no wire format"},
	{"cel.dev/cel-go", []string{"internal/assess/rule"}, "conditions are evaluated in one place, three-valued"},
	{"github.com/alecthomas/kong", []string{"cmd"}, "only the program knows its command line"},
}

func TestLibrariesStayFenced(t *testing.T) {
	for _, s := range sources(t) {
		for _, imp := range s.imports() {
			for _, o := range owners {
				inside := slices.ContainsFunc(o.dirs, func(d string) bool { return under(s.pkg, d) })
				if under(imp, o.library) && !inside && !s.test {
					t.Errorf("%s imports %s: only %v may, because %s", s.path, imp, o.dirs, o.why)
				}
			}
		}
	}
}

// gopacketFence names what must never be called on a device's bytes.
var gopacketFence = []string{"NewPacket", "NewPacketSource", "DecodingLayerContainer", "LayersDecoder"}

func TestGopacketFence(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "gopacket" && slices.Contains(gopacketFence, sel.Sel.Name) {
				t.Errorf("%s: gopacket.%s: only DecodingLayerParser with a white list recovers from hostile frames", s.fset.Position(n.Pos()), sel.Sel.Name)
			}
			return true
		})
	}
}
