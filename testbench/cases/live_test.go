package cases

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess"
)

// TestReportsOnTheWayLeaveNoTrace: who looks at a run while it goes on must not
// change its result. Every case is graded with a report after every few frames,
// and must end with the very report of the undisturbed log.
func TestReportsOnTheWayLeaveNoTrace(t *testing.T) {
	b := book(t)
	for _, c := range all(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			gap := max(1, len(c.entries)/20)
			a := assess.New(b, assess.About{Plan: "capture"})
			for i, e := range c.entries {
				a.Add(e)
				if i%gap == 0 {
					a.Report(assess.AsOf{})
				}
			}
			a.Close()
			a.Report(assess.AsOf{})
			if d := cmp.Diff(judge(t, b, "", c.entries), a.Report(assess.AsOf{})); d != "" {
				t.Errorf("reports on the way changed the last one (-undisturbed +disturbed):\n%s", d)
			}
		})
	}
}
