package rule_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"assay/internal/assess/fact"
	"assay/internal/assess/rule"
	"assay/rules"
)

func credentialFiles(texts ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i, t := range texts {
		fsys["credentials/"+string(rune('a'+i))+".yaml"] = &fstest.MapFile{Data: []byte(t)}
	}
	return fsys
}

func TestLoadCredentialsReadsAndSorts(t *testing.T) {
	got, err := rule.LoadCredentials(credentialFiles(
		"pairs:\n  - {vendor: Zeta, service: http, user: 'a', secret: '0123', source: manual}\n",
		"pairs:\n  - {vendor: Alpha, service: any, user: '', secret: 'no', source: manual}\n"+
			"  - {vendor: Alpha, service: any, user: 'x', secret: '', source: manual}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []fact.Credential{
		{Vendor: "Alpha", Service: "any", User: "", Secret: "no", Source: "manual"},
		{Vendor: "Alpha", Service: "any", User: "x", Secret: "", Source: "manual"},
		{Vendor: "Zeta", Service: "http", User: "a", Secret: "0123", Source: "manual"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLoadCredentialsRefuses(t *testing.T) {
	const good = "{vendor: V, service: http, user: 'u', secret: 's', source: manual}"
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"unknown field":   {[]string{"pairs:\n  - {vendor: V, service: http, user: 'u', secret: 's', source: m, colour: red}\n"}, `credentials/a.yaml:2:67: unknown field "colour"`},
		"unknown service": {[]string{"pairs:\n  - {vendor: V, service: gopher, user: 'u', secret: 's', source: m}\n"}, `credentials/a.yaml:2:26: unknown service "gopher"`},
		"missing source":  {[]string{"pairs:\n  - {vendor: V, service: http, user: 'u', secret: 's'}\n"}, `credentials/a.yaml:2:5: field "source" is missing`},
		"a number":        {[]string{"pairs:\n  - {vendor: V, service: http, user: 'u', secret: 0123, source: m}\n"}, `credentials/a.yaml:2:51: secret must be text in quotes`},
		"both empty":      {[]string{"pairs:\n  - {vendor: V, service: http, user: '', secret: '', source: m}\n"}, `credentials/a.yaml:2:5: a pair without user and secret`},
		"twice":           {[]string{"pairs:\n  - " + good + "\n", "pairs:\n  - " + strings.Replace(good, "V", "v", 1) + "\n"}, `credentials/b.yaml:2:5: this pair of v stands at credentials/a.yaml:2 already`},
		"no pairs":        {[]string{"{}\n"}, `credentials/a.yaml:1:1: field "pairs" is missing`},
		"not a mapping":   {[]string{"- 1\n"}, `credentials/a.yaml:1:1: the credential file must be a mapping`},
		"bad YAML":        {[]string{"pairs: [\n"}, `credentials/a.yaml:`},
		"empty list":      {[]string{"pairs: []\n"}, `pairs is an empty list`},
		"no file":         {nil, `no credential file found`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := rule.LoadCredentials(credentialFiles(c.files...))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if got != nil {
				t.Errorf("got %d entries beside the error", len(got))
			}
		})
	}
}

func TestLoadCredentialsTellsAllProblemsAtOnce(t *testing.T) {
	_, err := rule.LoadCredentials(credentialFiles(
		"pairs:\n  - {vendor: V, service: gopher, user: 'u', secret: 's', source: m}\n  - {vendor: V, service: http, user: 'u', secret: 's'}\n",
		"pairs:\n  - 7\n"))
	if n := len(rule.Problems(err)); n != 3 {
		t.Errorf("got %d problems, want 3: %v", n, err)
	}
}

// The shipped list is part of what the product claims: its size and the groups
// it covers are promised to users.
func TestShippedCredentials(t *testing.T) {
	list, err := rule.LoadCredentials(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 130 {
		t.Errorf("%d entries, want at least 130", len(list))
	}
	services := map[string]int{}
	for _, c := range list {
		services[c.Service]++
	}
	for _, s := range []string{"any", "http", "telnet", "ftp", "mqtt", "snmp", "ssh"} {
		if services[s] == 0 {
			t.Errorf("no entry for service %s", s)
		}
	}
	if !slices.ContainsFunc(list, func(c fact.Credential) bool {
		return c.Service == "telnet" && c.User == "root" && c.Secret == "xc3511"
	}) {
		t.Error("the best-known pair of the Mirai list is missing")
	}
}
