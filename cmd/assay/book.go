package main

import (
	"errors"
	"io/fs"
	"strings"

	"assay/internal/assess"
	"assay/internal/assess/fact"
	"assay/internal/assess/grade"
	"assay/internal/assess/rule"
	"assay/rules"
)

// loadBook reads the rules that the program carries and the wanted profile. A
// mistake in them is a fault of the program.
func loadBook(profile string) (assess.Book, error) {
	return bookFrom(rules.FS, profile)
}

func bookFrom(fsys fs.FS, profile string) (assess.Book, error) {
	loaded, err := rule.Load(fsys, fact.Schema())
	var ids []string
	for _, r := range loaded.Rules() {
		ids = append(ids, r.ID)
	}
	profiles, perr := grade.LoadProfiles(fsys, ids)
	credentials, cerr := rule.LoadCredentials(fsys)
	digest, derr := rule.Digest(fsys)
	if err := errors.Join(err, perr, cerr, derr); err != nil {
		return assess.Book{}, fail(exitBug, "cannot load the rules that this program carries:\n%w", err)
	}
	if _, ok := grade.Find(profiles, profile); profile != "" && !ok {
		return assess.Book{}, fail(exitUsage, "unknown profile %q: there are %s", profile, profileIDs(profiles))
	}
	return assess.Book{Rules: loaded, Profiles: profiles, Credentials: credentials, Digest: digest}, nil
}

func profileIDs(list []grade.Profile) string {
	var ids []string
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, ", ")
}
