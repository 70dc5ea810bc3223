// Package oracle owns the comparison of the gateway's DNSSEC validator with
// independent ones, unbound and delv: the questions that are asked and how each
// program's words map to a status. It must not know how any of them validates;
// where they differ, the table of differences says why that may be.
package oracle

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"assay/testbench/internet/zone"
)

// types are asked of every name besides what the name has.
func types() []uint16 {
	return []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeSOA, dns.TypeDS, dns.TypeDNSKEY, dns.TypeCNAME, dns.TypeLOC, dns.TypeANY}
}

// below are names that a zone may not have, or has by a wildcard, an empty
// non-terminal or a DNAME.
func below() []string {
	return []string{"absent", "a.b.absent", "any.dev", "a.b.dev", "exact.dev", "empty.names", "x.empty.names", "under.www", "x.old", "x.y.caught", "zzz"}
}

// Matrix lists the questions: every name of the internet and, for every zone,
// names that are not there, each with data types and others. Aliases in a loop
// are left out, nobody answers them. The order is steady.
func Matrix(u *zone.Universe) []dns.Question {
	var out []dns.Question
	seen := map[dns.Question]bool{}
	add := func(name string, qtype uint16) {
		q := dns.Question{Name: dns.CanonicalName(name), Qtype: qtype, Qclass: dns.ClassINET}
		if !seen[q] && answered(q) {
			seen[q] = true
			out = append(out, q)
		}
	}
	for _, n := range u.Names() {
		add(n.Name, n.Type)
	}
	for _, name := range names(u) {
		for _, t := range types() {
			add(name, t)
		}
	}
	return out
}

func names(u *zone.Universe) []string {
	var out []string
	for _, n := range u.Names() {
		out = append(out, n.Name)
	}
	for _, z := range u.Zones() {
		for _, b := range below() {
			out = append(out, b+"."+strings.TrimPrefix(z.Name, "."))
		}
	}
	return slices.Compact(out)
}

// answered leaves out aliases in a loop, and ANY below wildcards and aliases,
// where resolvers differ in what they ask of each other.
func answered(q dns.Question) bool {
	if strings.HasPrefix(q.Name, "loop") {
		return false
	}
	return q.Qtype != dns.TypeANY || !strings.Contains(q.Name, "*") && dns.CountLabel(q.Name) <= 3
}
