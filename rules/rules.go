// Package rules carries the rule files, profiles and lists of this folder inside
// the program. It owns no code: package rule reads them and gives them meaning.
package rules

import "embed"

// FS holds every YAML file of this folder's subfolders, with paths such as
// "DS/DS-02-asks-for-signatures.yaml" and "profiles/internet-standards.yaml".
//
//go:embed */*.yaml
var FS embed.FS
