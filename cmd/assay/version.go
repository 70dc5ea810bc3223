package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"assay/internal/assess/rule"
	"assay/rules"
)

// versionCmd prints what a report names as its origin.
type versionCmd struct{}

// Run prints the version of the program and the digest of its rules.
func (versionCmd) Run(c *console) error {
	digest, err := rule.Digest(rules.FS)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "assay %s (%s, %s/%s)\nrules %s\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, digest)
	return err
}

// programVersion is the version that the build set, else the revision that the Go
// tool recorded, else "unreleased".
func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unreleased"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "unreleased-" + s.Value[:12]
		}
	}
	return "unreleased"
}
