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
		if !seen[q] && !strings.HasPrefix(q.Name, "loop") && (qtype != dns.TypeANY || answersANY(q.Name)) {
			seen[q] = true
			out = append(out, q)
		}
	}
	for _, n := range u.Names() {
		add(n.Name, n.Type)
	}
	var names []string
	for _, n := range u.Names() {
		names = append(names, n.Name)
	}
	for _, z := range u.Zones() {
		for _, b := range below() {
			names = append(names, b+"."+strings.TrimPrefix(z.Name, "."))
		}
	}
	for _, name := range slices.Compact(names) {
		for _, t := range types() {
			add(name, t)
		}
	}
	return out
}

// answersANY leaves ANY out of names below wildcards and aliases, where
// resolvers differ in what they ask of each other.
func answersANY(name string) bool { return !strings.Contains(name, "*") && dns.CountLabel(name) <= 3 }
