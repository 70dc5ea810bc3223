package main

import (
	"io/fs"
	"strings"

	"assay/internal/assess"
	"assay/internal/assess/grade"
	"assay/rules"
)

// loadBook reads the rules that the program carries; profile is the one that is
// asked for, or "". A mistake in the rules is a fault of the program.
func loadBook(profile string) (assess.Book, error) {
	return bookFrom(rules.FS, profile)
}

func bookFrom(fsys fs.FS, profile string) (assess.Book, error) {
	book, err := assess.LoadBook(fsys)
	if err != nil {
		return assess.Book{}, fail(exitBug, "cannot load the rules that this program carries:\n%w", err)
	}
	if _, ok := grade.Find(book.Profiles, profile); profile != "" && !ok {
		return assess.Book{}, fail(exitUsage, "unknown profile %q: there are %s", profile, profileIDs(book.Profiles))
	}
	return book, nil
}

func profileIDs(list []grade.Profile) string {
	var ids []string
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, ", ")
}
