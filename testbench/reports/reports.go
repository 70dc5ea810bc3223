// Package reports has reports on the virtual devices of package traffic, graded by the
// real pipeline, for tests of whatever shows reports. It must not know what they show.
package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/rules"
	"assay/testbench/traffic"
)

// Of grades a device by its own life.
func Of(d traffic.Device) (report.Report, error) {
	book, err := assess.LoadBook(rules.FS)
	if err != nil {
		return report.Report{}, err
	}
	var life bytes.Buffer
	if err := d.Write(&life); err != nil {
		return report.Report{}, err
	}
	size := uint64(life.Len())
	in, err := evidence.NewReader(&life)
	if err != nil {
		return report.Report{}, err
	}
	a := assess.New(book, assess.About{File: "evidence.pcapng", Version: "test", Plan: "quick"})
	for {
		e, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return report.Report{}, fmt.Errorf("cannot read the life of %s: %w", d.Name, err)
		}
		a.Add(e)
	}
	a.Close()
	return a.Report(assess.AsOf{SHA256: make([]byte, 32), Bytes: size}), nil
}
