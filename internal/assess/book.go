package assess

import (
	"errors"
	"io/fs"

	"assay/internal/assess/fact"
	"assay/internal/assess/grade"
	"assay/internal/assess/rule"
)

// LoadBook reads the rules, profiles and factory passwords of a folder laid out as
// rules/ is. All mistakes come back joined, each naming its file.
func LoadBook(fsys fs.FS) (Book, error) {
	loaded, err := rule.Load(fsys, fact.Schema())
	var ids []string
	for _, r := range loaded.Rules() {
		ids = append(ids, r.ID)
	}
	profiles, perr := grade.LoadProfiles(fsys, ids)
	credentials, cerr := rule.LoadCredentials(fsys)
	digest, derr := rule.Digest(fsys)
	if err := errors.Join(err, perr, cerr, derr); err != nil {
		return Book{}, err
	}
	return Book{Rules: loaded, Profiles: profiles, Credentials: credentials, Digest: digest}, nil
}
