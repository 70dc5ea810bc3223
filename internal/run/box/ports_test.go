//go:build linux

package box

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"assay/internal/assess/report"
)

// TestOddPortsOfTLS: where a device spoke TLS is read as reports tell it.
func TestOddPortsOfTLS(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "cmd", "assay", "testdata", "golden", "camera.json"))
	must(t, err)
	var r report.Report
	must(t, json.Unmarshal(text, &r))
	i := slices.IndexFunc(r.Destinations, overTLS)
	if i < 0 {
		t.Fatal("the camera speaks no TLS over TCP by its report")
	}
	odd := r.Destinations[i]
	odd.Port = 4443
	if ports, seen := tlsPorts([]report.Destination{odd}); !seen || !slices.Contains(ports, 4443) || !slices.Contains(ports, 8883) {
		t.Errorf("ports %v, seen %v", ports, seen)
	}
	odd.Transport, odd.Protocol = "UDP", "quic"
	if ports, seen := tlsPorts([]report.Destination{odd}); !seen || slices.Contains(ports, 4443) {
		t.Errorf("ports %v of QUIC, seen %v", ports, seen)
	}
	odd.Protocol = "dns"
	if _, seen := tlsPorts([]report.Destination{odd}); seen {
		t.Error("DNS counts as TLS")
	}
}
