package rule

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay/internal/assess/fact"
)

// credentialServices are the services that a listed password may be tied to;
// "any" ties it to none.
var credentialServices = []string{"any", "ftp", "http", "mqtt", "onvif", "rtsp", "snmp", "ssh", "telnet"}

// LoadCredentials reads the well-known factory passwords of credentials/*.yaml
// in order of vendor, service, user and secret. Every complaint names file, line
// and column, and all of them come at once (see Problems). The same entry twice
// is an error, also across files: a fact has one source.
func LoadCredentials(fsys fs.FS) ([]fact.Credential, error) {
	names, err := fs.Glob(fsys, "credentials/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("cannot list the credential files: %w", err)
	}
	slices.Sort(names)
	list := credentialList{seen: map[fact.Credential]string{}}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", name, err)
		}
		list.read(&document{file: name, text: text, bad: &list.bad})
	}
	if len(list.all) == 0 && len(list.bad.list) == 0 {
		list.bad.add("credentials", 0, 0, "no credential file found: the check for factory passwords would see nothing")
	}
	if err := list.bad.err(); err != nil {
		return nil, err
	}
	slices.SortFunc(list.all, compareCredentials)
	return list.all, nil
}

// credentialList gathers the entries of all files.
type credentialList struct {
	all  []fact.Credential
	seen map[fact.Credential]string // entry without source: where it stands
	bad  problems
}

func (l *credentialList) read(d *document) {
	root := d.root()
	if root == nil {
		return
	}
	found := false
	d.object(root, "the credential file", fields{
		"pairs": func(n *yaml.Node) {
			found = true
			d.each(n, "pairs", func(item *yaml.Node) { l.add(d, item) })
		},
	})
	if !found && root.Kind == yaml.MappingNode {
		d.at(root, "field \"pairs\" is missing")
	}
}

// add reads one entry.
func (l *credentialList) add(d *document, n *yaml.Node) {
	before := len(l.bad.list)
	c := fact.Credential{}
	has := map[string]bool{}
	d.object(n, "a pair", fields{
		"vendor":  note(has, "vendor", d.text1("vendor", &c.Vendor)),
		"service": note(has, "service", d.oneOf("service", &c.Service, credentialServices...)),
		"user":    note(has, "user", d.exact("user", &c.User)),
		"secret":  note(has, "secret", d.exact("secret", &c.Secret)),
		"source":  note(has, "source", d.text1("source", &c.Source)),
	})
	for _, name := range []string{"vendor", "service", "user", "secret", "source"} {
		if n.Kind == yaml.MappingNode && !has[name] {
			d.at(n, "field %q is missing in a pair", name)
		}
	}
	if has["user"] && has["secret"] && c.User == "" && c.Secret == "" {
		d.at(n, "a pair without user and secret would match every empty login")
	}
	if len(l.bad.list) == before {
		l.keep(d, n, c)
	}
}

// keep takes an entry unless it stands somewhere already.
func (l *credentialList) keep(d *document, n *yaml.Node, c fact.Credential) {
	key := c
	key.Source = ""
	key.Vendor = strings.ToLower(key.Vendor)
	if where, ok := l.seen[key]; ok {
		d.at(n, "this pair of %s stands at %s already", c.Vendor, where)
		return
	}
	l.seen[key] = fmt.Sprintf("%s:%d", d.file, n.Line)
	l.all = append(l.all, c)
}

// note remembers that a field was there, whatever its value.
func note(has map[string]bool, name string, read func(*yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		has[name] = true
		read(n)
	}
}

// exact is a reader of a string that must be quoted: 0123, no and 1e5 are not
// passwords to a YAML parser unless they are.
func (d *document) exact(what string, into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
		if n.Kind != yaml.ScalarNode || !quoted {
			d.at(n, "%s must be text in quotes, not %s", what, shape(n))
			return
		}
		*into = n.Value
	}
}

func compareCredentials(a, b fact.Credential) int {
	return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(a.Service, b.Service),
		cmp.Compare(a.User, b.User), cmp.Compare(a.Secret, b.Secret))
}
