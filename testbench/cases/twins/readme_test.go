package twins

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the table into testbench/README.md")

// The table stands between these lines of the README.
const begin, end = "<!-- twins: written by go test ./testbench/cases/twins -update -->\n", "<!-- twins: end -->\n"

// checkReadme holds the table in the README against the one that came out.
func checkReadme(t *testing.T, table string) {
	t.Helper()
	t.Logf("\n%s", table)
	file := filepath.Join("..", "..", "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	was, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		t.Fatal("testbench/README.md has no place for the table of twins")
	}
	if string(was) == table || t.Failed() {
		return
	}
	if !*update {
		t.Errorf("testbench/README.md holds another table; go test ./testbench/cases/twins -update writes it:\n%s", was)
		return
	}
	if err := os.WriteFile(file, bytes.Join([][]byte{before, []byte(begin), []byte(table), []byte(end), after}, nil), 0o644); err != nil {
		t.Fatal(err)
	}
}
