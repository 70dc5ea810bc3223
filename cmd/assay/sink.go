package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"assay/internal/assess/report"
)

// sink takes reports and puts them where the user wants them.
type sink struct {
	c      *console
	format string
	path   string // file or folder, "" for standard output
	folder bool
	count  int
}

// newSink makes a sink; several says that more than one report may come.
func newSink(c *console, format, path string, several bool) (*sink, error) {
	s := &sink{c: c, format: format, path: path}
	info, err := os.Stat(path)
	isFolder := path != "" && err == nil && info.IsDir()
	switch {
	case several && format == "html" && path == "":
		return nil, fail(exitUsage, "several pages cannot go to one output: name a folder with --output")
	case several && path != "" && !isFolder:
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, fail(exitMissing, "cannot make the folder %s for several reports: %w; name another with --output", path, bare(err))
		}
		isFolder = true
	}
	s.folder = isFolder
	return s, nil
}

// put renders a report and writes it.
func (s *sink) put(file string, r report.Report) error {
	text, err := render(r, s.format, s.c.colour && s.path == "")
	if err != nil {
		return err
	}
	s.count++
	if s.path == "" {
		return s.print(text)
	}
	return writeWhole(s.target(file, r), text)
}

func (s *sink) print(text []byte) error {
	if s.count > 1 && s.format == "text" {
		text = append([]byte("\n\n"), text...)
	}
	if _, err := s.c.out.Write(text); err != nil {
		return fail(exitMissing, "cannot write the report: %w", err)
	}
	return nil
}

func render(r report.Report, format string, colour bool) ([]byte, error) {
	switch format {
	case "json":
		return report.JSON(r)
	case "html":
		return report.HTML(r)
	default:
		return []byte(report.Text(r, colour)), nil
	}
}

// target is the file for a report: in a folder it is named after the evidence and
// the device, so that no report overwrites another.
func (s *sink) target(file string, r report.Report) string {
	if !s.folder {
		return s.path
	}
	base := strings.TrimSuffix(filepath.Base(shown(file)), filepath.Ext(file))
	device := r.Device.MAC
	if device == "" && len(r.Device.Addresses) > 0 {
		device = r.Device.Addresses[0]
	}
	name := strings.NewReplacer(":", "-", " ", "-").Replace(strings.Trim(base+"-"+device, "-"))
	ext := map[string]string{"json": ".json", "html": ".html", "text": ".txt"}[s.format]
	return filepath.Join(s.path, name+ext)
}

// writeWhole writes a file so that an interruption leaves the old one or the new
// one, never a half.
func writeWhole(path string, text []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeThrough(path, text)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".assay-*")
	if err != nil {
		return cannotWrite(path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when all went well
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err != nil {
		return cannotWrite(path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

// writeThrough writes to a pipe or device, which cannot be replaced.
func writeThrough(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return cannotWrite(path, err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

func cannotWrite(path string, err error) error {
	return fail(exitMissing, "cannot write the report to %s: %w; name a file in a folder that exists and is yours", path, bare(err))
}

// bare is an error without the path and the call, which the message names itself.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
